// A sweep with a budget, from the plan to the table.
#include <cmath>
#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "results/table.h"
#include "results/trial_file.h"
#include "tests/catch.h"
#include "tests/experiments/cli/program.h"
#include "tests/experiments/cli/smoke.h"
#include "tests/paths.h"
#include "tests/results/temp_folder.h"

namespace {

namespace fs = std::filesystem;
using heed::test::Ended;
using heed::test::TempFolder;
using heed::test::with;
using heed::test::Words;

const Words kMatched = {"variants=[softmax, differential, tokenformer]", "compare.match.budget=parameters",
                        "sweep.seeds=2", "train.steps=3"};

Ended matched(const TempFolder& folder, const std::string& verb, const Words& more = {}) {
  return heed::test::heed(folder.path(), with(with({verb, heed::test::smoke()}, kMatched), more));
}

// A sweep beside a variant that does this in its third step, matched by time.
Words misbehaving(const std::string& fault) {
  return {"-o",
          "r",
          "--plugin",
          (heed::test::build_dir() / "plugins/misbehaving.so").string(),
          "variants=[softmax, {misbehaving: {fault: " + fault + "}}]",
          "compare.match.budget=step_time"};
}

}  // namespace

TEST_CASE("heed match: the plan shows what was adjusted, and starts nothing") {
  const TempFolder folder;
  const Ended plan = matched(folder, "plan");
  CHECK(plan.code == 0);
  CHECK_THAT(plan.out, ContainsSubstring("Matched to softmax by parameters, within 2 %:\n"
                                         "variant       adjusted  ") &&
                           ContainsSubstring("to  parameters  target  mismatch\nsoftmax       -  ") &&
                           ContainsSubstring("differential  model.feed_forward.mlp.width  ") &&
                           ContainsSubstring("tokenformer   variants.tokenformer.feed_forward_tokens  "));
  CHECK_FALSE(fs::exists(folder / "runs"));
}

TEST_CASE("heed match: results and tables have the budget, and trial files do not") {
  const TempFolder folder;
  const Ended run = matched(folder, "run", {"-o", "r"});
  CHECK(run.code == 0);
  CHECK_THAT(run.out, ContainsSubstring("parameters  mismatch\n"));

  const heed::results::Results results = heed::results::read_results(folder / "r/results.h5");
  const std::vector<double> parameters = results.numbers("parameters"),
                            target = results.numbers("parameters_target"),
                            mismatch = results.numbers("parameters_mismatch");
  REQUIRE(parameters.size() == 6);
  for (std::size_t i = 0; i < 6; ++i) {
    CHECK(target[i] == parameters[0]);
    CHECK(mismatch[i] == Approx(parameters[i] / target[i] - 1).margin(1e-15));
    CHECK(std::abs(mismatch[i]) <= 0.02);
    const fs::path own = folder / ("r/trials/" + results.texts("id")[i] + ".h5");
    for (const heed::results::Metric& m : heed::results::read_trial_summary(own).metrics)
      CHECK(m.name.find("_mismatch") == std::string::npos);
  }

  SECTION("heed compare has them, in every form, also of a single results.h5") {
    fs::copy_file(folder / "r/results.h5", folder / "single.h5");
    for (const char* where : {"r", "single.h5"}) {
      const auto compare = [&](const Words& more) {
        Words words = {"compare", where};
        words.insert(words.end(), more.begin(), more.end());
        return heed::test::heed(folder.path(), words).out;
      };
      CHECK_THAT(compare({}), ContainsSubstring("parameters  mismatch\n"));
      CHECK_THAT(compare({"--csv"}), ContainsSubstring(",budget,spent,mismatch\n"));
      const auto json = nlohmann::json::parse(compare({"--json"}));
      CHECK(json["budget"] == "parameters");
      CHECK(json["rows"][2]["spent"] == parameters[2]);
      CHECK(json["rows"][2]["mismatch"] == mismatch[2]);
    }
  }
  SECTION("the same trials without a budget, and a merge afterwards, have none") {
    Words words = {"run",           heed::test::smoke(), "-o", "r", "variants=[softmax]",
                   "train.steps=3", "sweep.seeds=2"};
    const Ended again = heed::test::heed(folder.path(), words);
    CHECK_THAT(again.err, ContainsSubstring("Nothing to run: 2 trials"));
    CHECK_THAT(again.out, !ContainsSubstring("mismatch"));
    CHECK(heed::test::heed(folder.path(), {"merge", "r"}).code == 0);
    CHECK(heed::results::read_results(folder / "r/results.h5").find("parameters_target") == nullptr);
  }
  SECTION("heed merge finds the budget in the plan") {
    fs::remove(folder / "r/results.h5");
    CHECK(heed::test::heed(folder.path(), {"merge", "r"}).code == 0);
    CHECK(heed::results::read_results(folder / "r/results.h5").numbers("parameters_mismatch") == mismatch);
  }
  SECTION("verify runs a matched trial to the same bits") {
    const Ended verify = heed::test::heed(folder.path(), {"verify", "r"});
    INFO(verify.out << verify.err);
    CHECK(verify.code == 0);
  }
}

