#include "core/check/bench.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <span>

#include "core/rng.h"

namespace heed {
namespace {

Config resolved(const Entry& entry) {
  Problems problems;
  Config options = entry.resolve({}, entry.name, problems);
  problems.throw_if_any();
  return options;
}

// Fills the step's memory with NaN, so that reading before writing shows in release builds too.
template <class S>
void poison(Step<S>& step) {
  constexpr Index numbers = 4096;
  Memory<S> memory = step.memory();
  std::ranges::fill(memory.template keep_span<S>(numbers), std::numeric_limits<S>::quiet_NaN());
  std::ranges::fill(memory.template temp_span<S>(numbers), std::numeric_limits<S>::quiet_NaN());
  step.rewind();
}

template <class S>
void disturb(Params<S>& params, std::uint64_t seed) {
  for (const ParamInfo& p : params.infos())
    if (p.role != Role::fixed)
      params.find(p.name).value() += normal_matrix<S>(p.rows, p.cols, seed, "check " + p.name, 0.4);
}

// Role::fixed, so that no check mistakes it for one of the variant's own.
template <class S>
void declare_neighbor(Params<S>& params, std::string_view name) {
  params.declare(std::string(kNeighbors) + std::string(name), 1, 64, Init::ones(), Role::fixed);
}

}  // namespace

std::string Setup::to_string() const {
  std::string out = fmt::format("{}, batch {}, time {}, heads {}, dim {}",
                                causality.causal ? "causal" : "bidirectional", batch, time, heads, dim);
  if (cross) out += fmt::format(", context of time {} and dim {}", context_time, context_dim);
  if (position) out += ", position " + position->name;
  if (dropout > 0) out += fmt::format(", dropout {:g}", dropout);
  return out;
}

template <class S>
Matrix<S> normal_matrix(Index rows, Index cols, std::uint64_t seed, std::string_view name, double stddev) {
  Matrix<S> out(rows, cols);
  Draws draws = Rng(seed, name).at(0);
  for (Index i = 0; i < out.size(); ++i) out.data()[i] = static_cast<S>(stddev * draws.normal());
  return out;
}

template <class S>
Bench<S>::Bench(const VariantInfo& info, const Config& options, const Setup& s, int threads,
                std::uint64_t seed)
    : setup(s), step(threads) {
  const Index length = std::max(s.time, s.keys());
  if (s.neighbors) declare_neighbor(params, "before");
  if (s.position) {
    const auto scope = params.scope("position");
    position = s.position->make<S>(resolved(*s.position), {s.dim, s.heads, length}, params);
  }
  LayerSpec<S> spec;
  spec.dim = s.dim;
  spec.context_dim = s.cross ? s.context_dim : s.dim;
  spec.heads = s.heads;
  spec.depth = 1;
  spec.layers = 2;
  spec.length = length;
  spec.causality = s.causality;
  spec.position = position.get();
  layer = info.make<S>(options, spec, params);
  if (s.neighbors) declare_neighbor(params, "after");
  step.dropout = {.p = s.dropout, .seed = seed};
  params.freeze();
  params.initialize(seed);
  disturb(params, seed);
  poison(step);

  const Index rows = s.batch * s.time, context_rows = s.cross ? s.batch * s.context_time : 0;
  x = normal_matrix<S>(rows, s.dim, seed, "check x");
  upstream = normal_matrix<S>(rows, s.dim, seed, "check upstream");
  context = normal_matrix<S>(context_rows, s.context_dim, seed, "check context");
  y.resize(rows, s.dim);
  dx = Matrix<S>::Zero(rows, s.dim);
  dcontext = Matrix<S>::Zero(context_rows, s.context_dim);
}

template <class S>
Tensors<S> Bench<S>::beginning(Index batch, Index time, Index context_time) {
  const auto cut = [&](Matrix<S>& m, Index length) { return Seq<S>{m.data(), batch, length, m.cols()}; };
  const bool cross = setup.cross;
  return {.x = cut(x, time),
          .context = cross ? cut(context, context_time) : cut(x, time),
          .dy = cut(upstream, time),
          .y = cut(y, time),
          .dx = cut(dx, time),
          .dcontext = cross ? cut(dcontext, context_time) : cut(dx, time)};
}

template <class S>
Tensors<S> Bench<S>::tensors() {
  return beginning(setup.batch, setup.time, setup.context_time);
}

template <class S>
void Bench<S>::forward() {
  step.rewind();
  y.setConstant(std::numeric_limits<S>::quiet_NaN());
  const Tensors<S> t = tensors();
  layer->forward(step, t.x, t.context, t.y);
}

template <class S>
void Bench<S>::backward() {
  const Tensors<S> t = tensors();
  layer->backward(step, t.dy, t.dx, t.dcontext);
}

template <class S>
void Bench<S>::run() {
  params.zero_grads();
  dx.setZero();
  dcontext.setZero();
  forward();
  backward();
}

template <class S>
S Bench<S>::loss() {
  forward();
  return y.cwiseProduct(upstream).sum();
}

template Matrix<float> normal_matrix(Index, Index, std::uint64_t, std::string_view, double);
template Matrix<double> normal_matrix(Index, Index, std::uint64_t, std::string_view, double);
template class Bench<float>;
template class Bench<double>;

}  // namespace heed
