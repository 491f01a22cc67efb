#include "experiments/run/rungs.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numeric>
#include <span>
#include <sstream>
#include <system_error>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <xxhash.h>

#include "results/checksum.h"
#include "results/errors.h"
#include "results/trial_file.h"

namespace heed {
namespace {

namespace fs = std::filesystem;

constexpr const char* kHeader =
    "step\tvalue\tbest\taverage\ton_plateau\tmetric\trule\tdecision\treason\tseen\n";
constexpr const char* kNone = "-";

std::vector<std::string> split(const std::string& text, char at) {
  std::vector<std::string> out;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, at);) out.push_back(part);
  return out;
}

std::string line_of(const Rung& r) {
  const RungResult& x = r.result;
  // {} of a double is the shortest text that reads back as the same bits.
  return fmt::format("{}\t{}\t{}\t{}\t{:d}\t{}\t{}\t{}\t{}\t{}\n", r.step, x.value, x.best, x.average,
                     x.on_plateau, r.metric, r.rule,
                     r.decision ? (r.decision->stop ? "stop" : "go on") : kNone,
                     r.decision ? r.decision->reason : kNone,
                     r.seen.empty() ? kNone : fmt::format("{}", fmt::join(r.seen, ",")));
}

Rung rung_from(const std::string& line, const fs::path& file) {
  const std::vector<std::string> f = split(line, '\t');
  if (f.size() != 10) throw results::DamagedFile(file, "a line is not in heed's format.");
  const auto number = [](const std::string& text) { return std::strtod(text.c_str(), nullptr); };
  const RungResult result{number(f[1]), number(f[2]), number(f[3]), f[4] == "1"};
  Rung r{static_cast<Index>(number(f[0])), result, f[5], f[6]};
  if (f[7] != kNone) r.decision = Decision{f[7] == "stop", f[8]};
  if (f[9] != kNone) r.seen = split(f[9], ',');
  return r;
}

// std::filesystem::exists throws an exception of its own where the path cannot be looked at.
bool is_there(const fs::path& file) {
  std::error_code error;
  const bool found = fs::exists(file, error);
  if (error) throw results::IoError(file, "cannot be read: " + error.message());
  return found;
}

void write_rungs(const fs::path& file, const std::vector<Rung>& rungs) {
  std::string text = kHeader;
  for (const Rung& r : rungs) text += line_of(r);
  results::write_checked_text(file, text);
}

std::optional<Decision> decision_at(Index step, const std::string& rule, const std::vector<Rung>& rungs) {
  for (const Rung& r : rungs)
    if (r.step == step && r.rule == rule && r.decision) return r.decision;
  return std::nullopt;
}

// Returns the files of a contest, except the trial's own, in the order of their names.
std::vector<fs::path> files_of_others(const fs::path& folder, const std::string& id) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator e(folder, error); !error && e != fs::directory_iterator(); e.increment(error))
    if (e->path().extension() == ".tsv" && e->path().stem() != id) files.push_back(e->path());
  if (error) throw results::IoError(folder, "cannot be read: " + error.message());
  std::ranges::sort(files);
  return files;
}

}  // namespace

RungResult result_of(const StopRule& rule, const TrainLog& log) {
  const bool is_loss = rule.metric == "final_validation_loss";
  const std::vector<double>& curve = is_loss ? log.validation_loss : log.validation_accuracy;
  const auto [least, most] = std::ranges::minmax(curve);
  return {curve.back(), is_loss ? least : most,
          std::accumulate(curve.begin(), curve.end(), 0.0) / static_cast<double>(curve.size()),
          std::isnan(plateau_step(log))};
}

std::string rule_text(const StopRule& rule) { return write_options(rule).canonical(); }

Contest contest_of(const TrialConfig& trial, const Stop& stop, std::uint64_t first_seed,
                   const fs::path& rungs, const fs::path& trials) {
  TrialConfig leader = trial;
  leader.seed = first_seed;
  const std::string text = contest_text(leader, stop);
  const auto hash = static_cast<std::uint64_t>(XXH64(text.data(), text.size(), 0));
  return {stop.rule, rungs / fmt::format("{:016x}", hash),
          trial.seed == first_seed ? fs::path() : trials / (trial_id(leader) + ".h5")};
}

std::vector<Rung> read_rungs(const fs::path& file) {
  std::vector<Rung> rungs;
  if (!is_there(file)) return rungs;
  try {
    const std::vector<std::string> lines = split(results::read_checked_text(file, ""), '\n');
    for (const std::string& line : std::span(lines).subspan(std::min<std::size_t>(1, lines.size())))
      rungs.push_back(rung_from(line, file));
  } catch (const results::DamagedFile&) {
    rungs.clear();  // it is written again
  }
  return rungs;
}

Decision judge(const Contest& contest, const std::string& id, Index step, const RungResult& own) {
  std::error_code error;
  fs::create_directories(contest.folder, error);
  if (error) throw results::IoError(contest.folder, "cannot be created: " + error.message());
  const fs::path file = contest.folder / (id + ".tsv");
  const std::string rule = rule_text(contest.rule);
  std::vector<Rung> rungs = read_rungs(file);
  if (const auto made = decision_at(step, rule, rungs)) return *made;
  // Lines of later steps stay: other decisions name them.
  std::erase_if(rungs, [&](const Rung& r) { return r.step == step; });
  const auto later = std::ranges::upper_bound(rungs, step, {}, &Rung::step);
  Rung& rung = *rungs.insert(later, {step, own, contest.rule.metric, rule});
  write_rungs(file, rungs);
  std::vector<RungResult> others;
  for (const fs::path& other : files_of_others(contest.folder, id))
    for (const Rung& r : read_rungs(other))
      if (r.step == step && r.metric == contest.rule.metric) {
        others.push_back(r.result);
        rung.seen.push_back(other.stem().string());
      }
  rung.decision = decide(contest.rule, own, others);
  try {
    write_rungs(file, rungs);
  } catch (const results::IoError&) {
    // Where only the folder could not be synced the line is there, and it holds.
    if (!decision_at(step, rule, read_rungs(file))) throw;
  }
  return *rung.decision;
}

std::string why_not_started(const Contest& contest) {
  if (contest.leader.empty() || !is_there(contest.leader)) return "";
  try {
    if (results::read_outcome(contest.leader).status != results::Status::stopped) return "";
  } catch (const results::DamagedFile&) {
    return "";  // the next `heed run` runs it again
  }
  return "this setting was stopped with the first seed";
}

std::string why_stopped(const Contest& contest, const std::string& id, const TrainLog& log) {
  if (!contest.leader.empty()) return why_not_started(contest);
  const std::size_t n = log.evaluated_at.size();
  const Index step = log.evaluated_at.back(), previous = n > 1 ? log.evaluated_at[n - 2] : 0;
  if (!contest.rule.is_rung(previous, step)) return "";
  const Decision decision = judge(contest, id, step, result_of(contest.rule, log));
  return decision.stop ? decision.reason : "";
}

}  // namespace heed
