#include "experiments/cli/replay.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "core/rng.h"
#include "experiments/cli/plan_table.h"
#include "experiments/cli/sweep_input.h"
#include "experiments/report/compare/comparison.h"
#include "experiments/report/compare/table_text.h"
#include "experiments/run/progress.h"
#include "experiments/run/replay.h"
#include "experiments/run/run_directory.h"
#include "experiments/run/rungs.h"
#include "experiments/sweep/stop_section.h"
#include "experiments/trial/metrics.h"
#include "results/trial_file.h"

namespace heed::cli {
namespace {

// A finished trial: its validations, and the metrics by which it is chosen and judged.
struct Trial {
  TrainLog log;
  double validation = 0, result = 0;
};

// One of the settings that compete, with a trial for each seed of the sweep.
struct Setting {
  std::string variant, setting;
  std::vector<Trial> seeds;
};
using Contest = std::vector<Setting>;

// Sums over all orders.
struct Outcome {
  int kept = 0;  // orders in which the best of all settings was chosen
  double stopped = 0, steps = 0, lost = 0, most_lost = 0;
};

double metric_in(const results::Record& record, const std::string& name) {
  const auto at = std::ranges::find(record.metrics, name, &results::Metric::name);
  if (at == record.metrics.end())
    throw Error(fmt::format("compare.metric: trial {} has no {}.", record.id, name));
  return at->value;
}

Trial read(const RunDirectory& directory, const PlannedTrial& t, const std::string& metric) {
  const results::Record record = results::read_trial_summary(directory.trial(t.id));
  Trial out;
  out.log.steps = t.config.train.steps;
  for (const results::Axis& axis : record.axes)
    if (axis.name == "eval") out.log.evaluated_at = axis.at;
  for (const results::Curve& c : record.curves) {
    if (c.name == "validation_loss") out.log.validation_loss = c.values;
    if (c.name == "validation_accuracy") out.log.validation_accuracy = c.values;
  }
  out.validation = metric_in(record, validation_metric(metric));
  out.result = metric_in(record, metric);
  return out;
}

// Returns the trials of a sweep by contest, settings in plan order. Throws: heed::Error if one is incomplete.
std::vector<Contest> contests_of(const RunDirectory& directory, const Sweep& sweep) {
  std::size_t done = 0;
  for (const PlannedTrial& t : sweep.trials) done += directory.outcome(t.id) == results::Status::done;
  if (done < sweep.trials.size())
    throw Error(
        fmt::format("{}: {} of {} are done, and a rule can be replayed on complete trials only. "
                    "`heed run … --complete` trains the others to the end.",
                    directory.root().string(), done, count_text(sweep.trials.size(), "trial")));
  std::map<std::string, std::size_t> contest_at;
  std::map<std::string, std::pair<std::size_t, std::size_t>> setting_at;
  std::vector<Contest> contests;
  for (const PlannedTrial& t : sweep.trials) {
    TrialConfig leader = t.config;
    leader.seed = sweep.seeds.front();
    const auto [contest, is_new] = contest_at.insert({contest_text(leader, *sweep.stop), contests.size()});
    if (is_new) contests.emplace_back();
    Contest& settings = contests[contest->second];
    const auto [at, first] = setting_at.insert({trial_id(leader), {contest->second, settings.size()}});
    if (first) settings.push_back({t.config.variant, t.setting, {}});
    contests[at->second.first][at->second.second].seeds.push_back(read(directory, t, sweep.compare.metric));
  }
  std::erase_if(contests, [](const Contest& c) { return c.size() < 2; });
  return contests;
}

double mean(const Setting& setting, double Trial::*value) {
  double sum = 0;
  for (const Trial& t : setting.seeds) sum += t.*value;
  return sum / static_cast<double>(setting.seeds.size());
}

// Returns the setting that is best on validation, of those that may be chosen.
std::size_t choice(const Contest& contest, bool larger, const std::vector<bool>& may) {
  std::size_t best = contest.size();
  for (std::size_t i = 0; i < contest.size(); ++i) {
    if (!may[i]) continue;
    const double value = mean(contest[i], &Trial::validation);
    const double other = best < contest.size() ? mean(contest[best], &Trial::validation) : std::nan("");
    if (std::isnan(other) || (larger ? value > other : value < other)) best = i;
  }
  return best;
}

bool is_larger_better(const std::string& metric) {
  const MetricInfo* info = find_metric(metric);
  return !info || info->better != Better::smaller;
}

// Each order is another permutation of the settings, and has the next seed of the sweep as its first.
class Replays {
 public:
  Replays(const Sweep& sweep, int orders)
      : rule_(sweep.stop->rule),
        orders_(orders),
        larger_(is_larger_better(validation_metric(sweep.compare.metric))),
        sign_(is_larger_better(sweep.compare.metric) ? 1 : -1) {}

  Outcome of(const Contest& contest) const {
    const Rng rng(0, "replay");
    Outcome out;
    const std::size_t best = choice(contest, larger_, std::vector<bool>(contest.size(), true));
    for (int o = 0; o < orders_; ++o) {
      const auto n = static_cast<std::ptrdiff_t>(contest.size());
      const std::vector<std::ptrdiff_t> drawn = rng.at(static_cast<std::uint64_t>(o)).sample(n, n);
      add(contest, {drawn.begin(), drawn.end()}, static_cast<std::size_t>(o), best, out);
    }
    return out;
  }

