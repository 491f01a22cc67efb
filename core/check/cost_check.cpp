#include <fmt/format.h>

#include <cmath>
#include <string>
#include <tuple>

#include "core/check/checks.h"
#include "core/ops/product_count.h"

namespace heed::check {
namespace {

// What is wrong with a cost by itself, or beside that of shorter sequences.
std::string fault_of(const Cost& cost, const Cost& shorter, Index time) {
  for (const auto& [what, value, before] :
       {std::tuple("flops", cost.flops, shorter.flops),
        std::tuple("state_bytes", cost.state_bytes, shorter.state_bytes)}) {
    if (!std::isfinite(value) || value < 0)
      return fmt::format("cost({}, {}).{} is {}", time, time, what, value);
    if (value < before)
      return fmt::format("cost({}, {}).{} is {}, less than the {} of half the length", time, time, what,
                         value, before);
  }
  return {};
}

// The formula of the state must be what a decoder keeps; one that only repeats the pass does not count.
// Without a mask, the state is that of a context.
std::string fault_of_state(Bench<double>& bench, bool cross, Index time) {
  Layer<double>& layer = *bench.layer;
  const bool causal = bench.setup.causality.causal;
  if (!causal && !cross) return {};
  const auto decoder = causal ? layer.decoder(1, time)
                              : layer.context_decoder(bench.step, bench.beginning(1, time, 0).context, time);
  bench.step.rewind();
  const double kept = decoder->state_bytes(), formula = layer.cost(time, time).state_bytes;
  if (kept == formula || dynamic_cast<RepeatingDecoder<double>*>(decoder.get())) return {};
  return fmt::format("a decoder keeps {} bytes of {}{} tokens, the formula says {}", kept,
                     causal ? "" : "a context of ", time, formula);
}

}  // namespace

Finding cost(const Subject& subject, const Setup& setup) {
  constexpr Index kLongest = 512;
  Setup longest = setup;
  longest.time = kLongest;
  Bench<double> lengths(subject.info, subject.options, longest);
  Cost shorter;
  for (Index time = 1; time <= kLongest; time *= 2) {
    const Cost now = lengths.layer->cost(time, time);
    if (std::string fault = fault_of(now, shorter, time); !fault.empty()) return {fault};
    shorter = now;
  }

  Bench<double> bench(subject.info, subject.options, setup);
  const std::uint64_t before = multiply_adds();
  bench.forward();
  const double counted = 2 * static_cast<double>(multiply_adds() - before);
  const double formula = bench.layer->cost(setup.time, setup.keys()).flops;
  if (formula < counted)
    return {fmt::format(
        "the products of a forward pass of one position are {:.0f} FLOPs, but the formula says {:.0f}",
        counted, formula)};
  const double single =
      Bench<float>(subject.info, subject.options, setup).layer->cost(setup.time, setup.keys()).flops;
  if (single != formula)
    return {fmt::format("the formula says {} FLOPs in float and {} in double", single, formula)};
  const Traits traits = subject.info.traits(subject.options);
  const bool cross = traits.cross && traits.mixes_time;
  for (Index time = 1; time <= kLongest; time *= 2)
    if (std::string fault = fault_of_state(lengths, cross, time); !fault.empty()) return {fault};
  return {};
}

}  // namespace heed::check
