#include "experiments/warnings/fingerprint.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>

#include "core/model/model.h"
#include "core/model/sequences.h"
#include "core/rng.h"

namespace heed {
namespace {

constexpr double kSame = 1e-8;         // rounding in double is far below, a change of an option far above
constexpr Index kPositions = 64;       // of all sequences together, at least
constexpr double kFlopsPerDraw = 500;  // a normal number takes about as long as so many multiply-adds

Index sequences_of(const Task& task) {
  return std::clamp<Index>(kPositions / std::max<Index>(task.shape().input.length, 1), 1, kPositions);
}

// Two numbers that distinguish an array from others: its norm, and its product with fixed random numbers.
void add_numbers(std::span<const double> x, const std::string& name, Fingerprint& out) {
  Draws draws = Rng(0, "fingerprint " + name).at(0);
  double squares = 0, product = 0;
  for (const double value : x) squares += value * value, product += value * (draws.uniform() - 0.5);
  const double norm = std::sqrt(squares);
  for (const double number : {norm, product}) {
    out.numbers.push_back(number);
    out.scales.push_back(norm);
  }
}

// Is a parameter the filter of a convolution (taps, channels) that is longer than the longest sequence? The
// last tap is that of the current position, so the unused ones are first.
bool is_long_filter(const ParamInfo& p, Index unused_taps, Index longest) {
  return p.name.find("blocks.") != std::string::npos && unused_taps > 0 && p.rows > longest &&
         p.rows - unused_taps <= longest;
}

}  // namespace

bool Fingerprint::same_as(const Fingerprint& other) const {
  if (parameters != other.parameters || numbers.size() != other.numbers.size()) return false;
  const double largest = scales.empty() ? 0 : *std::max_element(scales.begin(), scales.end());
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    // A gradient that is zero in theory is rounding error, so a part of the largest one is the least scale.
    const double scale = std::max({scales[i], other.scales[i], 1e-3 * largest});
    if (!(std::abs(numbers[i] - other.numbers[i]) <= kSame * scale)) return false;
  }
  return true;
}

// The numbers: the initial values of each parameter; then, at another point, the loss and the gradient of
// each parameter. Another point, because many parts have no effect at their initial values.
Fingerprint fingerprint(const ModelSpec& spec, const Registry& registry, const Task& task) {
  Params<double> params;
  Model<double> model(spec, registry, params);
  params.freeze();
  params.initialize(0);
  Fingerprint out;
  const auto each = [&](auto&& visit) {
    for (const ParamInfo& p : params.infos())
      if (p.role != Role::fixed)
        visit(p, static_cast<std::size_t>(p.offset), static_cast<std::size_t>(p.rows * p.cols));
  };
  each([&](const ParamInfo& p, std::size_t from, std::size_t n) {
    out.parameters += fmt::format("{} {} {} {}\n", p.name, p.rows, p.cols, static_cast<int>(p.role));
    add_numbers(params.values().subspan(from, n), p.name, out);
    Draws draws = Rng(1, p.name).at(0);
    for (double& value : params.values().subspan(from, n)) value += 0.1 * (draws.uniform() - 0.5);
  });

  const Index sequences = sequences_of(task);
  const Index longest = std::max(task.shape().input.length, task.shape().source.length);
  Sequences examples(task, sequences);
  for (Index i = 0; i < sequences; ++i) examples.fill(i, Split::train, static_cast<std::uint64_t>(i));
  Step<double> step;
  const Score score = model.accumulate(step, examples.first(sequences));
  out.numbers.push_back(score.mean_loss());
  out.scales.push_back(std::abs(score.mean_loss()));
  each([&](const ParamInfo& p, std::size_t from, std::size_t n) {
    const std::span<const double> gradient = params.grads().subspan(from, n);
    add_numbers(gradient, p.name, out);
    // Exactly zero: a gradient that is zero in theory only has rounding errors.
    const auto is_used = [](double g) { return g != 0; };
    const auto first_used = std::find_if(gradient.begin(), gradient.end(), is_used);
    const auto last_used = std::find_if(gradient.rbegin(), gradient.rend(), is_used);
    const auto unused = last_used - gradient.rbegin();
    if (last_used == gradient.rend())
      out.unused.push_back(p.name);
    else if (const Index taps = (first_used - gradient.begin()) / p.cols; is_long_filter(p, taps, longest))
      out.unused.push_back(fmt::format("{} (the first {} of {} rows)", p.name, taps, p.rows));
    else if (p.rows == 1 && unused > 1 && 8 * unused >= p.cols)  // of places that do not occur
      out.unused.push_back(fmt::format("{} (the last {} of {} numbers)", p.name, unused, p.cols));
  });
  return out;
}

double fingerprint_flops(const ModelSpec& spec, const Registry& registry, const Task& task) {
  Params<double> params;
  const Model<double> model(spec, registry, params);
  const TaskShape shape = task.shape();
  const double forward = model.cost(shape.input.length, shape.input.length, shape.source.length).flops;
  return 3 * forward * static_cast<double>(sequences_of(task)) +
         4 * kFlopsPerDraw * static_cast<double>(params.size());
}

}  // namespace heed
