#include <fmt/format.h>

#include <optional>
#include <string>

#include "core/check/checks.h"
#include "core/check/outcome.h"
#include "core/head_kernel.h"

namespace heed::check {
namespace {

// Changes the number in every column.
void change(Matrix<double>& m, Index row) { m.row(row) = 1.5 - m.row(row).array(); }

// Returns the first position whose output changed in any sequence although it may not see position j.
template <class Sees>
std::optional<Index> changed(const Bench<double>& bench, const Matrix<double>& before, Index j, Sees sees) {
  for (Index i = 0; i < bench.setup.time; ++i)
    for (Index b = 0; b < bench.setup.batch; ++b) {
      const Index row = b * bench.setup.time + i;
      if (!sees(i, j) && !same_bits(bench.y.row(row), before.row(row))) return i;
    }
  return {};
}

// Describes how far a leak into output i reaches. Requires: output i may not see the last position, and it
// sees an earlier hidden one.
std::string reach(Bench<double>& bench, const Matrix<double>& before, Index i) {
  Matrix<double>& input = bench.setup.cross ? bench.context : bench.x;
  const Index keys = bench.setup.keys();
  for (Index b = 0; b < bench.setup.batch; ++b) change(input, (b + 1) * keys - 1);
  bench.forward();
  const auto only_i = [&](Index row, Index) { return row != i; };
  return changed(bench, before, keys - 1, only_i)
             ? "The last position leaks too: nothing is hidden, or something is computed over all positions."
             : "The last position does not leak: the mask hides too late.";
}

// A loss on only the outputs at position i.
void only_position(Matrix<double>& upstream, const Matrix<double>& whole, Index i, Index time) {
  upstream.setZero();
  for (Index row = i; row < whole.rows(); row += time) upstream.row(row) = whole.row(row);
}

// sees(i, j): may output i depend on input j?
template <class Sees>
Finding no_leak(const Subject& subject, const Setup& setup, Sees sees) {
  Bench<double> bench(subject.info, subject.options, setup);
  Matrix<double>& input = setup.cross ? bench.context : bench.x;
  bench.forward();
  const Matrix<double> y = bench.y, original = input, upstream = bench.upstream;
  for (Index j = 0; j < setup.keys(); ++j) {
    for (Index b = 0; b < setup.batch; ++b) change(input, b * setup.keys() + j);
    bench.forward();
    input = original;
    if (const auto i = changed(bench, y, j, sees))
      return {fmt::format("position {} leaks: changing it changes the output at position {}", j, *i), 0,
              j + 1 < setup.keys() && !sees(*i, setup.keys() - 1) ? reach(bench, y, *i) : ""};
  }
  for (Index i = 0; i < setup.time; ++i) {
    only_position(bench.upstream, upstream, i, setup.time);
    bench.run();
    const Matrix<double>& gradient = setup.cross ? bench.dcontext : bench.dx;
    for (Index row = 0; row < gradient.rows(); ++row)
      if (const Index j = row % setup.keys(); !sees(i, j) && !(gradient.row(row).array() == 0).all())
        return {fmt::format(
                    "position {} leaks: a loss on the output at position {} gives it a gradient of {:.3g}", j,
                    i, gradient.row(row).cwiseAbs().maxCoeff()),
                0, "The outputs are right: backward uses positions that forward hides."};
  }
  return {};
}

// Row t of a sequence comes from row 3 t + 1 (or 2 t + 1 if 3 divides the length), modulo the length.
Matrix<double> permuted(const Matrix<double>& m, Index batch) {
  const Index time = m.rows() / batch, stride = time % 3 == 0 ? 2 : 3;
  Matrix<double> out(m.rows(), m.cols());
  for (Index row = 0; row < m.rows(); ++row)
    out.row(row) = m.row(row / time * time + (stride * (row % time) + 1) % time);
  return out;
}

}  // namespace

Finding causality(const Subject& subject, const Setup& setup) {
  const Mask mask = resolve(setup.causality, setup.time, setup.keys());
  return no_leak(subject, setup, [&](Index i, Index j) { return !mask.hides(i, j); });
}

Finding positions_apart(const Subject& subject, const Setup& setup) {
  return no_leak(subject, setup, [](Index i, Index j) { return i == j; });
}

Finding permutation(const Subject& subject, const Setup& setup) {
  Bench<double> bench(subject.info, subject.options, setup);
  bench.run();
  Outcome<double> wanted = outcome_of(bench);
  for (std::size_t i = 0; i < 2; ++i)  // the output and the gradient of x; gradients of parameters are equal
    wanted.tensors[i].second = permuted(wanted.tensors[i].second, setup.batch);
  bench.x = permuted(bench.x, setup.batch);
  bench.upstream = permuted(bench.upstream, setup.batch);
  bench.run();
  // Sums over keys run in another order, so the bits may differ.
  const Difference d = relative_difference(outcome_of(bench), wanted);
  if (d.largest < 1e-10) return {{}, d.largest};
  return {fmt::format("permuting time does not permute {}: it differs by {:.3g}", d.where, d.largest),
          d.largest};
}

}  // namespace heed::check
