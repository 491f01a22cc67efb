#include "experiments/run/slurm.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <sstream>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

#include "experiments/system/exit_codes.h"
#include "experiments/system/files.h"
#include "experiments/system/process.h"
#include "results/errors.h"

namespace heed {
namespace {

using Words = std::vector<std::string>;

// Slurm signals the script a minute before the limit. heed saves its checkpoints within five seconds.
constexpr const char* kWarning = "--signal=B:USR1@60";

constexpr const char* kScript = R"script(#!/usr/bin/env bash
# One element of the job array of the sweep '{name}'. Written by:
#   {command}
# Element K runs part K of {parts} of the plan. Only the files in the run directory say what is done: an element that
# runs again, here or elsewhere, continues.
#   heed status {directory}
set -u
cd {folder} || exit {input_output}

{run} \
  --part "$SLURM_ARRAY_TASK_ID/{parts}" -j "{jobs}" \
  ${{SLURM_RESTART_COUNT:+--must-progress}} &
heed=$!

# The warning before the time limit comes to this script only: heed saves checkpoints and ends with {stopped}.
trap 'signal=USR1; kill -USR1 "$heed" 2>/dev/null' USR1
# When the job is canceled or preempted, heed mostly has a SIGTERM of its own. Asked twice it would not wait for its
# checkpoints, so it is asked again only if it is still there after the five seconds that they may take.
trap 'signal=TERM; {{ sleep 6; kill -TERM "$heed"; }} 2>/dev/null &' TERM
warned=
while signal=; do
  wait "$heed"
  code=$?
  [[ -n $signal ]] || break  # a signal ends `wait`, not heed
  [[ $signal != USR1 ]] || warned=yes
done

# Out of time: the same element again, which continues from the checkpoints. One that was started again and got no
# further has recorded so and ends with 1: it would be queued again for ever.
if [[ $code == {stopped} && -n $warned ]]; then
  scontrol requeue "${{SLURM_ARRAY_JOB_ID}}_$SLURM_ARRAY_TASK_ID"
fi
exit "$code"
)script";

std::string shell_word(const std::string& word) {
  const auto plain = [](unsigned char c) {
    return std::isalnum(c) ||
           std::string_view("-_=./:,+@%").find(static_cast<char>(c)) != std::string_view::npos;
  };
  if (!word.empty() && std::all_of(word.begin(), word.end(), plain)) return word;
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + '\'';
}

// In Slurm's file names '%' begins a replacement symbol (%a: the element), and "%%" is a '%'.
std::string pattern(const std::filesystem::path& path) {
  std::string text;
  for (const char c : path.string()) text += c == '%' ? std::string("%%") : std::string(1, c);
  return text;
}

// A line break would end the comment.
std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

bool given(const Words& options, std::string_view name) {
  return std::any_of(options.begin(), options.end(),
                     [&](const std::string& o) { return o.starts_with(name); });
}

}  // namespace

std::string job_script(const SlurmJob& job) {
  Words run = job.program;
  run.insert(run.end(), {"run", (job.directory / "sweep.yaml").string(), "-o", job.directory.string(),
                         "--plan", job.plan});
  run.insert(run.end(), job.run_options.begin(), job.run_options.end());
  // Ranks may be on several nodes.
  const char* const jobs = job.ranks > 1 ? "$((${SLURM_CPUS_ON_NODE:-1} * ${SLURM_JOB_NUM_NODES:-1}))"
                                         : "${SLURM_CPUS_ON_NODE:-1}";
  return fmt::format(kScript, fmt::arg("jobs", jobs), fmt::arg("name", one_line(job.name)),
                     fmt::arg("command", one_line(job.command)), fmt::arg("parts", job.parts),
                     fmt::arg("directory", shell_word(job.directory.string())),
                     fmt::arg("folder", shell_word(job.folder.string())), fmt::arg("run", shell_text(run)),
                     fmt::arg("input_output", static_cast<int>(kInputOutput)),
                     fmt::arg("stopped", static_cast<int>(kStopped)));
}

std::filesystem::path job_script_path(const SlurmJob& job) { return job.directory / "job.sh"; }

std::vector<std::string> array_command(const SlurmJob& job) {
  Words words = {"sbatch",
                 "--parsable",
                 "--array=" + ranges(job.elements),
                 "--job-name=heed-" + job.name,
                 "--nodes=1",
                 fmt::format("--ntasks={}", job.ranks)};
  if (job.at_once > 0) words[2] += fmt::format("%{}", job.at_once);
  // An element that is queued again appends to the same log.
  words.insert(words.end(), {"--requeue", "--open-mode=append",
                             "--output=" + pattern(job.directory / "logs") + "/slurm-%A_%a.log"});
  if (!given(job.options, "--signal")) words.emplace_back(kWarning);
  words.insert(words.end(), job.options.begin(), job.options.end());
  words.push_back(job_script_path(job).string());
  return words;
}

std::vector<std::string> merge_command(const SlurmJob& job, const std::string& array_id) {
  Words words = {"sbatch", "--parsable", "--job-name=heed-merge-" + job.name};
  words.insert(words.end(), job.options.begin(), job.options.end());
  // After the user's options, which are meant for the array, so that these win.
  words.insert(words.end(),
               {"--nodes=1", "--ntasks=1", "--cpus-per-task=1", "--dependency=afterany:" + array_id,
                "--output=" + pattern(job.directory / "logs") + "/slurm-%j-merge.log",
                fmt::format("--wrap={0} merge {1} --plan {2} && {0} compare {1} && {0} report {1}",
                            shell_text(job.program), shell_word(job.directory.string()), job.plan)});
  return words;
}

std::string ranges(const std::vector<std::size_t>& ascending) {
  std::string text;
  for (std::size_t i = 0; i < ascending.size();) {
    std::size_t end = i;
    while (end + 1 < ascending.size() && ascending[end + 1] == ascending[end] + 1) ++end;
    text += fmt::format("{}{}", text.empty() ? "" : ",", ascending[i]);
    if (end > i) text += fmt::format("-{}", ascending[end]);
    i = end + 1;
  }
  return text;
}

std::string shell_text(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    if (!text.empty()) text += ' ';
    text += shell_word(word);
  }
  return text;
}

std::size_t max_array_size(const std::string& config) {
  std::istringstream lines(config);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream in(line);
    std::string name, equals;
    std::size_t value = 0;
    if (in >> name >> equals >> value && name == "MaxArraySize" && value > 0) return value;
  }
  return kMaxArraySize;
}

std::string output_of(const std::vector<std::string>& words) {
  Words copy = words;
  std::vector<char*> argv;
  for (std::string& w : copy) argv.push_back(w.data());
  argv.push_back(nullptr);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) fail_to("pipe", "open");
  const Descriptor from(ends[0]);
  Descriptor to(ends[1]);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, to.get(), STDOUT_FILENO);
  pid_t pid = 0;
  // No shell, so that the arguments need no quoting.
  errno = posix_spawnp(&pid, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (errno != 0) fail_to(words[0], "be started");
  to = Descriptor();
  std::string text;
  char bytes[4096];
  for (ssize_t n; (n = read(from.get(), bytes, sizeof bytes)) > 0;)
    text.append(bytes, static_cast<std::size_t>(n));
  int status = 0;
  waitpid(pid, &status, 0);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    throw results::IoError(words[0], "failed; its message is above.");
  return text;
}

}  // namespace heed
