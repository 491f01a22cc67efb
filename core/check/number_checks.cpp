#include <fmt/format.h>

#include <cmath>
#include <string>

#include "core/check/checks.h"
#include "core/check/outcome.h"
#include "core/head_kernel.h"

namespace heed::check {
namespace {

template <class S>
void all_rows_alike(Matrix<S>& m) {
  if (m.rows() > 0) m.rowwise() = Matrix<S>(m.row(0)).row(0);
}

template <class S>
Finding finite(const Subject& subject, const Setup& setup, const char* precision) {
  Bench<S> bench(subject.info, subject.options, setup);
  const Matrix<S> x = bench.x, context = bench.context;
  const auto fault = [&](const char* input) -> std::string {
    bench.run();
    const std::string what = not_finite(outcome_of(bench));
    return what.empty() ? "" : fmt::format("{} is not finite in {} for {}", what, precision, input);
  };
  // The parameters are of order 1, so inputs of order 100 make scores of order 1e4.
  bench.x = 100 * x, bench.context = 100 * context;
  if (std::string f = fault("huge scores"); !f.empty()) return {f};
  all_rows_alike(bench.x), all_rows_alike(bench.context);
  if (std::string f = fault("huge scores and identical keys"); !f.empty()) return {f};
  bench.x *= S(0.01), bench.context *= S(0.01);
  if (std::string f = fault("identical keys"); !f.empty()) return {f};
  bench.x.setZero(), bench.context.setZero();
  return {fault("an input of zeros")};
}

}  // namespace

Finding float_and_double(const Subject& subject, const Setup& setup) {
  Bench<float> single(subject.info, subject.options, setup);
  Bench<double> twice(subject.info, subject.options, setup);
  for (const ParamInfo& p : single.params.infos())
    twice.params.find(p.name).value() = single.params.find(p.name).value().template cast<double>();
  twice.x = single.x.cast<double>();
  twice.context = single.context.cast<double>();
  twice.upstream = single.upstream.cast<double>();
  single.run();
  twice.run();
  // A gradient far below the others is a difference of nearly equal terms, each of which float may round: so
  // it is compared with the largest gradient. The weight of a single key is constant, for example, and a norm
  // behind the head cancels the size of its score; the terms of the gradient are large.
  const Difference d = relative_difference(outcome_of(single), outcome_of(twice), 1);
  if (d.largest < 1e-4) return {{}, d.largest};
  return {fmt::format("{} differs by {:.3g} relative between float and double", d.where, d.largest),
          d.largest};
}

Finding numbers(const Subject& subject, const Setup& setup) {
  Finding f = finite<float>(subject, setup, "float");
  return f.fault.empty() ? finite<double>(subject, setup, "double") : f;
}

Finding memory(const Subject& subject, const Setup& setup) {
  Bench<double> bench(subject.info, subject.options, setup);
  bench.run();
  const auto heap = [&] { return subject.context.heap_allocations ? subject.context.heap_allocations() : 0; };
  for (int step : {2, 3}) {
    const std::size_t bytes = bench.step.reserved(), allocations = heap();
    bench.run();
    const std::size_t more = heap() - allocations;
    if (bench.step.reserved() != bytes)
      return {
          fmt::format("step {} allocates {} more bytes for its arenas", step, bench.step.reserved() - bytes)};
    if (more != 0) return {fmt::format("step {} allocates on the heap {} times", step, more)};
  }
  return {};
}

Finding position_matters(const Subject& subject, const Setup& setup) {
  Setup without = setup;
  without.position = nullptr;
  Bench<double> here(subject.info, subject.options, setup), nowhere(subject.info, subject.options, without);
  here.forward();
  nowhere.forward();
  if (!same_bits(here.y, nowhere.y)) return {};
  // If every query sees only itself, no position can matter.
  for (Index b = 0; b < setup.batch; ++b) nowhere.x.row(b * setup.time + setup.time / 2) *= -1;
  nowhere.forward();
  Index changed = 0;
  for (Index row = 0; row < here.y.rows(); ++row) changed += !same_bits(here.y.row(row), nowhere.y.row(row));
  if (changed <= setup.batch) return {};
  return {"the position has no effect; refuse it with a heed::Error that says so"};
}

bool shows_weights(const Subject& subject, const Setup& setup) {
  Bench<double> bench(subject.info, subject.options, setup);
  bench.forward();
  Matrix<double> p(setup.time, setup.keys());
  return bench.layer->weight_heads() > 0 &&
         bench.layer->weights(bench.step, 0, 0, mat(p.data(), p.rows(), p.cols()));
}

Finding weights(const Subject& subject, const Setup& setup) {
  Bench<double> bench(subject.info, subject.options, setup);
  bench.run();
  const Outcome<double> before = outcome_of(bench);
  const Mask mask = resolve(setup.causality, setup.time, setup.keys());
  bench.params.zero_grads();
  bench.dx.setZero(), bench.dcontext.setZero();
  bench.forward();
  for (Index b = 0; b < setup.batch; ++b)
    for (Index h = 0; h < bench.layer->weight_heads(); ++h) {
      Matrix<double> p = Matrix<double>::Constant(setup.time, setup.keys(), NAN);
      bench.layer->weights(bench.step, b, h, mat(p.data(), p.rows(), p.cols()));
      for (Index i = 0; i < p.rows(); ++i)
        for (Index j = 0; j < p.cols(); ++j) {
          if (!std::isfinite(p(i, j))) return {fmt::format("the weight of pair ({},{}) is not finite", i, j)};
          if (mask.hides(i, j) && p(i, j) != 0)
            return {fmt::format("the hidden pair ({},{}) has the weight {:.3g}", i, j, p(i, j))};
        }
    }
  bench.backward();
  const std::string what = different_bits(outcome_of(bench), before);
  return {what.empty() ? "" : what + " differs after the weights were computed"};
}

}  // namespace heed::check
