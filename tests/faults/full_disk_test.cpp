// A real file system that is full: a tmpfs of 256 KiB, mounted where only this process and its children see
// it.
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>

#include <fmt/format.h>

#include "tests/catch.h"
#include "tests/faults/six_trials.h"
#include "tests/paths.h"

namespace {

using namespace heed::test;
namespace fs = std::filesystem;

// A file system of its own size; false where mounting is not allowed.
bool mount_at(const fs::path& folder, const char* size) {
  static const bool apart = [] {
    const uid_t user = getuid();
    const gid_t group = getgid();
    if (unshare(CLONE_NEWNS) != 0) {  // without root: a namespace in which we are
      if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
      write_file("/proc/self/setgroups", "deny");
      write_file("/proc/self/uid_map", fmt::format("0 {} 1", user));
      write_file("/proc/self/gid_map", fmt::format("0 {} 1", group));
    }
    return mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
  }();
  fs::create_directories(folder);
  return apart && mount("tmpfs", folder.c_str(), "tmpfs", 0, fmt::format("size={}", size).c_str()) == 0;
}

bool grow(const fs::path& folder, const char* size) {
  return mount("tmpfs", folder.c_str(), "tmpfs", MS_REMOUNT, fmt::format("size={}", size).c_str()) == 0;
}

// Path and reason, here or in the log that the message names. The log is on the full disk itself.
bool says_why(const SixTrials& sweep, const std::string& text) {
  const char* reason = "No space left on device";
  if (text.find(reason) != std::string::npos) return text.find("r/") != std::string::npos;
  const std::size_t log = text.find("r/logs/");
  return log != std::string::npos &&
         read_file(sweep.folder() / text.substr(log, text.find(".log", log) + 4 - log)).find(reason) !=
             std::string::npos;
}

}  // namespace

TEST_CASE("full disk: a disk that is full loses nothing, and the sweep continues once there is room") {
  SixTrials sweep;
  int full = 0;
  // The disk is full at another place each time: so much of it is taken before.
  for (int taken = 0; taken < 256; taken += long_form() ? 4 : 24) {
    if (!mount_at(sweep.directory("r"), "256k")) {
      WARN("skipped: no file system can be mounted here: " << std::strerror(errno));
      return;
    }
    write_file(sweep.directory("r") / "ballast", std::string(static_cast<std::size_t>(taken) * 1024, 'x'));
    const Ended ended = sweep.run("r", 1 + taken / 8 % 2);
    const std::string where = fmt::format("{} KiB taken", taken);
    full += ended.code == 74;
    if (ended.code != 74 && ended.code != 0)
      sweep.problem(where, fmt::format("{} {}", ended.code, ended.err));
    if (ended.code == 74 && !says_why(sweep, ended.err))
      sweep.problem(where, "no path or reason: " + ended.err);
    REQUIRE(grow(sweep.directory("r"), "8m"));
    const Files before = sweep.finished("r", false);
    sweep.resume("r", 2, before, false);
    REQUIRE(umount(sweep.directory("r").c_str()) == 0);
  }
  fmt::print("full disk: {} sweeps stopped by it, {} finished trials checked, {} problems\n", full,
             sweep.checked(), sweep.problems().size());
  CHECK(sweep.problems() == Words{});
  CHECK(full > 5);
}

TEST_CASE("full disk: results that cannot be printed end a sweep with an exit code; messages may be lost") {
  SixTrials sweep;
  for (const auto& [stream, code] : std::map<std::string, int>{{"1", 74}, {"2", 0}}) {
    // A shell, since standard output and error must be a full device.
    const std::string command =
        fmt::format("cd {} && {} run six.yaml -o r{} -j 1 {}>/dev/full", sweep.folder().path().string(),
                    program().string(), stream, stream);
    const int status = std::system(command.c_str());
    REQUIRE(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == code);
    const Files finished = sweep.finished("r" + stream, false);
    CHECK(finished.size() == 6);
    sweep.resume("r" + stream, 1, finished, false);
  }
  CHECK(sweep.problems() == Words{});
}