TEST_CASE("heed match: what cannot be reached ends with exit code 64, at its place") {
  const TempFolder folder;
  const Ended plan = matched(folder, "plan", {"compare.match.tolerance=0"});
  CHECK(plan.code == 64);
  CHECK_THAT(plan.err, ContainsSubstring("command line: compare.match: differential cannot be given the ") &&
                           ContainsSubstring("tokenformer cannot be given the "));
  CHECK_FALSE(fs::exists(folder / "runs"));
}

TEST_CASE(
    "heed match: widths that follow from a budget at each length do not keep rows from being compared") {
  const TempFolder folder;
  const Ended run = matched(folder, "run",
                            {"-o", "r",
                             "sweep.together=[{task.length: 16, model.dim: 16}, {task.length: 24, model.dim: "
                             "32}]",
                             "sweep.seeds=5"});
  CHECK(run.code == 0);
  const std::string out = heed::test::heed(folder.path(), {"compare", "r", "--json"}).out;
  const auto json = nlohmann::json::parse(out);
  std::size_t compared = 0;
  for (const auto& row : json["rows"]) compared += row.contains("against_reference");
  CHECK(compared == 4);  // two variants at two lengths
  CHECK_THAT(out, !ContainsSubstring("has no row of the same setting"));
}

TEST_CASE("heed match: the plan keeps the step times that it measures, and the run takes them") {
  const TempFolder folder;
  const Words times = {"-o", "r", "variants=[softmax, {tokenformer: {feed_forward_tokens: 4000}}]",
                       "compare.match.budget=step_time", "compare.match.tolerance=0.8"};
  const Ended plan = matched(folder, "plan", times);
  CHECK(plan.code == 0);
  CHECK_THAT(plan.out,
             ContainsSubstring("by step_milliseconds, within 80 %") && ContainsSubstring("r/step_times.tsv"));
  CHECK_FALSE(fs::exists(folder / "r/plan.tsv"));
  const std::string kept = heed::test::read_file(folder / "r/step_times.tsv");
  CHECK(matched(folder, "run", times).code == 0);
  CHECK(matched(folder, "run", times).err.find("Nothing to run") != std::string::npos);
  CHECK(heed::test::read_file(folder / "r/step_times.tsv") == kept);
  CHECK(heed::results::read_results(folder / "r/results.h5").find("step_milliseconds_mismatch") != nullptr);
}

TEST_CASE("heed match: a variant that ends its timing process in any way is refused with the reason") {
  const TempFolder folder;  // of all: softmax is timed once
  const auto said = [&](const std::string& fault, const std::string& limit = "limits.time=10min") {
    Words words = misbehaving(fault);
    words.push_back(limit);
    const Ended run = matched(folder, "run", words);
    CHECK(run.code == 64);
    CHECK_FALSE(fs::exists(folder / "r/plan.tsv"));
    CHECK(fs::exists(folder / "r/step_times.tsv"));  // softmax was timed, and that is kept
    return run.err;
  };
  const std::string begin = "compare.match: steps cannot be timed: misbehaving beside softmax: ";
  CHECK_THAT(said("crashes"), ContainsSubstring(begin + "signal 11 (SIGSEGV)"));
  CHECK_THAT(said("throws"), ContainsSubstring(begin + "the variant does not like this batch"));
  CHECK_THAT(said("exits"), ContainsSubstring(begin + "it ended with exit code 0 before it had a result"));
  CHECK_THAT(said("kills_itself"),
             ContainsSubstring(begin + "signal 9 (SIGKILL): from outside, or the machine "
                                       "ran out of memory"));
  CHECK_THAT(said("loops", "limits.time=1s"),
             ContainsSubstring(begin + "it took longer than 1.0 s (limits.time)"));
#if !defined(HEED_SANITIZE_ADDRESS) && !defined(HEED_SANITIZE_THREAD)
  CHECK_THAT(said("eats_memory", "limits.memory=512MiB"),
             ContainsSubstring(begin + "out of memory (limits.memory)"));
#endif
}

TEST_CASE("heed match: a search that is stopped or killed takes along the process that times steps") {
  const TempFolder folder;
  Words words = {"plan", heed::test::smoke()};
  const Words more = misbehaving("loops");
  words.insert(words.end(), more.begin(), more.end());
  heed::test::Program plan(folder.path(), words);
  std::vector<pid_t> timing;  // of misbehaving: softmax was timed before
  REQUIRE(heed::test::eventually(
      [&] { return fs::exists(folder / "r/step_times.tsv") && !(timing = plan.children()).empty(); }, 300));
  SECTION("stopped") {
    plan.signal(SIGTERM);
    const Ended ended = plan.wait();
    CHECK(ended.code == 75);
    CHECK_THAT(ended.err, ContainsSubstring("Stopped. What was measured is kept; the same command again "
                                            "continues."));
    CHECK_FALSE(heed::test::alive(timing[0]));
  }
  SECTION("killed") {
    plan.signal(SIGKILL);
    CHECK(plan.wait().code == 128 + SIGKILL);
    CHECK(heed::test::eventually([&] { return !heed::test::alive(timing[0]); }));
  }
}
