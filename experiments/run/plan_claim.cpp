#include "experiments/run/plan_claim.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <unistd.h>

#include <filesystem>
#include <optional>
#include <set>
#include <span>

#include <fmt/format.h>

#include "experiments/system/files.h"
#include "experiments/trial/yaml.h"
#include "results/atomic_file.h"
#include "results/checksum.h"
#include "results/errors.h"

namespace heed {
namespace {

namespace fs = std::filesystem;

constexpr int kMillisecondsBetweenTries = 5, kTries = 2000;  // ten seconds

// Returns true if two sweep files are equal, up to comments and the order of keys.
bool same_sweep(const std::string& a, const std::string& b) {
  if (a == b) return true;
  Problems ignored;
  const std::optional<Config> left = parse_yaml(a, "", ignored), right = parse_yaml(b, "", ignored);
  return left && right && left->canonical() == right->canonical();
}

std::set<std::string> ids_of(const std::vector<PlanLine>& plan) {
  std::set<std::string> ids;
  for (const PlanLine& line : plan) ids.insert(line.id);
  return ids;
}

// Returns the ids of the present plan; none if there is no readable plan.
std::set<std::string> ids_there(const RunDirectory& directory) {
  try {
    return ids_of(directory.read_plan());
  } catch (const Error&) {
    return {};
  } catch (const results::DamagedFile&) {
    return {};
  }
}

std::size_t results_without(const RunDirectory& directory, const std::set<std::string>& ids) {
  std::size_t count = 0;
  for (const auto& entry : fs::directory_iterator(directory.root() / "trials")) {
    const std::string id = entry.path().stem().string();
    count += entry.path().extension() == ".h5" && results::is_id(id) && !ids.contains(id);
  }
  return count;
}

std::string digest_line(const std::string& sweep) { return "sweep.yaml " + plan_digest(sweep); }

constexpr const char* kOfUser = ", a file of the user";

// Writes the owner of the plan, for the message of a run that is refused, and the hash of sweep.yaml. No
// result depends on it.
void keep(int fd, const std::string& command, const std::string& sweep, bool of_user) {
  const std::string text = fmt::format("{}\n{}{}\n", command, digest_line(sweep), of_user ? kOfUser : "");
  [[maybe_unused]] const bool kept = ftruncate(fd, 0) == 0 && pwrite(fd, text.data(), text.size(), 0) > 0;
}

fs::path lock_of(const RunDirectory& directory) { return directory.root() / "plan.lock"; }

// Returns true if heed has not written sweep.yaml, or if it was changed since. Requires: it exists.
bool sweep_is_of_user(const RunDirectory& directory) {
  if (!fs::exists(directory.plan())) return true;
  return sweep_changed(directory) ||
         results::read_text(lock_of(directory)).ends_with(std::string(kOfUser) + '\n');
}

// Requires: no other process has a claim.
void write_plan(const RunDirectory& directory, const std::string& plan, const std::string& sweep, int fd,
                const std::string& command, PlanClaim& claim) {
  const bool exists = fs::exists(directory.sweep()), of_user = exists && sweep_is_of_user(directory);
  const std::string old = exists ? results::read_text(directory.sweep()) : "";
  const bool same = exists && old == sweep;
  if (of_user && !same)
    throw Error(
        fmt::format("{}: heed did not write this file, or you have edited it since, and a run would replace "
                    "it. Choose another run directory with -o DIR, or give the file another name.",
                    directory.sweep().string()));
  const std::set<std::string> before = ids_there(directory);
  results::write_checked_text(directory.plan(), plan);  // first: it shows that heed wrote sweep.yaml
  const std::set<std::string> now = ids_there(directory);
  for (const std::string& id : before) claim.replaced |= !now.contains(id);
  claim.kept_sweep = claim.replaced && exists && !same;
  if (claim.kept_sweep) results::write_text(directory.old_sweep(), old);
  if (!same) results::write_text(directory.sweep(), sweep);
  keep(fd, command, sweep, of_user);
  if (!claim.replaced) return;
  claim.left_out = results_without(directory, now);
  // Results and report of the other plan would not belong to this one.
  std::error_code stays;
  for (const fs::path& file : {directory.results(), directory.root() / "report.html"})
    fs::remove(file, stays);
}

void refuse_other_plan(const RunDirectory& directory, const std::string& plan, const std::string& sweep,
                       const fs::path& lock) {
  if (directory.plan_text() == plan && same_sweep(results::read_text(directory.sweep()), sweep)) return;
  const std::string text = results::read_text(lock);
  throw Error(
      fmt::format("{}: another sweep, or this one with other settings, runs in this run directory:\n  {}\n"
                  "Wait until it has ended, or choose another run directory with -o DIR.",
                  directory.root().string(), text.substr(0, text.rfind("\nsweep.yaml "))));
}

}  // namespace

bool sweep_changed(const RunDirectory& directory) {
  if (!fs::exists(lock_of(directory)) || !fs::exists(directory.sweep())) return false;
  const std::string kept = results::read_text(lock_of(directory));
  return kept.find("\nsweep.yaml ") != std::string::npos &&
         kept.find(digest_line(results::read_text(directory.sweep()))) == std::string::npos;
}

PlanClaim claim_plan(const RunDirectory& directory, const std::string& plan, const std::string& sweep,
                     const std::string& command) {
  const fs::path path = lock_of(directory);
  PlanClaim claim{results::Descriptor(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666))};
  const int fd = claim.lock.get();
  if (fd < 0) fail_to(path, "open");
  bool written = false, shared = false;
  for (int tries = 0; !shared && tries < kTries; ++tries) {
    if (try_lock(fd, LOCK_EX, path)) {
      write_plan(directory, plan, sweep, fd, command, claim);
      written = true;
    }
    // Converting an exclusive lock to a shared one releases it for a moment, and another run may write then.
    shared = try_lock(fd, LOCK_SH, path);
    if (!shared) poll(nullptr, 0, kMillisecondsBetweenTries);
  }
  if (!shared) throw results::IoError(path, "is locked by a process that does not respond.");
  refuse_other_plan(directory, plan, sweep, path);
  // Its modification time is the start of this run, by the clock of the file system (--retry-failed).
  if (!written) results::write_checked_text(directory.plan(), plan);
  return claim;
}

}  // namespace heed
