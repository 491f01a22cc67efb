#include <algorithm>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "experiments/bench/timing.h"
#include "experiments/budget/trial_time.h"
#include "experiments/cli/command.h"
#include "experiments/cli/plan_table.h"
#include "experiments/cli/sweep_input.h"
#include "experiments/cli/time_steps.h"
#include "experiments/report/compare/table_cells.h"
#include "experiments/report/compare/table_text.h"
#include "experiments/run/progress.h"
#include "experiments/run/ranks_of_sweep.h"
#include "experiments/run/run_directory.h"
#include "experiments/run/slurm.h"
#include "experiments/system/message.h"
#include "experiments/train/kept_states.h"
#include "experiments/trial/estimate.h"
#include "experiments/trial/quantity.h"
#include "experiments/warnings/large_trials.h"

namespace heed::cli {
namespace {

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
                     100 * sweep.match.options.tolerance, aligned(rows, kTableWidth));
}

// "softmax", or of a stack "window+softmax"
std::string names_of(const std::vector<Choice>& attention) {
  std::vector<std::string> names;
  for (const Choice& c : attention) names.push_back(c.name);
  return fmt::format("{}", fmt::join(names, "+"));
}

// Returns the table of what attends where in encoder-decoders, a row for each variant and place; empty if the
// sweep has none.
std::string places_text(const Sweep& sweep) {
  std::vector<std::vector<std::string>> rows = {{"variant", "decoder", "encoder", "cross-attention"}};
  for (const PlannedTrial& t : sweep.trials) {
    const TrialConfig& c = t.config;
    if (c.type != ModelType::encoder_decoder) continue;
    std::vector<std::string> row = {c.variant, names_of(c.attention), names_of(c.encoder_attention),
                                    names_of(c.cross_attention)};
    if (std::find(rows.begin(), rows.end(), row) == rows.end()) rows.push_back(std::move(row));
  }
  if (rows.size() == 1) return "";
  return fmt::format(
      "Attention of the encoder-decoders. Softmax is where a variant is not supported, unless "
      "model.encoder_attention\nor model.cross_attention says otherwise:\n{}\n",
      aligned(rows, kTableWidth));
}

// Returns how many steps a shorter trial has done whose state a trial begins with; 0 if there is none.
Index steps_done(const PlannedTrial& t, const Sweep& sweep, const RunDirectory& directory,
                 const Registry& registry) {
  if (sweep.stop || !directory.needs_run(t.id, std::nullopt, false)) return 0;
  const auto shorter = KeptStates(directory.checkpoint(t.id).parent_path(), t.config, false, registry).find();
  return shorter ? shorter->step : 0;
}

// The trials that begin with the state of a shorter one.
struct Continued {
  std::size_t trials = 0;
  double steps = 0, done = 0;

  // Returns the share of the trial's training that is still to be done.
  double add(Index done_by_shorter, Index all) {
    if (done_by_shorter == 0) return 1;
    ++trials;
    steps += static_cast<double>(all);
    done += static_cast<double>(done_by_shorter);
    return 1 - static_cast<double>(done_by_shorter) / static_cast<double>(all);
  }
  std::string text(const RunDirectory& directory) const {
    if (trials == 0) return "";
    return fmt::format(
        "{} shorter ones in {}, which have done {} of {} training steps; training and time are\nthose of the "
        "rest.\n\n",
        trials == 1 ? "1 trial continues" : fmt::format("{} trials continue", trials),
        directory.root().string(), grouped(done), grouped(steps));
  }
};

// Says how many trials multiply in another precision than float32; empty if none.
std::string precision_text(const Sweep& sweep) {
  const auto rounded = static_cast<std::size_t>(std::ranges::count_if(
      sweep.trials, [](const PlannedTrial& t) { return t.config.train.precision == "bfloat16"; }));
  if (rounded == 0) return "";
  return fmt::format("{} of {} multiply matrices in bfloat16 (train.precision).\n\n", rounded,
                     count_text(sweep.trials.size(), "trial"));
}

// How the time of trials is known, up to the share of the speed of products.
std::string timed_text(std::size_t timed) {
  if (timed == 0) return "No model is small enough to be timed: all are assumed to reach";
  return fmt::format(
      "Steps of {} were timed for this. Larger models are assumed to be as fast as a timed\n"
      "one with the same attention, or to reach",
      count_text(timed, "small model"));
}

