#include "experiments/directions/random_vectors.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/ops/product.h"
#include "core/rng.h"
#include "core/threads.h"

namespace heed::directions {
namespace {

constexpr double kMostRepetitions = 10'000, kFewestRepetitions = 16;
constexpr Index kMostTogether = 64;  // directions that are drawn and compared in one product

void draw_direction(Draws draws, Mat<float> row) {
  for (Index i = 0; i < row.cols(); ++i) row(0, i) = static_cast<float>(draws.normal());
  row /= row.norm();
}

// Draws `more` directions behind the first `count`. Returns how many fit one after another, of all.
Index extend(std::vector<float>& all, Index count, Index more, const Setting& s, const Rng& rng,
             std::uint64_t repetition) {
  all.resize(static_cast<std::size_t>((count + more) * s.dim));
  const Mat<float> directions = mat(all.data(), count + more, s.dim),
                   added = row_block(directions, count, more);
  for (Index i = 0; i < more; ++i)
    draw_direction(rng.at(repetition, static_cast<std::uint64_t>(count + i)), row_block(added, i, 1));
  Matrix<float> cosines(more, count + more);
  product_abt<float>(added, directions, mat(cosines.data(), more, count + more));
  const auto largest = static_cast<float>(largest_cosine(s));
  for (Index i = 0; i < more; ++i)
    if ((cosines.row(i).head(count + i).array().abs() > largest).any()) return count + i;
  return count + more;
}

double count_random_vectors(const Setting& s, const Rng& rng, std::uint64_t repetition) {
  std::vector<float> all;
  for (Index count = 0;;) {
    const Index more = std::clamp<Index>(count, 1, kMostTogether);
    const Index fit = extend(all, count, more, s, rng, repetition);
    if (fit < count + more) return static_cast<double>(fit);
    count = fit;
  }
}

// Returns the expected operations of one repetition: products of all pairs, and the draws.
double expected_flops(const Setting& s) {
  constexpr double kFlopsOfDraw = 50;
  const double n = 1 + expected_random_vectors(s);
  return static_cast<double>(s.dim) * n * (2 * n + kFlopsOfDraw);
}

}  // namespace

Simulated simulate_random_vectors(const Setting& s, std::uint64_t seed, double flops, int threads) {
  const double affordable = std::min(kMostRepetitions, flops / expected_flops(s));
  if (!(affordable >= kFewestRepetitions)) return {};
  Simulated out{.repetitions = static_cast<Index>(affordable)};
  std::vector<double> counts(static_cast<std::size_t>(out.repetitions));
  const Rng rng(seed, "random_directions");
  parallel_for(threads, out.repetitions, [&](Index r, int) {
    counts[static_cast<std::size_t>(r)] = count_random_vectors(s, rng, static_cast<std::uint64_t>(r));
  });
  const auto n = static_cast<double>(out.repetitions);
  double sum = 0, squares = 0;
  for (const double count : counts) sum += count;
  out.mean = sum / n;
  for (const double count : counts) squares += (count - out.mean) * (count - out.mean);
  out.standard_error = std::sqrt(squares / (n - 1) / n);
  return out;
}

}  // namespace heed::directions
