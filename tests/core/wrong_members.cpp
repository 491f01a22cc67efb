// Does not compile: each class has one optional member with a wrong signature. wrong_members_test.sh looks
// for the messages.
#include "core/mixer.h"
#include "core/register.h"

namespace {
using namespace heed;

template <class S>
struct Works {
  struct Saved {};
  Saved forward(const Head<S>&, Mat<S>, Memory<S>&) const { return {}; }
  void backward(const Head<S>&, const Saved&, In<S>, HeadGrad<S>&, Memory<S>&) const {}
};

template <class S>
struct ShapeWithoutSpec : Works<S> {
  HeadShape shape() const { return {}; }
};
template <class S>
struct CostOfMutableSize : Works<S> {
  Cost cost(HeadSize&) const { return {}; }
};
template <class S>
struct WeightsWithoutMemory : Works<S> {
  void weights(const Head<S>&, const typename Works<S>::Saved&, Mat<S>) const {}
};
template <class S>
struct PrepareWithoutMask : Works<S> {
  void prepare(Index, Index) {}
};
template <class S>
struct DeclareWithoutSpec : Works<S> {
  void declare(Params<S>&) {}
};
template <class S>
struct TraitsAsBool : Works<S> {
  bool traits() const { return true; }
};
template <class S>
struct InputsWithoutSpec : Works<S> {
  std::vector<MixerInput> inputs() const { return {}; }
};
template <class S>
struct DecodeWithoutState : Works<S> {
  Index state_size(const HeadSize&) const { return 1; }
  void decode(const Head<S>&, Mat<S>, Memory<S>&) const {}
};
template <class S>
struct SplitsWithoutKernel : Works<S> {
  Splits splits() const { return Splits::any; }
};
template <class S>
struct DividedWithoutLoop : Works<S> {
  Splits splits() const { return Splits::any; }
  std::unique_ptr<HeadKernel<S>> divided(const ContextParallel&) const { return nullptr; }
};
template <class S>
struct KeptAsDouble : Works<S> {
  double kept_keys(Index length) const { return static_cast<double>(length); }
};
template <class S>
struct NormalizeWithoutHead : Works<S> {
  bool normalizes() const { return true; }
  void normalize(Side, In<S>, Mat<S>) const {}
  void normalize_backward(Side, Index, In<S>, In<S>, Mat<S>, HeadGrad<S>&) const {}
};
template <class S>
struct NormalizeBackwardWithoutGrad : Works<S> {
  bool normalizes() const { return true; }
  void normalize(Side, Index, In<S>, Mat<S>) const {}
  void normalize_backward(Side, Index, In<S>, In<S>, Mat<S>) const {}
};
template <class S>
struct NormalizesAsIndex : Works<S> {
  Index normalizes() const { return 1; }
  void normalize(Side, Index, In<S>, Mat<S>) const {}
  void normalize_backward(Side, Index, In<S>, In<S>, Mat<S>, HeadGrad<S>&) const {}
};
template <class S>
struct NormalizeOnlyForward : Works<S> {
  bool normalizes() const { return true; }
  void normalize(Side, Index, In<S>, Mat<S>) const {}
};
template <class S>
struct HeadParamsAsOne : Works<S> {
  Param<S> head_params() const { return {}; }
};
template <class S>
struct ReadsUnrotatedAsIndex : Works<S> {
  Index reads_unrotated() const { return 1; }
};
template <class S>
struct PrivateShape : Works<S> {
 private:
  HeadShape shape(const LayerSpec<S>&) const { return {}; }
};
template <class S>
struct OptionsWithoutMember : Works<S> {
  struct Options {
    void describe(auto&) {}
  };
};

template <class S>
class WorkingLayer : public Layer<S> {
 public:
  using Options = NoOptions;
  WorkingLayer(const Options&, const LayerSpec<S>&, Params<S>&) {}
  void forward(Step<S>&, Seq<const S>, Seq<const S>, Seq<S>) override {}
  void backward(Step<S>&, Seq<const S>, Seq<S>, Seq<S>) override {}
  Cost cost(Index, Index) const override { return {}; }
};
template <class S>
struct LayerTraitsWithoutOptions final : WorkingLayer<S> {
  using WorkingLayer<S>::WorkingLayer;
  static Traits traits() { return {}; }
};
template <class S>
struct BlockStyleOfOneObject final : WorkingLayer<S> {
  using WorkingLayer<S>::WorkingLayer;
  BlockStyle block_style(const NoOptions&) const { return {}; }
};
}  // namespace

void add_all(Registry& registry);
void add_all(Registry& registry) {
  registry.add_mixer<Works>("works", {""});
  registry.add_layer<WorkingLayer>("working_layer", {""});
#ifndef HEED_ONLY_RIGHT
  registry.add_mixer<ShapeWithoutSpec>("a", {""});
  registry.add_mixer<CostOfMutableSize>("b", {""});
  registry.add_mixer<WeightsWithoutMemory>("c", {""});
  registry.add_mixer<PrepareWithoutMask>("d", {""});
  registry.add_mixer<DeclareWithoutSpec>("e", {""});
  registry.add_mixer<TraitsAsBool>("f", {""});
  registry.add_mixer<InputsWithoutSpec>("g", {""});
  registry.add_mixer<PrivateShape>("h", {""});
  registry.add_mixer<OptionsWithoutMember>("i", {""});
  registry.add_mixer<DecodeWithoutState>("l", {""});
  registry.add_mixer<KeptAsDouble>("m", {""});
  registry.add_mixer<NormalizeWithoutHead>("n", {""});
  registry.add_mixer<NormalizeBackwardWithoutGrad>("o", {""});
  registry.add_mixer<NormalizesAsIndex>("p", {""});
  registry.add_mixer<NormalizeOnlyForward>("q", {""});
  registry.add_mixer<HeadParamsAsOne>("r", {""});
  registry.add_mixer<ReadsUnrotatedAsIndex>("s", {""});
  registry.add_mixer<SplitsWithoutKernel>("t", {""});
  registry.add_mixer<DividedWithoutLoop>("u", {""});
  registry.add_layer<LayerTraitsWithoutOptions>("j", {""});
  registry.add_layer<BlockStyleOfOneObject>("k", {""});
#endif
}
