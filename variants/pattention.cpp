#include "variants/parts/pattention.h"

#include "core/register.h"

namespace {
using namespace heed;

// TokenFormer's feed-forward: one attention over parameter tokens, for each position separately.
template <class S>
class PattentionLayer final : public Layer<S> {
 public:
  struct Options {
    Index tokens = 0;
    PattentionOptions pattention;
    void describe(auto& option) {
      option("tokens", tokens,
             {.min = 0, .size = true, .doc = "parameter tokens; 0: four times the model's width"});
      pattention.describe(option);
    }
  };

  PattentionLayer(const Options& options, const LayerSpec<S>& spec, Params<S>& params)
      : map_("map", spec.dim, spec.dim, options.tokens > 0 ? options.tokens : 4 * spec.dim,
             options.pattention, 0.02, value_stddev(spec), params) {}

  static Traits traits(const Options&) { return {.cross = false, .mixes_time = false}; }

  void forward(Step<S>& step, Seq<const S> x, Seq<const S>, Seq<S> y) override { map_.forward(step, x, y); }
  void backward(Step<S>& step, Seq<const S> dy, Seq<S> dx, Seq<S>) override { map_.backward(step, dy, dx); }
  Cost cost(Index tq, Index) const override { return {map_.flops(tq), 0}; }
  std::unique_ptr<LayerDecoder<S>> decoder(Index, Index) override {
    return std::make_unique<PositionwiseDecoder<S>>(*this);
  }

 private:
  Pattention<S> map_;
};
}  // namespace

HEED_LAYER(pattention, PattentionLayer, "Attention over parameter tokens", "Wang et al. 2024")
