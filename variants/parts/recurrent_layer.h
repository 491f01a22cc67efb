#pragma once

#include <cmath>
#include <memory>
#include <vector>

#include "core/error.h"
#include "core/layer.h"
#include "core/ops/linear.h"
#include "variants/parts/positions.h"
#include "variants/parts/recurrence.h"

namespace heed {

// Options of every recurrent network.
struct RecurrentOptions {
  Index hidden = 0;
  bool bias = true;
  void describe(auto& option) {
    option("hidden", hidden, {.min = 0, .size = true, .doc = "hidden channels; 0: the model's width"});
    option("bias", bias,
           {.doc = "the two bias vectors of the cell; model.bias and model.linear_bias concern the output "
                   "map only"});
  }
};

// A recurrent network as the mixer of a block:   y = h W_o + b_o,   h = recurrence(x), from a zero state.
// Without heads: it reads the whole width.
template <class Cell, class S>
class RecurrentLayer : public Layer<S> {
 public:
  void forward(Step<S>& step, Seq<const S> x, Seq<const S>, Seq<S> y) final {
    const Seq<S> h = step.memory().keep(x, recurrence_.hidden());
    recurrence_.forward(step, x, h);
    output_.forward(step, h, y);
  }

  void backward(Step<S>& step, Seq<const S> dy, Seq<S> dx, Seq<S>) final {
    Memory<S> memory = step.memory();
    typename Memory<S>::Scope scope(memory);
    const Seq<S> dh = memory.temp(dy, recurrence_.hidden());
    dh.rows().setZero();
    output_.backward(step, dy, dh);
    recurrence_.backward(step, dh, dx);
  }

  Cost cost(Index tq, Index) const final {
    return {recurrence_.flops(tq) + output_.flops(tq), 4.0 * static_cast<double>(recurrence_.state_size())};
  }

  std::unique_ptr<LayerDecoder<S>> decoder(Index batch, Index) final {
    return std::make_unique<Decoder>(*this, batch);
  }

 protected:
  // raised_gate, raise: as in RecurrenceSpec
  RecurrentLayer(Cell cell, const RecurrentOptions& options, const LayerSpec<S>& spec, Params<S>& params,
                 Index raised_gate = 0, double raise = 0)
      : recurrence_(
            cell,
            {spec.dim, options.hidden > 0 ? options.hidden : spec.dim, options.bias, raised_gate, raise},
            params),
        output_("output", recurrence_.hidden(), spec.dim, spec.bias,
                0.02 / std::sqrt(2.0 * static_cast<double>(spec.layers)), params) {
    if (spec.position &&
        (spec.position->slope(0, spec.heads) != 0 || rotates(spec.position, spec.dim / spec.heads)))
      throw Error(
          "a recurrent network has no queries and keys: with 'rnn' and 'lstm', positions must be a kind that "
          "is added to the embeddings, or none.");
  }

  static Traits recurrent_traits() { return {.bidirectional = false, .cross = false, .permutation = false}; }

 private:
  // Keeps the state of each sequence.
  class Decoder final : public LayerDecoder<S> {
   public:
    Decoder(RecurrentLayer& layer, Index batch)
        : layer_(layer), states_(static_cast<std::size_t>(batch * layer.recurrence_.state_size())) {}

    void next(Step<S>& step, Seq<const S> x, Seq<S> y) override {
      const Seq<S> h = step.memory().keep(x, layer_.recurrence_.hidden());
      layer_.recurrence_.forward(step, x, h, states_.data());
      layer_.output_.forward(step, h, y);
    }
    double state_bytes() const override { return 4.0 * static_cast<double>(layer_.recurrence_.state_size()); }

   private:
    RecurrentLayer& layer_;
    std::vector<S> states_;
  };

  Recurrence<Cell, S> recurrence_;
  Linear<S> output_;
};

}  // namespace heed
