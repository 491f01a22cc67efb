#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "experiments/bench/timing.h"
#include "experiments/cli/command.h"
#include "experiments/cli/sweep_input.h"
#include "experiments/report/compare/table_cells.h"
#include "experiments/report/compare/table_text.h"
#include "experiments/run/progress.h"
#include "experiments/trial/estimate.h"
#include "experiments/trial/quantity.h"

namespace heed::cli {
namespace {

// Measured: training of small models reaches about this share of the speed of a matrix product.
constexpr double kShareOfSpeed = 0.4;

std::string with_prefix(double x, const char* unit) {
  const char* prefixes[] = {"", "k", "M", "G", "T", "P", "E", "Z"};
  std::size_t p = 0;
  for (; x >= 1000 && p + 1 < std::size(prefixes); ++p) x /= 1000;
  return fmt::format("{:.3g} {}{}", x, prefixes[p], unit);
}

// Returns the table of adjusted options. Each setting has one row, because seeds do not change it.
std::string matched_text(const Sweep& sweep) {
  const std::string metric = metric_of_budget(sweep.match.options.budget);
  std::vector<std::vector<std::string>> rows = {
      {"variant", "setting", "adjusted", "to", metric, "target", "mismatch"}};
  for (const PlannedTrial& t : sweep.trials) {
    const Matched& m = t.matched;
    std::vector<std::string> row = {t.config.variant,   t.setting,         m.option.empty() ? "-" : m.option,
                                    grouped(m.reached), grouped(m.target), percent(m.mismatch())};
    row.insert(row.begin() + 3, m.option.empty() ? "-" : fmt::format("{}", m.value));
    if (std::find(rows.begin(), rows.end(), row) == rows.end()) rows.push_back(std::move(row));
  }
  return fmt::format("Matched to {} by {}, within {:g} %:\n{}\n", sweep.match.options.reference, metric,
                     100 * sweep.match.options.tolerance, aligned(rows));
}

int run(const Input& input, Registry& registry) {
  const LoadedSweep loaded =
      load_sweep(input.get<std::string>("sweep"), input.all("override"), input, registry);
  const Sweep& sweep = loaded.sweep;
  Estimator estimate(registry);
  Ceiling ceiling;
  ceiling.measure();
  const double speed = kShareOfSpeed * ceiling.flops_per_second();

  std::vector<std::vector<std::string>> rows = {{"#", "id", "variant", "setting", "seed"}};
  double flops = 0, longest = 0;
  for (std::size_t i = 0; i < sweep.trials.size(); ++i) {
    const PlannedTrial& t = sweep.trials[i];
    const Estimate e = estimate(t.config);
    // The names of the components come with the first estimate; they are the same for all trials.
    if (i == 0) {
      for (const ComponentCount& c : e.components) {
        // Components before biases are those that papers count, so their total is shown before it.
        if (c.component == "biases") rows[0].push_back("in all");
        rows[0].push_back(c.component);
      }
      for (const char* name : {"forward FLOPs", "training FLOPs", "memory", "time"}) rows[0].push_back(name);
    }
    std::vector<std::string> row = {fmt::format("{}", i), t.id, t.config.variant, t.setting,
                                    fmt::format("{}", t.config.seed)};
    for (const ComponentCount& c : e.components) {
      if (c.component == "biases") row.push_back(grouped(static_cast<double>(e.counted)));
      row.push_back(grouped(static_cast<double>(c.parameters)));
    }
    const double seconds = e.training_flops / speed;
    row.insert(row.end(), {with_prefix(e.forward_flops, "FLOP"), with_prefix(e.training_flops, "FLOP"),
                           with_prefix(e.memory_bytes, "B"), duration_text(seconds)});
    rows.push_back(std::move(row));
    flops += e.training_flops;
    longest = std::max(longest, seconds);
  }
  const int jobs = cores();
  fmt::print("{}: {}. No trial is started.\n\n{}\n", sweep.name, count_text(sweep.trials.size(), "trial"),
             aligned(rows));
  if (sweep.match.on()) fmt::print("{}", matched_text(sweep));
  if (sweep.match.options.budget == "step_time")
    fmt::print("Steps were timed on this machine. `heed run` uses the sizes in {}.\n\n",
               (loaded.directory / "step_times.tsv").string());
  fmt::print(
      "Training: {} in total; about {} on {} cores, one trial per core.\n"
      "Parameters: the column 'in all' is attention, feed-forward, embedding and head, as papers count; "
      "biases,\n"
      "norms and positions have columns of their own. FLOPs: a multiply-add counts as two; forward of one "
      "sequence;\n"
      "training is three forward passes for each sequence of each step. Memory: values, gradients and "
      "optimizer\n"
      "state at 4 bytes per number, and about what a micro-batch keeps. Time: the FLOPs at {:.0f} % of the "
      "{} that\n"
      "one core of this machine just reached in matrix products, without evaluations and data generation.\n",
      with_prefix(flops, "FLOP"), duration_text(std::max(longest, flops / speed / jobs)), jobs,
      100 * kShareOfSpeed, with_prefix(speed / kShareOfSpeed, "FLOP/s"));
  return kDone;
}

}  // namespace

Command plan_command() {
  Command c;
  c.name = "plan";
  c.synopsis = "SWEEP.yaml [key=value ...] [-o DIR]";
  c.summary = "check a sweep file and list every trial with its parameters, FLOPs, memory and time";
  c.details =
      "Starts no trial and allocates no memory for the models, so they may be of any size. If the sweep "
      "matches\n"
      "step times (compare.match: step_time), it measures them.\n"
      "\n"
      "    heed plan configs/quickstart.yaml train.steps=500";
  c.options.add_options()("output,o", po::value<std::string>()->value_name("DIR"),
                          "the run directory with the measured sizes (step_times.tsv); default: runs/NAME");
  c.arguments = {"sweep", "override..."};
  c.required = 1;
  c.loads_plugins = true;
  c.run = run;
  return c;
}

}  // namespace heed::cli
