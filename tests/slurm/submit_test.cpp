// What heed submit would hand to Slurm, without a Slurm.
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "experiments/run/slurm.h"
#include "results/comparison.h"
#include "tests/catch.h"
#include "tests/experiments/cli/program.h"
#include "tests/paths.h"
#include "tests/results/temp_folder.h"

namespace {

using heed::test::Ended;
using heed::test::TempFolder;
using Words = std::vector<std::string>;

// Four trials, on a machine without Slurm.
Ended submit(const TempFolder& folder, const Words& more) {
  setenv("PATH", folder.path().c_str(), 1);
  Words words = {"submit", (heed::test::source_dir() / "configs/smoke.yaml").string()};
  words.insert(words.end(), more.begin(), more.end());
  return heed::test::heed(folder.path(), words);
}

}  // namespace

TEST_CASE("submit: an array is as long as the plan, and what is behind -- goes to sbatch") {
  const TempFolder folder;
  const Ended ended =
      submit(folder, {"--print", "train.lr=[0.01, 0.001]", "--", "-p", "debug", "-t", "2:00:00"});
  CHECK(ended.code == 0);
  CHECK_FALSE(std::filesystem::exists(folder / "runs"));
  CHECK_THAT(ended.out, ContainsSubstring("sbatch --parsable --array=0-7 ") &&
                            ContainsSubstring(" --signal=B:USR1@60 -p debug -t 2:00:00 ") &&
                            ContainsSubstring("--dependency=afterany:ARRAY_ID") &&
                            ContainsSubstring("--part \"$SLURM_ARRAY_TASK_ID/8\""));
}

TEST_CASE("submit: elements have several trials, some at once, and the user's --signal is kept") {
  const TempFolder folder;
  const Ended ended =
      submit(folder, {"--print", "--tasks", "3", "--at-once", "2", "--", "--signal=B:USR1@300"});
  CHECK_THAT(ended.out, ContainsSubstring("--array=0-2%2 ") && ContainsSubstring("--signal=B:USR1@300") &&
                            !ContainsSubstring("USR1@60"));
}

TEST_CASE("submit: a growing sweep submits only the elements with something to run") {
  const TempFolder folder;
  const std::string smoke = (heed::test::source_dir() / "configs/smoke.yaml").string();
  REQUIRE(heed::test::heed(folder.path(), {"run", smoke, "-o", "r", "variants=[softmax]"}).code == 0);
  CHECK_THAT(submit(folder, {"-o", "r", "--print"}).out, ContainsSubstring("--array=1,3 "));
  const Ended nothing = submit(folder, {"-o", "r", "--print", "variants=[softmax]"});
  CHECK(nothing.code == 0);
  CHECK_THAT(nothing.err, ContainsSubstring("Nothing to submit: 2 trials, all with results."));
}

TEST_CASE("submit: the parts of a plan run apart, and merged they are the sweep") {
  const TempFolder folder;
  const std::string smoke = (heed::test::source_dir() / "configs/smoke.yaml").string();
  for (const char* part : {"2/3", "0/3", "1/3"}) {
    const Ended ended = heed::test::heed(folder.path(), {"run", smoke, "-o", "r", "--part", part});
    CHECK(ended.code == 0);
    CHECK(ended.out.empty());
    CHECK_FALSE(std::filesystem::exists(folder / "r/results.h5"));
  }
  CHECK(heed::test::heed(folder.path(), {"merge", "r"}).code == 0);
  CHECK(heed::test::heed(folder.path(), {"run", smoke, "-o", "whole"}).code == 0);
  CHECK(heed::results::compare_results(folder / "r/results.h5", folder / "whole/results.h5") == Words{});
  for (const char* part : {"3/3", "-1/3", "1", "1/0", "1/3x", "one/3"}) {
    INFO(part);
    const Ended wrong = heed::test::heed(folder.path(), {"run", smoke, "--part", part});
    CHECK(wrong.code == 2);
    CHECK_THAT(wrong.err, ContainsSubstring("must be K/N with K from 0 to N-1"));
  }
}

