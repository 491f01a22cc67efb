#pragma once

#include <concepts>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "core/context_split.h"
#include "core/head.h"
#include "core/optional_members.h"
#include "core/options.h"

namespace heed {

template <class M, class S>
class HeadLoop;

// The optional members that the mixer M has (core/mixer.h lists them). A member with another signature does
// not compile; the message shows the right one.
template <class M, class S>
struct MixerMembers {
  static constexpr bool cost = detail::has_cost<M>(), declare = detail::has_declare<M>(),
                        decode = detail::has_decode<M>(), divided = detail::has_divided<M>(),
                        head_params = detail::has_head_params<M>(), inputs = detail::has_inputs<M>(),
                        kept_keys = detail::has_kept_keys<M>(), normalize = detail::has_normalize<M>(),
                        normalize_backward = detail::has_normalize_backward<M>(),
                        normalizes = detail::has_normalizes<M>(), prepare = detail::has_prepare<M>(),
                        reads_unrotated = detail::has_reads_unrotated<M>(), shape = detail::has_shape<M>(),
                        splits = detail::has_splits<M>(), state_size = detail::has_state_size<M>(),
                        traits = detail::has_traits<M>(), weights = detail::has_weights<M>();

  static_assert(std::is_trivially_destructible_v<typename M::Saved>,
                "what forward saves lives in an arena: views and numbers only");
  static_assert(
      !cost ||
          requires(const M& m, const HeadSize& size) {
            { m.cost(size) } -> std::same_as<Cost>;
          },
      "'cost' of a mixer must be public: Cost cost(const HeadSize&) const");
  static_assert(
      !declare ||
          requires(M & m, const LayerSpec<S>& spec, Params<S>& params) {
            { m.declare(spec, params) } -> std::same_as<void>;
          },
      "'declare' of a mixer must be public: void declare(const LayerSpec<S>&, Params<S>&)");
  static_assert(
      !decode ||
          requires(const M& m, const Head<S>& token, std::span<S> state, Mat<S> o, Memory<S>& memory) {
            { m.decode(token, state, o, memory) } -> std::same_as<void>;
          },
      "'decode' of a mixer must be public: "
      "void decode(const Head<S>& token, std::span<S> state, Mat<S> o, Memory<S>&) const");
  static_assert(
      !state_size ||
          requires(const M& m, const HeadSize& size) {
            { m.state_size(size) } -> std::same_as<Index>;
          },
      "'state_size' of a mixer must be public: Index state_size(const HeadSize&) const");
  static_assert(
      !divided ||
          requires(const M& m, const HeadLoop<M, S>& loop, const ContextParallel& parallel) {
            { m.divided(loop, parallel) } -> std::same_as<std::unique_ptr<HeadKernel<S>>>;
          },
      "'divided' of a mixer must be public: "
      "std::unique_ptr<HeadKernel<S>> divided(const HeadLoop<M, S>&, const ContextParallel&) const");
  static_assert(
      !splits ||
          requires(const M& m) {
            { m.splits() } -> std::same_as<Splits>;
          },
      "'splits' of a mixer must be public: Splits splits() const");
  static_assert(divided == splits, "a mixer has 'divided' and 'splits' or neither");
  static_assert(decode == state_size, "a mixer has 'decode' and 'state_size' or neither");
  static_assert(
      !kept_keys ||
          requires(const M& m, Index length) {
            { m.kept_keys(length) } -> std::same_as<Index>;
          },
      "'kept_keys' of a mixer must be public: Index kept_keys(Index length) const");
  static_assert(
      !head_params ||
          requires(const M& m) {
            { m.head_params() } -> std::same_as<std::vector<Param<S>>>;
          },
      "'head_params' of a mixer must be public: std::vector<Param<S>> head_params() const");
  static_assert(
      !inputs ||
          requires(const M& m, const LayerSpec<S>& spec) {
            { m.inputs(spec) } -> std::same_as<std::vector<MixerInput>>;
          },
      "'inputs' of a mixer must be public: std::vector<MixerInput> inputs(const LayerSpec<S>&) const");
  static_assert(
      !normalize ||
          requires(const M& m, Side side, Index head, In<S> x, Mat<S> y) {
            { m.normalize(side, head, x, y) } -> std::same_as<void>;
          },
      "'normalize' of a mixer must be public: void normalize(Side, Index head, In<S> x, Mat<S> y) const");
  static_assert(
      !normalize_backward ||
          requires(const M& m, Side side, Index head, In<S> x, Mat<S> dx, HeadGrad<S>& grad) {
            { m.normalize_backward(side, head, x, x, dx, grad) } -> std::same_as<void>;
          },
      "'normalize_backward' of a mixer must be public: "
      "void normalize_backward(Side, Index head, In<S> x, In<S> dy, Mat<S> dx, HeadGrad<S>& grad) const");
  static_assert(
      !normalizes ||
          requires(const M& m) {
            { m.normalizes() } -> std::same_as<bool>;
          },
      "'normalizes' of a mixer must be public: bool normalizes() const");
  static_assert(normalize == normalizes && normalize == normalize_backward,
                "a mixer has 'normalizes', 'normalize' and 'normalize_backward' or none of them");
  static_assert(
      !prepare ||
          requires(M & m, Index length, const Mask& mask) {
            { m.prepare(length, length, mask) } -> std::same_as<void>;
          },
      "'prepare' of a mixer must be public: void prepare(Index tq, Index tk, const Mask&)");
  static_assert(
      !reads_unrotated ||
          requires(const M& m) {
            { m.reads_unrotated() } -> std::same_as<bool>;
          },
      "'reads_unrotated' of a mixer must be public: bool reads_unrotated() const");
  static_assert(
      !shape ||
          requires(const M& m, const LayerSpec<S>& spec) {
            { m.shape(spec) } -> std::same_as<HeadShape>;
          },
      "'shape' of a mixer must be public: HeadShape shape(const LayerSpec<S>&) const");
  static_assert(
      !traits ||
          requires(const M& m) {
            { m.traits() } -> std::same_as<Traits>;
          },
      "'traits' of a mixer must be public: Traits traits() const");
  static_assert(
      !weights ||
          requires(const M& m, const Head<S>& in, const typename M::Saved& saved, Mat<S> p,
                   Memory<S>& memory) {
            { m.weights(in, saved, p, memory) } -> std::same_as<void>;
          },
      "'weights' of a mixer must be public: "
      "void weights(const Head<S>&, const Saved&, Mat<S> p, Memory<S>&) const");
};

// A mixer that without a mask needs only a state of its keys, which is a sum over them: add_keys adds keys to
// it, and forward_from reads it (variants/parts/state_kernel.h).
template <class M, class S>
concept SumsKeys = requires(const M& m, const Head<S>& in, std::span<S> state, Mat<S> o, Memory<S>& memory) {
  m.add_keys(in, state, memory);
  m.forward_from(in, state, o, memory);
};

namespace detail {
template <class M>
struct MixerOptionsOf {
  using type = NoOptions;
};
template <class M>
requires requires { typename M::Options; }
struct MixerOptionsOf<M> {
  using type = typename M::Options;
  static_assert(
      requires(M & m) {
        { m.options } -> std::same_as<type&>;
      },
      "a mixer with Options must have a public member for them: Options options;");
};
}  // namespace detail

template <class M>
using MixerOptions = typename detail::MixerOptionsOf<M>::type;

template <class M>
M configured_mixer(const Config& c, const std::string& name) {
  M mixer;
  if constexpr (requires { typename M::Options; })
    mixer.options = make_options<MixerOptions<M>>(c, name);
  else
    make_options<NoOptions>(c, name);
  return mixer;
}

template <class M>
Traits mixer_traits(const M& mixer) {
  if constexpr (detail::has_traits<M>())
    return mixer.traits();
  else
    return {};
}

}  // namespace heed
