#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <new>
#include <span>
#include <vector>

#include "core/error.h"
#include "core/ops/activation.h"
#include "core/ops/linear.h"
#include "core/register.h"
#include "variants/parts/in_place_ttt.h"

namespace {
using namespace heed;

// A gated feed-forward whose down matrix learns from chunk to chunk (Feng et al. 2026):
//     z = silu(x W_gate) * (x W_up)      y = in_place_ttt(z, e) + b, from W_down on      (in_place_ttt.h)
// e, the embeddings, are the context. Without learning it is swiglu. Derivation:
// docs/variants/test_time_training.md.
template <class S>
class InPlace final : public Layer<S> {
 public:
  struct Options {
    Index width = 0, chunk = 16, convolution = 5;
    double lr = 1;
    bool projection = true;
    void describe(auto& option) {
      option("width", width,
             {.min = 0,
              .size = true,
              .doc = "hidden channels; 0: 8/3 of the model's width, to the nearest multiple of 8"});
      option("chunk", chunk,
             {.min = 1, .doc = "tokens that use the same weights, before these learn from them"});
      option("lr", lr, {.min = 0, .doc = "rate at which the down matrix learns; 0: it does not"});
      option("convolution", convolution,
             {.min = 1, .doc = "width of the centered filter over the embeddings; odd"});
      option("projection", projection, {.doc = "map the filtered embeddings by W_target"});
    }
    void check(const Refuse& refuse) const {
      if (convolution % 2 == 0) refuse("convolution", "a centered filter has an odd width.");
    }
  };
  static Traits traits(const Options&) {
    return {.bidirectional = false,
            .cross = false,
            .permutation = false,
            .feed_forward = true,
            .reads_embeddings = true};
  }

  InPlace(const Options& options, const LayerSpec<S>& spec, Params<S>& params)
      : options_(options),
        dim_(spec.dim),
        width_(options.width > 0 ? options.width : default_width(spec.dim)),
        gate_("gate", spec.dim, width_, spec.bias, 0.02, params),
        up_("up", spec.dim, width_, spec.bias, 0.02, params) {
    if (!spec.causality.causal || spec.causality.offset.value_or(0) != 0)
      throw Error("'in_place_ttt' learns from chunk to chunk: it needs a causal mask.");
    {
      const auto scope = params.scope("down");
      p_.w = params.declare("weight", width_, dim_,
                            Init::normal(0.02 / std::sqrt(2.0 * static_cast<double>(spec.layers))),
                            Role::decayed);
      if (spec.bias) {
        const auto component = params.component(Component::biases);
        bias_ = params.declare("bias", 1, dim_, Init::zeros(), Role::undecayed);
      }
    }
    const auto scope = params.scope("target");
    const double bound = 1 / std::sqrt(static_cast<double>(options.convolution));  // as PyTorch's Conv1d
    p_.taps = params.declare("filter", options.convolution, dim_, Init::uniform(bound), Role::decayed);
    if (options.projection)
      p_.target = params.declare("weight", dim_, dim_, Init::normal(0.02), Role::decayed);
  }

  void forward(Step<S>& step, Seq<const S> x, Seq<const S> context, Seq<S> y) override {
    HEED_CHECK(x.starts == context.starts && x.time == context.time && x.dim == context.dim,
               "each token needs an embedding");
    hidden(step, x);
    e_ = context;
    states_ = step.memory().template keep_span<Mat<S>>(x.batch);
    step.parallel_for(x.batch, [&](Index b, Memory<S>& memory) {
      if (x.length(b) == 0) return;
      new (&states(b)) Mat<S>(in_place_forward(sequence(b), y.at(b), memory));
      add_bias(y.at(b));
    });
  }

  // Gradients of the parameters of a sequence go to its slot; slots are added in order.
  void backward(Step<S>& step, Seq<const S> dy, Seq<S> dx, Seq<S> dcontext) override {
    Memory<S> memory = step.memory();
    typename Memory<S>::Scope scope(memory);
    const Seq<S> dz = memory.temp(z_, width_), dg = memory.temp(z_, width_), du = memory.temp(z_, width_);
    dz.rows().setZero();
    Mat<S> slots = memory.temp(z_.batch, (width_ + options_.convolution + target_rows()) * dim_);
    slots.setZero();
    step.parallel_for(z_.batch, [&](Index b, Memory<S>& own) {
      if (z_.length(b) == 0) return;
      Own<Mat<S>> d = slot(slots, b);
      InPlaceTttGrad<S> grad{dz.at(b), dcontext.at(b), d.w, d.taps, d.target};
      in_place_backward<S>(sequence(b), states(b), dy.at(b), grad, own);
    });
    for (Index b = 0; b < z_.batch; ++b) {
      const Own<Mat<S>> d = slot(slots, b);
      p_.w.grad() += d.w;
      p_.taps.grad() += d.taps;
      if (p_.target) p_.target.grad() += d.target;
    }
    if (bias_) bias_.grad() += dy.rows().colwise().sum();
    swiglu_backward<S>(step, g_, u_, dz, dg, du);
    gate_.backward(step, dg, dx);
    up_.backward(step, du, dx);
  }