TEST_CASE("submit: reports what cannot be submitted") {
  const TempFolder folder;
  const Ended without = submit(folder, {"--", "-p", "debug"});
  CHECK(without.code == 74);
  CHECK_THAT(without.err, ContainsSubstring("sbatch: not found: this machine has no Slurm."));
  CHECK_FALSE(std::filesystem::exists(folder / "runs"));
  for (const char* word : {"--array=0-3", "-a", "-a0-3", "--wait", "-W", "--wrap=ls"}) {
    INFO(word);
    const Ended ours = submit(folder, {"--print", "--", word});
    CHECK(ours.code == 2);
    CHECK_THAT(ours.err, ContainsSubstring("cannot be passed on"));
  }
  CHECK_THAT(
      submit(folder, {"--print", "--tasks", "1002"}).err,
      ContainsSubstring("--tasks is 1002 but this Slurm takes arrays of at most 1001 (MaxArraySize)."));
  CHECK(submit(folder, {"--print", "train.stesp=3"}).code == 64);
}

TEST_CASE("submit: --print works if Slurm does not answer") {
  const TempFolder folder;
  for (const char* name : {"scontrol", "sbatch"}) {
    heed::test::write_file(folder / name,
                           "#!/bin/sh\necho 'Unable to contact slurm controller' >&2\nexit 1\n");
    std::filesystem::permissions(folder / name, std::filesystem::perms::owner_all);
  }
  const Ended shown = submit(folder, {"--print"});
  CHECK(shown.code == 0);
  CHECK_THAT(shown.out, ContainsSubstring("sbatch --parsable --array=0-3 "));
  CHECK_THAT(shown.err, ContainsSubstring("Slurm does not answer: MaxArraySize is assumed to be 1001."));
  CHECK(submit(folder, {}).code == 74);
}

TEST_CASE("submit: paths with spaces, quotes and percent signs reach the shell and Slurm whole") {
  const heed::SlurmJob job = {
      "it's", "heed submit\nx", {"/bin/he ed"}, "/a b", "/r/10%'s", "", {}, 4, {0, 1, 3}, 0, {}};
  const std::string script = heed::job_script(job);
  CHECK_THAT(script, ContainsSubstring("cd '/a b' ||") &&
                         ContainsSubstring("'/bin/he ed' run '/r/10%'\\''s/sweep.yaml'") &&
                         ContainsSubstring("heed submit x"));
  CHECK_THAT(heed::shell_text(heed::array_command(job)),
             ContainsSubstring("--array=0-1,3 ") && ContainsSubstring("10%%'\\''s/logs/slurm-%A_%a.log"));
}

TEST_CASE("submit: an element has a task for each rank of a trial, and counts the processors of all nodes") {
  heed::SlurmJob job = {"s", "heed submit", {"/heed"}, "/", "/r", "", {}, 1, {0}, 0, {"-N", "2"}};
  CHECK_THAT(heed::shell_text(heed::array_command(job)), ContainsSubstring(" --nodes=1 --ntasks=1 "));
  CHECK_THAT(heed::job_script(job), ContainsSubstring(" -j \"${SLURM_CPUS_ON_NODE:-1}\" "));
  job.ranks = 2;
  CHECK_THAT(heed::shell_text(heed::array_command(job)),
             ContainsSubstring(" --nodes=1 --ntasks=2 ") && ContainsSubstring(" -N 2 "));
  CHECK_THAT(heed::job_script(job),
             ContainsSubstring(" -j \"$((${SLURM_CPUS_ON_NODE:-1} * ${SLURM_JOB_NUM_NODES:-1}))\" "));
}

TEST_CASE("submit: ranges and the array size are written and read as Slurm does") {
  CHECK(heed::ranges({}) == "");
  CHECK(heed::ranges({5}) == "5");
  CHECK(heed::ranges({0, 1, 2, 5, 7, 8}) == "0-2,5,7-8");
  CHECK(heed::max_array_size("MaxArrayTaskX = 7\nMaxArraySize            = 4001\n") == 4001);
  CHECK(heed::max_array_size("") == heed::kMaxArraySize);
}
