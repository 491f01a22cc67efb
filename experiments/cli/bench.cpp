#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "experiments/bench/attention_bench.h"
#include "experiments/bench/step_bench.h"
#include "experiments/bench/timing.h"
#include "experiments/cli/bench_context_parallel.h"
#include "experiments/cli/bench_decoding.h"
#include "experiments/cli/bench_history.h"
#include "experiments/cli/command.h"
#include "experiments/cli/sweep_input.h"
#include "experiments/cli/variant_words.h"
#include "experiments/report/compare/table_text.h"

namespace heed::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kMebibyte = 1024.0 * 1024.0;

double largest(const std::vector<double>& v) { return *std::max_element(v.begin(), v.end()); }
double smallest(const std::vector<double>& v) { return *std::min_element(v.begin(), v.end()); }

// ---- one step of a sweep's first trial

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
          {"min_ms", smallest(b.step.wall)},
          {"max_ms", largest(b.step.wall)},
          {"median_cpu_ms", median(b.step.cpu)},
          {"min_cpu_ms", smallest(b.step.cpu)},
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
      "sequence, "
      "{} parameters, {}, products in {}\n",
      trial.variant, trial.model.layers, trial.model.heads, trial.model.dim, b.length, trial.train.batch,
      b.vocabulary, b.labels, b.parameters, threads == 1 ? "1 thread" : fmt::format("{} threads", threads),
      trial.train.precision);
  out += line("step", milliseconds_text(median(b.step.wall)),
              fmt::format("median of {} ({} to {}); processor time {}", b.step.wall.size(),
                          milliseconds_text(smallest(b.step.wall)), milliseconds_text(largest(b.step.wall)),
                          milliseconds_text(median(b.step.cpu))));
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

// Measures the first trial of a sweep.
int bench_one_step(const Input& input, Registry& registry, BenchHistory* history) {
  const LoadedSweep loaded = load_sweep(input.get<std::string>("step"), input.all("words"), input, registry);
  const TrialConfig& trial = loaded.sweep.trials.front().config;
  const int threads = threads_option(input);
  const StepBench b = bench_step(trial, registry, threads, integer_option(input, "steps", 20),
                                 integer_option(input, "warmup", 3));
  const Json json = step_json(trial, b, threads);
  fmt::print("{}", input.has("json") ? json.dump() + '\n' : step_text(trial, b, threads));
  if (history) print_differences(*history, json, input);
  return kDone;
}

// ---- variants outside of a model

Json attention_json(const std::string& variant, const AttentionShape& s, int threads,
                    const AttentionBench& b) {
  Timing both;
  for (std::size_t i = 0; i < b.forward.cpu.size(); ++i) {
    both.wall.push_back(b.forward.wall[i] + b.backward.wall[i]);
    both.cpu.push_back(b.forward.cpu[i] + b.backward.cpu[i]);
  }
  return {{"peer", "heed"},
          {"threads", threads},
          {"variant", variant},
          {"attention_only", !b.layer},
          {"d_model", s.heads * s.width},
          {"heads", s.heads},
          {"seq", s.length},
          {"batch", s.batch},
          {"steps", both.wall.size()},
          {"median_ms", median(both.wall)},
          {"median_cpu_ms", median(both.cpu)},
          {"min_cpu_ms", smallest(both.cpu)},
          {"forward_cpu_ms", median(b.forward.cpu)},
          {"backward_cpu_ms", median(b.backward.cpu)},
          {"useful_gflop", 3e-9 * b.forward_flops},
          {"gflops", 1e-9 * b.flops_per_second()},
          {"ceiling_gflops", 1e-9 * b.ceiling},
          {"share_of_ceiling", b.share()},
          {"working_bytes", b.bytes}};
}

// Measures kernels without projections, or layers. Processor times: wall times depend on other programs.
int bench_variants(const Input& input, const Registry& registry, BenchHistory* history) {
  AttentionShape shape;
  shape.batch = integer_option(input, "batch", 8);
  shape.heads = integer_option(input, "heads", 4);
  shape.width = integer_option(input, "width", 32);
  const int threads = threads_option(input), steps = integer_option(input, "steps", 5);
  std::vector<Index> lengths = {128, 256, 512, 1024, 2048, 4096};
  if (input.has("length")) lengths = input.get<std::vector<Index>>("length");

  Json all = Json::array();
  std::vector<std::vector<std::string>> rows = {
      {"variant", "part", "length", "forward", "backward", "useful GFLOP/s", "of ceiling", "memory"}};
  for (const VariantEntry& variant : variants_of(input.all("words"), registry))
    for (const Index length : lengths) {
      if (length < 1) throw UsageError(fmt::format("--length is {} but must be at least 1.", length));
      shape.length = length;
      const AttentionBench b =
          bench_attention(variant.attention.front(), registry, shape, input.has("layer"), threads, steps);
      all.push_back(attention_json(variant.label, shape, threads, b));
      rows.push_back({variant.label, b.layer ? "layer" : "attention", fmt::format("{}", length),
                      milliseconds_text(median(b.forward.cpu)), milliseconds_text(median(b.backward.cpu)),
                      fmt::format("{:.1f}", 1e-9 * b.flops_per_second()),
                      fmt::format("{:.0f} %", 100 * b.share()),
                      fmt::format("{:.2f} MiB", b.bytes / kMebibyte)});
    }
  if (input.has("json")) {
    fmt::print("{}\n", all.dump());
    if (history) print_differences(*history, all, input);
    return kDone;
  }
  fmt::print("Causal: batch {}, {} heads of {}, {}. Processor times, medians.\n\n{}\n", shape.batch,
             shape.heads, shape.width, threads == 1 ? "1 thread" : fmt::format("{} threads", threads),
             aligned(rows));
  fmt::print(
      "Useful operations are those of visible pairs, forward and backward. Values that backward recomputes "
      "do "
      "not count.\n"
      "The ceiling is the speed of a 512 x 512 product on one core, measured at the same time. Memory does "
      "not "
      "include\n"
      "inputs, outputs and their gradients. Part: 'attention' has no projections, 'layer' includes them.\n");
  if (history) print_differences(*history, all, input);
  return kDone;
}

