#!/usr/bin/env bash
# wrong_members_test.sh COMPILER FLAG...: optional members of mixers and layers that have a wrong signature are
# compile errors, and each message shows the right signature.
set -euo pipefail
source=$(dirname "${BASH_SOURCE[0]}")/wrong_members.cpp
compile=("$@" -fsyntax-only)
if "$1" --version | grep -q clang; then compile+=(-ferror-limit=0); fi

fail() {
  echo "$*" >&2
  exit 1
}

"${compile[@]}" -DHEED_ONLY_RIGHT "$source" || fail "the classes without a wrong member do not compile"
if errors=$("${compile[@]}" "$source" 2>&1); then fail "the wrong members compile"; fi

expect() {  # CLASS MESSAGE
  grep -qF "$1" <<<"$errors" || fail "no error names the class $1:"$'\n'"$errors"
  grep -qF "$2" <<<"$errors" || fail "no error shows '$2':"$'\n'"$errors"
}
expect ShapeWithoutSpec 'HeadShape shape(const LayerSpec<S>&) const'
expect CostOfMutableSize 'Cost cost(const HeadSize&) const'
expect WeightsWithoutMemory 'void weights(const Head<S>&, const Saved&, Mat<S> p, Memory<S>&) const'
expect PrepareWithoutMask 'void prepare(Index tq, Index tk, const Mask&)'
expect DeclareWithoutSpec 'void declare(const LayerSpec<S>&, Params<S>&)'
expect TraitsAsBool 'Traits traits() const'
expect InputsWithoutSpec 'std::vector<MixerInput> inputs(const LayerSpec<S>&) const'
expect DecodeWithoutState 'void decode(const Head<S>& token, std::span<S> state, Mat<S> o, Memory<S>&) const'
expect SplitsWithoutKernel "a mixer has 'divided' and 'splits' or neither"
expect DividedWithoutLoop \
  'std::unique_ptr<HeadKernel<S>> divided(const HeadLoop<M, S>&, const ContextParallel&) const'
expect KeptAsDouble 'Index kept_keys(Index length) const'
expect NormalizeWithoutHead 'void normalize(Side, Index head, In<S> x, Mat<S> y) const'
expect NormalizeBackwardWithoutGrad \
  'void normalize_backward(Side, Index head, In<S> x, In<S> dy, Mat<S> dx, HeadGrad<S>& grad) const'
expect NormalizesAsIndex 'bool normalizes() const'
expect NormalizeOnlyForward "'normalizes', 'normalize' and 'normalize_backward' or none of them"
expect HeadParamsAsOne 'std::vector<Param<S>> head_params() const'
expect ReadsUnrotatedAsIndex 'bool reads_unrotated() const'
expect PrivateShape "'shape' of a mixer must be public"
expect OptionsWithoutMember 'Options options;'
expect LayerTraitsWithoutOptions 'static Traits traits(const Options&)'
expect BlockStyleOfOneObject 'static BlockStyle block_style(const Options&)'
