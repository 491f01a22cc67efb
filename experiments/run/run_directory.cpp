#include "experiments/run/run_directory.h"

#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <cstdint>
#include <set>
#include <span>
#include <string_view>
#include <system_error>

#include <fmt/format.h>
#include <xxhash.h>

#include "experiments/run/plan_claim.h"
#include "experiments/system/files.h"
#include "experiments/system/process.h"
#include "results/atomic_file.h"
#include "results/checksum.h"
#include "results/errors.h"
#include "results/trial_file.h"

namespace heed {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPlanHeader = "id\tvariant\tseed\tsetting";

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (;;) {
    const std::size_t end = text.find(separator);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

// A tab or a line end in a text would break the line.
std::string one_field(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\t' || c == '\n'; }, ' ');
  return text;
}

// Names of heed's files. The folder may have other files too, for example with `-o .`.
bool is_ours(const std::string& name) {
  static const std::set<std::string> of_root = {"sweep.yaml",  "sweep.yaml.old", "plan.tsv", "results.h5",
                                                "report.html", "step_times.tsv", "job.sh"};
  return of_root.contains(name) || results::is_id(name.substr(0, name.find('.')));
}

// Returns what is in a folder; nothing if it cannot be read.
std::vector<fs::path> entries_of(const fs::path& folder) {
  std::vector<fs::path> entries;
  std::error_code error;
  for (fs::directory_iterator e(folder, error); !error && e != fs::directory_iterator(); e.increment(error))
    entries.push_back(e->path());
  return entries;
}

}  // namespace

std::string PlanLine::to_string() const {
  return fmt::format("{}{}{} seed={}", variant, setting.empty() ? "" : " ", setting, seed);
}

fs::path second_copy(fs::path trial) { return trial.replace_extension("second.h5"); }

std::vector<PlanLine> plan_lines(const Sweep& sweep) {
  std::vector<PlanLine> lines;
  for (const PlannedTrial& t : sweep.trials) {
    lines.push_back(
        {t.id, one_field(t.config.variant), fmt::format("{}", t.config.seed), one_field(t.setting)});
    if (sweep.match.on()) lines.back().budget = budget_metrics(sweep.match.options.budget, t.matched);
  }
  return lines;
}

std::string plan_text(const Sweep& sweep) {
  const std::vector<PlanLine> lines = plan_lines(sweep);
  std::string text(kPlanHeader);
  if (!lines.empty())
    for (const results::Metric& m : lines[0].budget) text += '\t' + m.name;
  text += '\n';
  for (const PlanLine& l : lines) {
    text += fmt::format("{}\t{}\t{}\t{}", l.id, l.variant, l.seed, l.setting);
    for (const results::Metric& m : l.budget) text += fmt::format("\t{}", m.value);
    text += '\n';
  }
  return text;
}

std::string plan_digest(const std::string& plan_text) {
  return fmt::format("{:016x}", static_cast<std::uint64_t>(XXH64(plan_text.data(), plan_text.size(), 0)));
}

void RunDirectory::refuse_foreign_files(const std::string& sweep_text) const {
  if (fs::exists(plan())) return;
  std::vector<fs::path> foreign;
  if (fs::exists(sweep()) && results::read_text(sweep()) != sweep_text) foreign.push_back(sweep());
  if (!fs::exists(root_ / "trials"))
    for (const char* name : {"results.h5", "report.html", "job.sh"})
      if (fs::exists(root_ / name)) foreign.push_back(root_ / name);
  if (foreign.empty()) return;
  throw Error(fmt::format(
      "{}: this is no file of heed, as there is no plan.tsv beside it, and a run would replace it. Choose "
      "another run directory with -o DIR, or give the file another name.",
      foreign[0].string()));
}

PlanClaim RunDirectory::prepare(const Sweep& sweep, const std::string& sweep_text,
                                const std::string& command) const {
  refuse_foreign_files(sweep_text);
  make_folder(root_ / "trials");
  make_folder(root_ / "logs");
  make_folder(root_ / "checkpoints");
  return claim_plan(*this, heed::plan_text(sweep), sweep_text, command);
}

std::string RunDirectory::plan_text() const {
  if (!fs::exists(root_)) throw results::IoError(root_, "there is no such folder.");
  if (!fs::exists(plan()))
    throw Error(fmt::format(
        "{}: this is no run directory of heed, it has no plan.tsv. `heed run SWEEP.yaml` makes one.",
        root_.string()));
  return results::read_checked_text(plan(), "`heed run` writes it again.");
}

std::vector<PlanLine> RunDirectory::read_plan() const {
  const std::string text = plan_text();
  const std::vector<std::string> lines = split(text, '\n');
  const std::vector<std::string> header = split(lines[0], '\t');
  if (!(lines[0] + '\t').starts_with(std::string(kPlanHeader) + '\t'))
    throw results::DamagedFile(plan(), "it does not begin like a file of heed.");
  std::vector<PlanLine> out;
  for (std::size_t i = 1; i + 1 < lines.size(); ++i) {
    const std::vector<std::string> f = split(lines[i], '\t');
    if (f.size() != header.size() || !results::is_id(f[0]))
      throw results::DamagedFile(plan(), fmt::format("line {} is not in heed's format.", i + 1));
    out.push_back({f[0], f[1], f[2], f[3]});
    for (std::size_t c = 4; c < f.size(); ++c)
      out.back().budget.push_back(budget_metric(header[c], std::stod(f[c])));
  }
  return out;
}

std::optional<results::Status> RunDirectory::outcome(const std::string& id) const {
  if (!fs::exists(trial(id))) return std::nullopt;
  return results::read_outcome(trial(id)).status;
}

bool RunDirectory::needs_run(const std::string& id, std::optional<FileTime> retry, bool complete,
                             const std::function<void(const std::string&)>& say) const {
  try {
    const std::optional<results::Status> how = outcome(id);
    if (how == results::Status::stopped) return complete;
    if (how != results::Status::failed && how != results::Status::killed) return !how;
    return retry && fs::last_write_time(trial(id)) <= *retry;
  } catch (const results::DamagedFile& e) {
    if (say) say(e.what());
    return true;
  }
}

bool RunDirectory::running(const std::string& id) const {
  const Descriptor fd(open(log(id).c_str(), O_RDONLY | O_CLOEXEC));
  return fd.get() >= 0 && !try_lock(fd.get(), LOCK_SH, log(id));
}

void RunDirectory::remove_leftovers() const {
  const fs::path checkpoints = root_ / "checkpoints";
  for (const fs::path& folder : {root_, root_ / "trials", root_ / "logs", checkpoints})
    results::remove_leftovers(folder, is_ours);
  for (const fs::path& contest : entries_of(rungs())) results::remove_leftovers(contest, is_ours);
  for (const fs::path& file : entries_of(checkpoints)) {
    const std::string id = file.stem().string();  // of <id>.<generation>
    if (!results::is_id(id) || running(id)) continue;
    try {
      const auto how = outcome(id);
      if (how == results::Status::done || how == results::Status::diverged) fs::remove(file);
    } catch (const std::exception&) {  // keep the checkpoint; reading the trial reports the error
    }
  }
}

results::MergeReport RunDirectory::merge(const std::vector<PlanLine>& plan,
                                         const results::Provenance& provenance,
                                         const results::CompareSettings& compare) const {
  std::vector<results::Source> sources;
  for (std::size_t i = 0; i < plan.size(); ++i)
    if (fs::exists(trial(plan[i].id)))
      sources.push_back({trial(plan[i].id), static_cast<std::int64_t>(i), plan[i].variant, plan[i].budget});
  return results::merge(sources, results(), provenance, compare);
}

}  // namespace heed