int run(const Input& input, Registry& registry) {
  if (input.has("context-parallel")) return bench_context_parallel(input, registry);
  // Read before anything is measured: a damaged file is reported at once.
  std::optional<BenchHistory> file;
  if (input.has("history")) file.emplace(input.get<std::string>("history"));
  BenchHistory* const history = file ? &*file : nullptr;
  if (input.has("decode")) return bench_decoding(input, registry, history);
  refuse_ineffective(input, {"figures"}, "without --decode, whose costs it draws against the length");
  if (input.has("step"))
    refuse_ineffective(input, {"length", "batch", "heads", "width", "layer"},
                       "with --step, which measures the sweep's first trial");
  else
    refuse_ineffective(input, {"warmup"}, "without --step");
  return input.has("step") ? bench_one_step(input, registry, history)
                           : bench_variants(input, registry, history);
}

}  // namespace

Command bench_command() {
  Command c;
  c.name = "bench";
  c.synopsis =
      "[VARIANT [option=value ...] ...] [--decode [--figures DIR] | --context-parallel R ...] | --step "
      "SWEEP.yaml "
      "[key=value ...]";
  c.summary = "measure a variant as a function of length, or one training step of a sweep";
  c.details =
      "Prints forward and backward time, memory, and useful FLOP/s as a fraction of what this machine "
      "reaches at the same\n"
      "moment. A mixer is measured without projections. A variant that is a layer (rnn, lstm, ssd, "
      "feed-forwards) is\n"
      "measured as a whole; --layer does so with every variant, which makes them comparable. Without "
      "arguments it measures\n"
      "every variant of `heed list`. --decode measures decoding token by token: time, state and memory "
      "traffic "
      "of one more\n"
      "token. Absolute times vary on a shared machine: compare only numbers of one run. --history FILE "
      "keeps\n"
      "measurements and compares times relative to the machine's speed at the same moment.\n"
      "\n"
      "    heed bench softmax window size=64 --length 1024 8192\n"
      "    heed bench softmax lstm ssd --layer --length 256\n"
      "    heed bench softmax window linear --decode --length 1024 16384 --figures figures\n"
      "    heed bench softmax linear --context-parallel 1 2 4 --length 4096 32768\n"
      "    heed bench --step configs/bench/A.yaml variants=[linear]";
  c.options.add_options()  //
      ("step", po::value<std::string>()->value_name("SWEEP.yaml"),
       "measure one training step of the sweep's first trial")  //
      ("length", po::value<std::vector<Index>>()->multitoken()->value_name("N ..."),
       "sequence lengths (128 to 4096; with --decode 128 to 16384; with --context-parallel 1024 4096 "
       "16384)")  //
      ("context-parallel", po::value<std::vector<int>>()->multitoken()->value_name("R ..."),
       "measure layers on R ranks, each with a part of every sequence: time, memory and messages")  //
      ("decode", "measure decoding: one more token after so many")                                  //
      ("batch", po::value<int>()->value_name("N"), "sequences (8; with --decode 1)")                //
      ("heads", po::value<int>()->value_name("N"), "heads (4)")                                     //
      ("width", po::value<int>()->value_name("N"), "channels of a head (32)")                       //
      ("threads", po::value<int>()->value_name("N"), "threads (1)")                                 //
      ("steps", po::value<int>()->value_name("N"),
       "minimum number of timed repetitions (5; with --step 20); with --decode, how many tokens are timed "
       "(16)")                                                                                       //
      ("warmup", po::value<int>()->value_name("N"), "steps before the timed ones, with --step (3)")  //
      ("layer", "measure layers: mixers with their projections, too")                                //
      ("figures", po::value<std::string>()->value_name("DIR"),
       "with --decode, folder for the figure: data (.tsv), gnuplot commands (.gp), and .svg, .pdf, .png")  //
      ("history", po::value<std::string>()->value_name("FILE"),
       "append the measurements to a file, one JSON object a line, and compare each with the latest earlier "
       "one "
       "of the same configuration, build and processor")  //
      ("json", "print JSON, with the keys of the scripts in benchmarks/");
  c.arguments = {"words..."};
  c.loads_plugins = true;
  c.run = run;
  return c;
}

}  // namespace heed::cli