 private:
  void add(const Contest& contest, const std::vector<std::size_t>& order, std::size_t o, std::size_t best,
           Outcome& out) const {
    std::vector<TrainLog> logs;
    for (const Setting& s : contest) logs.push_back(s.seeds[o % s.seeds.size()].log);
    const std::vector<Replayed> replayed = replay(rule_, logs, order);
    std::vector<bool> survives;
    double steps = 0, all = 0;
    for (std::size_t i = 0; i < contest.size(); ++i) {
      const auto seeds = static_cast<double>(contest[i].seeds.size());
      const auto full = static_cast<double>(logs[i].steps);
      survives.push_back(replayed[i].reason.empty());
      steps += static_cast<double>(replayed[i].steps) + (survives[i] ? full * (seeds - 1) : 0);
      all += full * seeds;
    }
    const std::size_t chosen = choice(contest, larger_, survives);
    const double lost = sign_ * (mean(contest[best], &Trial::result) - mean(contest[chosen], &Trial::result));
    out.kept += chosen == best;
    out.stopped += static_cast<double>(std::ranges::count(survives, false));
    out.steps += steps / all;
    out.lost += lost;
    out.most_lost = std::max(out.most_lost, lost);
  }

  StopRule rule_;
  int orders_;
  bool larger_;  // is a larger value better on validation?
  double sign_;  // of an improvement of the result
};

std::string label(const Contest& contest) {
  std::vector<std::string> settings;
  for (const Setting& s : contest) settings.push_back(s.setting);
  const std::string common = common_words(settings);
  return contest[0].variant + (common.empty() ? "" : ' ' + common);
}

int run(const Input& input, Registry& registry) {
  const LoadedSweep loaded =
      load_sweep(input.get<std::string>("sweep"), input.all("override"), input, registry);
  const Sweep& sweep = loaded.sweep;
  if (!sweep.stop)
    throw UsageError(
        "sweep.stop is missing: the rule to replay, as in 'sweep.stop={rule: halving, after: 100}'.");
  const int orders = integer_option(input, "orders", 10);
  const std::vector<Contest> contests = contests_of(RunDirectory(loaded.directory), sweep);
  const Replays replays(sweep, orders);
  std::vector<std::vector<std::string>> rows = {
      {"variant", "settings", "best", "chosen", "stopped", "steps", sweep.compare.metric + " lost", "most"}};
  double steps = 0;
  int kept = 0;
  for (const Contest& c : contests) {
    const Outcome o = replays.of(c);
    const double n = orders;
    const std::size_t best = choice(c, is_larger_better(validation_metric(sweep.compare.metric)),
                                    std::vector<bool>(c.size(), true));
    rows.push_back({label(c), fmt::format("{}", c.size()), c[best].setting,
                    fmt::format("{} of {}", o.kept, orders), fmt::format("{:.1f}", o.stopped / n),
                    fmt::format("{:.0f} %", 100 * o.steps / n), fmt::format("{:.2g}", o.lost / n),
                    fmt::format("{:.2g}", o.most_lost)});
    steps += o.steps / n, kept += o.kept;
  }
  const auto all = static_cast<double>(contests.size());
  fmt::print(
      "{}: {}, {} of the settings\n\n{}\n"
      "In the mean {:.0f} % of all training steps; the best setting was chosen in {} of {} contests.\n"
      "best: on validation, of all settings; chosen: in how many orders the rule left it in and it was "
      "chosen\n"
      "again; stopped: settings, in the mean; steps: of those that the full grid trains, with all seeds\n",
      sweep.name, rule_text(sweep.stop->rule), count_text(static_cast<std::size_t>(orders), "order"),
      aligned(rows, kTableWidth), 100 * steps / all, kept,
      contests.size() * static_cast<std::size_t>(orders));
  return kDone;
}

}  // namespace

Command replay_command() {
  Command c;
  c.name = "replay";
  c.synopsis = "SWEEP.yaml [key=value ...] [-o DIR] [--orders N]";
  c.summary = "say what a rule (sweep.stop) would have stopped of a finished sweep, and chosen";
  c.details =
      "Reads the validations of the run directory's trials, which must all be complete, and trains nothing. "
      "The rule is\n"
      "applied to several random orders of the settings that compete, each with another first seed. The "
      "table shows how\n"
      "often the same setting would have been chosen, the share of training steps, and what a worse choice "
      "costs.\n"
      "\n"
      "    heed replay runs/lr/sweep.yaml -o runs/lr 'sweep.stop={rule: halving, after: 100}'";
  c.options.add_options()("output,o", po::value<std::string>()->value_name("DIR"),
                          "the run directory; default: runs/NAME")(
      "orders", po::value<int>()->value_name("N"), "random orders (10)");
  c.arguments = {"sweep", "override..."};
  c.required = 1;
  c.loads_plugins = true;
  c.run = run;
  return c;
}

}  // namespace heed::cli
