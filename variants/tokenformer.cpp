#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "core/mixer.h"
#include "core/registry.h"
#include "variants/parts/pattention.h"
#include "variants/parts/softmax.h"

namespace {
using namespace heed;

// TokenFormer: softmax attention whose projections are themselves attention over parameter tokens; so is the
// feed-forward, unless the options say otherwise, and the block's norms have no parameters. Wang et al. 2024,
// eq. 11-14
template <class S>
class TokenFormer final : public Layer<S> {
 public:
  struct Options {
    Index tokens = 0, feed_forward_tokens = 0;
    std::string feed_forward = "pattention";
    PattentionOptions pattention;
    void describe(auto& option) {
      option("tokens", tokens,
             {.min = 0,
              .doc = "parameter tokens of each of the four projections; 0: as many as the model's width"});
      option("feed_forward_tokens", feed_forward_tokens,
             {.min = 0, .doc = "parameter tokens of the feed-forward; 0: four times those of a projection"});
      option("feed_forward", feed_forward,
             {.choices = {"pattention", "mlp"},
              .doc = "the block's feed-forward, where the model leaves it open"});
      pattention.describe(option);
    }
  };

  TokenFormer(const Options& options, const LayerSpec<S>& spec, Params<S>& params)
      : attention_(make(options, spec, params)) {}

  static BlockStyle block_style(const Options& options) {
    BlockStyle style{.feed_forward = options.feed_forward, .norm_gain = false};
    if (options.feed_forward == "pattention") {
      // 0 stays 0: the feed-forward's own default is four times the width as well.
      const Index tokens = options.feed_forward_tokens > 0 ? options.feed_forward_tokens : 4 * options.tokens;
      style.feed_forward_options = write_options(options.pattention);
      style.feed_forward_options.set("tokens", Config::integer(tokens));
    }
    return style;
  }

  void forward(Step<S>& step, Seq<const S> x, Seq<const S> context, Seq<S> y) override {
    attention_.forward(step, x, context, y);
  }
  void backward(Step<S>& step, Seq<const S> dy, Seq<S> dx, Seq<S> dcontext) override {
    attention_.backward(step, dy, dx, dcontext);
  }
  bool weights(Step<S>& step, Index b, Index h, Mat<S> p) override {
    return attention_.weights(step, b, h, p);
  }
  Index weight_heads() const override { return attention_.weight_heads(); }
  Cost cost(Index tq, Index tk) const override { return attention_.cost(tq, tk); }

 private:
  using Attention = MultiHead<Pattention<S>, S>;

  static Attention make(const Options& options, const LayerSpec<S>& spec, Params<S>& params) {
    auto kernel = make_head_kernel(Softmax<S>(), spec, params);
    const HeadShape& s = kernel->shape();
    const auto map = [&](std::string_view name, Index in, Index out) {
      return Pattention<S>(name, in, out, options.tokens > 0 ? options.tokens : spec.dim, options.pattention,
                           0.02, value_deviation(spec), params);
    };
    Pattention<S> q = map("query", spec.dim, s.heads * s.key);
    Pattention<S> k = map("key", spec.context_dim, s.heads * s.key);
    Pattention<S> v = map("value", spec.context_dim, s.heads * s.value);
    Pattention<S> o = map("output", s.heads * s.value, spec.dim);
    return Attention({q, k, v, o}, std::move(kernel), spec);
  }

  Attention attention_;
};
}  // namespace

HEED_LAYER(tokenformer, TokenFormer,
           "Softmax attention with all linear maps as attention over parameter tokens", "Wang et al. 2024")