  Cost cost(Index tq, Index) const override {
    return {gate_.flops(tq) + up_.flops(tq) +
                in_place_flops(tq, width_, dim_, options_.chunk, options_.projection),
            4 * static_cast<double>(decoded())};
  }

  std::unique_ptr<LayerDecoder<S>> decoder(Index batch, Index) override {
    return std::make_unique<Decoder>(*this, batch);
  }

 private:
  // The parameters that a sequence shares with others, or their gradients in its slot.
  template <class P>
  struct Own {
    P w, taps, target;  // (M,C) (n,C) (C,C)
  };

  // As swiglu's.
  static Index default_width(Index dim) { return std::max<Index>(8, (8 * dim / 3 + 4) / 8 * 8); }
  Index target_rows() const { return options_.projection ? dim_ : 0; }
  // Numbers that a decoder keeps of a sequence: its weights, and hidden channels and embeddings of its chunk.
  Index decoded() const { return width_ * dim_ + options_.chunk * (width_ + dim_); }

  void hidden(Step<S>& step, Seq<const S> x) {
    Memory<S> memory = step.memory();
    g_ = memory.keep(x, width_), u_ = memory.keep(x, width_), z_ = memory.keep(x, width_);
    gate_.forward(step, x, g_);
    up_.forward(step, x, u_);
    swiglu<S>(step, g_, u_, z_);
  }
  void add_bias(Mat<S> y) const {
    if (bias_) y.rowwise() += bias_.value().row(0);
  }

  Mat<S>& states(Index b) const { return states_[static_cast<std::size_t>(b)]; }
  InPlaceTtt<S> sequence(In<S> z, In<S> e, In<S> w) const {
    const ConstMat<S> none = const_mat<S>(nullptr, 0, dim_);
    return {z,
            e,
            w,
            p_.taps.value(),
            p_.target ? ConstMat<S>(p_.target.value()) : none,
            options_.chunk,
            static_cast<S>(options_.lr)};
  }
  InPlaceTtt<S> sequence(Index b) const { return sequence(z_.at(b), e_.at(b), p_.w.value()); }

  Own<Mat<S>> slot(Mat<S> slots, Index b) const {
    S* at = slots.data() + b * slots.cols();
    const auto next = [&](Index rows) {
      const Mat<S> out = mat(at, rows, dim_);
      at += rows * dim_;
      return out;
    };
    return {next(width_), next(options_.convolution), next(target_rows())};
  }

  // Keeps, for each sequence, its weights, and what its chunk so far has to teach them.
  class Decoder final : public LayerDecoder<S> {
   public:
    Decoder(InPlace& layer, Index batch)
        : layer_(layer), numbers_(static_cast<std::size_t>(batch * layer.decoded())) {}

    void next(Step<S>& step, Seq<const S> x, Seq<S> y) override { next_with_context(step, x, x, y); }

    void next_with_context(Step<S>& step, Seq<const S> x, Seq<const S> context, Seq<S> y) override {
      layer_.hidden(step, x);
      step.parallel_for(x.batch, [&](Index b, Memory<S>& memory) { one(b, context.at(b), y.at(b), memory); });
      ++seen_;
    }
    double state_bytes() const override { return 4.0 * static_cast<double>(layer_.decoded()); }

   private:
    void one(Index b, In<S> e, Mat<S> y, Memory<S>& memory) {
      const Index chunk = layer_.options_.chunk, dim = layer_.dim_, width = layer_.width_,
                  place = seen_ % chunk;
      S* const at = numbers_.data() + b * layer_.decoded();
      Mat<S> w = mat(at, width, dim), z = mat(at + width * dim, chunk, width),
             embeddings = mat(at + width * (dim + chunk), chunk, dim);
      if (seen_ == 0) w = layer_.p_.w.value();
      product_ab<S>(layer_.z_.at(b), w, y);
      layer_.add_bias(y);
      z.row(place) = layer_.z_.at(b).row(0);
      embeddings.row(place) = e.row(0);
      if (place + 1 == chunk)
        in_place_learn<S>(layer_.sequence(z, embeddings, w), z, embeddings, w, w, memory);
    }

    InPlace& layer_;
    std::vector<S> numbers_;
    Index seen_ = 0;
  };

  Options options_;
  Index dim_, width_;
  Linear<S> gate_, up_;
  Own<Param<S>> p_;
  Param<S> bias_;  // of the down map
  // of the latest forward
  Seq<S> g_, u_, z_;
  Seq<const S> e_;
  std::span<Mat<S>> states_;
};
}  // namespace

HEED_LAYER(in_place_ttt, InPlace, "Gated; its down matrix learns from chunk to chunk of the sequence",
           "Feng et al. 2026 (In-Place TTT)")
