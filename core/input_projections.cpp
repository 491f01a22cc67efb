#include "core/input_projections.h"

namespace heed {

namespace {
constexpr double kDeviation = 0.02;
}

template <class S>
InputProjections<S>::InputProjections(std::span<const MixerInput> inputs, Index heads,
                                      const LayerSpec<S>& spec, Params<S>& params)
    : heads_(heads), grads_(inputs.size()), values_of_heads_(inputs.size()), grads_of_heads_(inputs.size()) {
  for (const MixerInput& input : inputs) {
    const Index from = input.side == Side::query ? spec.dim : spec.context_dim, to = heads * input.width;
    const bool bias = input.bias.has_value();
    const double start = input.bias.value_or(0);
    if (input.rank > 0) {
      const auto scope = params.scope(input.name);
      maps_.push_back({Linear<S>("down", from, input.rank, false, kDeviation, params),
                       Linear<S>("up", input.rank, to, bias, kDeviation, params, start), input.side,
                       input.rank, to});
    } else {
      maps_.push_back({std::nullopt, Linear<S>(input.name, from, to, bias, kDeviation, params, start),
                       input.side, 0, to});
    }
  }
}

template <class S>
std::span<const Heads<const S>> InputProjections<S>::forward(Step<S>& step, Seq<const S> x,
                                                             Seq<const S> context) {
  Memory<S> memory = step.memory();
  for (std::size_t n = 0; n < maps_.size(); ++n) {
    const Seq<const S> from = maps_[n].side == Side::query ? x : context;
    values_of_heads_[n] = {};
    if (from.dim == 0) continue;
    const Seq<S> to = memory.keep(from, maps_[n].width);
    if (maps_[n].down) {
      const Seq<S> between = memory.keep(from, maps_[n].rank);
      maps_[n].down->forward(step, from, between);
      maps_[n].linear.forward(step, between, to);
    } else {
      maps_[n].linear.forward(step, from, to);
    }
    values_of_heads_[n] = to.heads(heads_);
  }
  return values_of_heads_;
}

template <class S>
std::span<const Heads<S>> InputProjections<S>::zero_grads(Memory<S>& memory) {
  for (std::size_t n = 0; n < maps_.size(); ++n) {
    const Heads<const S>& values = values_of_heads_[n];
    grads_[n] = memory.temp(values.batch, values.time, maps_[n].width);
    grads_[n].starts = values.starts;
    grads_[n].rows().setZero();
    grads_of_heads_[n] = grads_[n].heads(heads_);
  }
  return grads_of_heads_;
}

template <class S>
void InputProjections<S>::backward(Step<S>& step, Seq<S> dx, Seq<S> dcontext) {
  for (std::size_t n = 0; n < maps_.size(); ++n) {
    const Seq<S> d = maps_[n].side == Side::query ? dx : dcontext;
    if (!maps_[n].down) {
      maps_[n].linear.backward(step, grads_[n], d);
      continue;
    }
    Memory<S> memory = step.memory();
    typename Memory<S>::Scope scope(memory);
    const Seq<S> between = memory.temp(grads_[n], maps_[n].rank);
    between.rows().setZero();
    maps_[n].linear.backward(step, grads_[n], between);
    maps_[n].down->backward(step, between, d);
  }
}

template <class S>
double InputProjections<S>::flops(Index tq, Index tk) const {
  double sum = 0;
  for (const Map& map : maps_) {
    const Index rows = map.side == Side::query ? tq : tk;
    sum += map.linear.flops(rows) + (map.down ? map.down->flops(rows) : 0);
  }
  return sum;
}

template class InputProjections<float>;
template class InputProjections<double>;

}  // namespace heed
