#include "experiments/cli/bench_parts.h"

#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "experiments/bench/step_bench.h"
#include "experiments/bench/timing.h"
#include "experiments/cli/sweep_input.h"
#include "experiments/trial/quantity.h"

namespace heed::cli {
namespace {

using Json = BenchHistory::Json;

constexpr double kMebibyte = 1024.0 * 1024.0;

// Uses the keys of the scripts for other programs (benchmarks/), so that outputs can be compared.
// `tokens_per_s` is also written with the longer name.
Json step_json(const TrialConfig& trial, const StepBench& b, int threads) {
  const double per_second = 1e3 * b.tokens / median(b.step.wall);
  return {{"peer", "heed"},
          {"threads", threads},
          {"variant", trial.variant},
          {"precision", trial.train.precision},
          {"d_model", trial.model.dim},
          {"layers", trial.model.layers},
          {"heads", trial.model.heads},
          {"seq", b.length},
          {"batch", trial.train.batch},
          {"vocab", b.vocabulary},
          {"labels_per_seq", b.labels},
          {"logits", "labeled"},
          {"parameters", b.parameters},
          {"logit_rows", b.logit_rows},
          {"steps", b.step.wall.size()},
          {"median_ms", median(b.step.wall)},
          {"min_ms", std::ranges::min(b.step.wall)},
          {"max_ms", std::ranges::max(b.step.wall)},
          {"median_cpu_ms", median(b.step.cpu)},
          {"min_cpu_ms", std::ranges::min(b.step.cpu)},
          {"tokens_per_s", per_second},
          {"tokens_per_second", per_second},
          {"peak_rss_mib", b.peak_bytes / kMebibyte},
          {"ready_s", b.ready_seconds},
          {"first_step_s", b.first_step_seconds},
          {"useful_gflop", 1e-9 * b.flops},
          {"gflops", 1e-9 * b.flops_per_second()},
          {"ceiling_gflops", 1e-9 * b.ceiling},
          {"share_of_ceiling", b.share()}};
}

std::string step_text(const TrialConfig& trial, const StepBench& b, int threads) {
  const auto line = [](const char* name, const std::string& value, const std::string& note) {
    return fmt::format("  {:<12}{:>14}  {}\n", name, value, note);
  };
  std::string out = fmt::format(
      "{}: {} blocks, {} heads, dim {}, length {}, batch {}, vocabulary {}, {} scored positions per "
      "sequence, {} parameters, {}, products in {}\n",
      trial.variant, trial.model.layers, trial.model.heads, trial.model.dim, b.length, trial.train.batch,
      b.vocabulary, b.labels, b.parameters, count_text(static_cast<std::size_t>(threads), "thread"),
      trial.train.precision);
  out += line(
      "step", milliseconds_text(median(b.step.wall)),
      fmt::format("median of {} ({} to {}); processor time {}", b.step.wall.size(),
                  milliseconds_text(std::ranges::min(b.step.wall)),
                  milliseconds_text(std::ranges::max(b.step.wall)), milliseconds_text(median(b.step.cpu))));
  out += line("tokens", fmt::format("{:.0f} /s", 1e3 * b.tokens / median(b.step.wall)), "");
  out += line("speed", fmt::format("{:.1f} GFLOP/s", 1e-9 * b.flops_per_second()),
              fmt::format("useful, per core: {:.0f} % of the {:.0f} GFLOP/s of a 512 x 512 product",
                          100 * b.share(), 1e-9 * b.ceiling));
  out += line("memory", fmt::format("{:.1f} MiB", b.peak_bytes / kMebibyte), "largest resident set size");
  return out +
         line("start", milliseconds_text(1e3 * b.ready_seconds),
              fmt::format("from the start of the process to the first step, which ends at {} (to 10 ms)",
                          milliseconds_text(1e3 * b.first_step_seconds)));
}

}  // namespace

int bench_one_step(const Input& input, Registry& registry, BenchHistory* history) {
  const LoadedSweep loaded = load_sweep(input.get<std::string>("step"), input.all("words"), input, registry);
  const TrialConfig& trial = loaded.sweep.trials.front().config;
  const int threads = threads_option(input);
  const StepBench b = bench_step(trial, registry, threads, integer_option(input, "steps", 20),
                                 integer_option(input, "warmup", 3));
  print_measured(step_json(trial, b, threads), step_text(trial, b, threads), input, history);
  return kDone;
}

}  // namespace heed::cli