int print_ids(const Sweep& sweep) {
  for (const PlanLine& line : plan_lines(sweep)) fmt::print("{}  {}\n", line.id, line.to_string());
  return kDone;
}

int run(const Input& input, Registry& registry) {
  const LoadedSweep loaded =
      load_sweep(input.get<std::string>("sweep"), input.all("override"), input, registry);
  const Sweep& sweep = loaded.sweep;
  if (input.has("ids")) return print_ids(sweep);
  // The machine that trains may be another, so a plan is not refused.
  if (const std::string missing = missing_mpi(sweep); !missing.empty()) say("Warning: {}", missing);
  Estimator estimate(registry);
  Ceiling ceiling;
  ceiling.measure();
  const double speed = ceiling.flops_per_second();
  const RunDirectory directory(loaded.directory);
  TrialTime time(speed, std::bind_front(time_apart, directory.subwords()));
  PlanTable plan;
  Continued continued;
  for (const PlannedTrial& t : sweep.trials) {
    Estimate e = estimate(t.config);
    const double seconds = time(t.config, e);
    const double left = continued.add(steps_done(t, sweep, directory, registry), t.config.train.steps);
    e.training_flops *= left, e.evaluation_flops *= left;
    plan.add(t, e, seconds * left);
  }
  if (const std::string longer = plan.longer_than(sweep.limits.seconds);
      sweep.limits.seconds > 0 && !longer.empty() && !takes_too_long_anywhere(sweep, registry))
    say("Warning: {}", longer);
  fmt::print("{}: {}. No trial is started.\n\n{}\n", sweep.name, count_text(sweep.trials.size(), "trial"),
             plan.text());
  fmt::print("{}{}{}", places_text(sweep), precision_text(sweep), continued.text(directory));
  if (sweep.match.on()) fmt::print("{}", matched_text(sweep));
  if (sweep.match.options.budget == "step_time")
    fmt::print("Steps were timed on this machine. `heed run` uses the sizes in {}.\n\n",
               (loaded.directory / "step_times.tsv").string());
  fmt::print(
      "In total {} for training, validation and test; about {} on {} cores, one trial per core.\n"
      "Parameters: all that are trained. Matrices: attention, feed-forward, embedding and head, which is\n"
      "what papers count. FLOPs: a multiply-add counts as two; forward of one sequence; training is three\n"
      "forward passes for each sequence of each step. Memory: values, gradients and optimizer state at 4\n"
      "bytes per number, the batches, and about what a micro-batch keeps. Time of a trial, on one core:\n"
      "the FLOPs, with one forward pass for each sequence of validation and test, at the speed of a\n"
      "training step.\n"
      "{} {:.0f} % of the {} of matrix products.\n",
      with_prefix(plan.flops(), "FLOP"), duration_text(plan.seconds(cores())), cores(),
      timed_text(time.timed()), 100 * TrialTime::kShareOfSpeed, with_prefix(speed, "FLOP/s"));
  if (plan.has_ranks())
    fmt::print(
        "Ranks: the processes of a trial (train.context_parallel). Memory is that of one rank. Exchanged: "
        "what\n"
        "they send together in a training step. The time is that of all ranks together.\n");
  return kDone;
}

}  // namespace

Command plan_command() {
  Command c;
  c.name = "plan";
  c.synopsis = "SWEEP.yaml [key=value ...] [-o DIR]";
  c.summary = "check a sweep file and list its trials with their parameters, FLOPs, memory and time";
  c.details =
      "Starts no trial and allocates no memory for large models, so they may be of any size. A few training "
      "steps of\n"
      "small models are timed, for about three seconds. If the sweep matches step times (compare.match: "
      "step_time),\n"
      "it measures them. Trials that differ only in the seed share a row.\n"
      "\n"
      "    heed plan configs/quickstart.yaml train.steps=500";
  c.options.add_options()("output,o", po::value<std::string>()->value_name("DIR"),
                          "the run directory with the measured sizes (step_times.tsv); default: runs/NAME")(
      "ids", "print only the id of each trial");
  c.arguments = {"sweep", "override..."};
  c.required = 1;
  c.loads_plugins = true;
  c.run = run;
  return c;
}

}  // namespace heed::cli
