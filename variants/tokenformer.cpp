#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "core/mixer.h"
#include "core/register.h"
#include "variants/parts/pattention.h"
#include "variants/parts/softmax.h"

namespace {
using namespace heed;

// TokenFormer (Wang et al. 2024): softmax attention whose projections are attention over parameter tokens.
// By default the feed-forward is too. The block's norms have no parameters.
template <class S>
class TokenFormer final : public Layer<S>, public DivisibleLayer<S> {
 public:
  struct Options {
    Index tokens = 0, output_tokens = 0, feed_forward_tokens = 0;
    std::string feed_forward = "pattention";
    PattentionOptions pattention;
    void describe(auto& option) {
      option("tokens", tokens,
             {.min = 0, .doc = "parameter tokens of the query, key and value maps; 0: the model's width"});
      option("output_tokens", output_tokens,
             {.min = 0, .doc = "parameter tokens of the output map; 0: as many as 'tokens'"});
      option("feed_forward_tokens", feed_forward_tokens,
             {.min = 0, .size = true, .doc = "parameter tokens of the feed-forward; 0: four times 'tokens'"});
      option("feed_forward", feed_forward,
             {.choices = {"pattention", "mlp"},
              .doc = "the block's feed-forward, unless model.feed_forward is none"});
      pattention.describe(option);
    }
  };

  TokenFormer(const Options& options, const LayerSpec<S>& spec, Params<S>& params)
      : attention_(make(options, spec, params)) {}

  static BlockStyle block_style(const Options& options) {
    BlockStyle style{.feed_forward = options.feed_forward, .norm_gain = false};
    if (options.feed_forward == "pattention") {
      // 0 stays 0: the feed-forward's own default is also four times the width.
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
  Splits splits() const override { return attention_.splits(); }
  void divide(const ContextParallel& parallel) override { attention_.divide(parallel); }
  double exchanged_bytes(Index length) const override { return attention_.exchanged_bytes(length); }
  Cost cost(Index tq, Index tk) const override { return attention_.cost(tq, tk); }
  std::unique_ptr<LayerDecoder<S>> decoder(Index batch, Index length) override {
    return attention_.decoder(batch, length);
  }
  std::unique_ptr<LayerDecoder<S>> context_decoder(Step<S>& step, Seq<const S> context,
                                                   Index length) override {
    return attention_.context_decoder(step, context, length);
  }

 private:
  using Attention = MultiHead<Pattention<S>, S>;

  static Attention make(const Options& options, const LayerSpec<S>& spec, Params<S>& params) {
    auto kernel = make_head_kernel(Softmax<S>(), spec, params);
    const HeadShape& s = kernel->shape();
    const Index tokens = options.tokens > 0 ? options.tokens : spec.dim;
    const Index output_tokens = options.output_tokens > 0 ? options.output_tokens : tokens;
    const auto map = [&](std::string_view name, Index in, Index out, Index n) {
      return Pattention<S>(name, in, out, n, options.pattention, 0.02, value_stddev(spec), params);
    };
    Pattention<S> q = map("query", spec.dim, s.heads * s.key, tokens);
    Pattention<S> k = map("key", spec.context_dim, s.heads * s.key, tokens);
    Pattention<S> v = map("value", spec.context_dim, s.heads * s.value, tokens);
    Pattention<S> o = map("output", s.heads * s.value, spec.dim, output_tokens);
    return Attention({q, k, v, o}, std::move(kernel), spec);
  }

  Attention attention_;
};
}  // namespace

HEED_LAYER(tokenformer, TokenFormer,
           "Softmax attention whose linear maps are attention over parameter tokens", "Wang et al. 2024")
