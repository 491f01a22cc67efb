// Sweeps with a rule: what it stops, what is recorded, and how stopped trials continue.
#include <algorithm>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "experiments/run/rungs.h"
#include "results/comparison.h"
#include "results/table.h"
#include "results/trial_file.h"
#include "tests/catch.h"
#include "tests/experiments/cli/program.h"
#include "tests/experiments/cli/smoke.h"
#include "tests/results/temp_folder.h"

using namespace heed::test;

namespace {

namespace fs = std::filesystem;
using heed::results::Status;

constexpr const char* kRates = "sweep.parameters={train.lr: [0.01, 0.003, 0.0001, 0.00001]}";
constexpr const char* kRule = "sweep.stop={rule: halving, factor: 2, after: 4, wait: false}";
const Words kSweep = {kRates, "compare.select=train.lr", "train.evaluate_every=2", "sweep.seeds=2"};

Words with_rule(const Words& more = {}) { return with(with(kSweep, {kRule}), more); }

std::map<std::string, Status> outcomes(const fs::path& directory) {
  std::map<std::string, Status> out;
  for (const fs::path& file : trials(directory))
    out[file.stem().string()] = heed::results::read_outcome(file).status;
  return out;
}

std::size_t count(const std::map<std::string, Status>& all, Status status) {
  return static_cast<std::size_t>(std::ranges::count(all, status, [](const auto& t) { return t.second; }));
}

std::vector<fs::path> rung_files(const fs::path& directory) {
  std::vector<fs::path> files;
  for (const auto& e : fs::recursive_directory_iterator(directory / "rungs"))
    if (e.path().extension() == ".tsv") files.push_back(e.path());
  return files;
}

}  // namespace

TEST_CASE("heed run: a rule stops trials, also their other seeds, and says so") {
  const TempFolder folder;
  const Ended ended = run_smoke(folder, "r", with_rule({"-j", "1"}));
  CHECK(ended.code == 0);
  const auto outcome = outcomes(folder / "r");
  CHECK(outcome.size() == 16);
  const std::size_t stopped = count(outcome, Status::stopped);
  CHECK(stopped >= 4);
  CHECK(count(outcome, Status::done) == 16 - stopped);
  CHECK_THAT(ended.err, ContainsSubstring(std::to_string(stopped) + " trials were stopped by sweep.stop"));
  CHECK_THAT(ended.out, ContainsSubstring(std::to_string(stopped) + " of 16 trials were stopped early"));
  const Ended status = heed::test::heed(folder.path(), {"status", "r"});
  CHECK(status.code == 0);
  CHECK_THAT(status.out, ContainsSubstring(std::to_string(stopped) + " stopped") &&
                             ContainsSubstring("halving: final_validation_loss") &&
                             ContainsSubstring("this setting was stopped with the first seed"));
  // The same command again trains nothing.
  const Ended again = run_smoke(folder, "r", with_rule({"-j", "1"}));
  CHECK_THAT(again.err, ContainsSubstring("Nothing to run: 16 trials"));
}

TEST_CASE("heed run: a setting is stopped with all seeds, or with none") {
  const TempFolder folder;
  REQUIRE(run_smoke(folder, "r", with_rule({"-j", "2"})).code == 0);
  const auto results = heed::results::read_results(folder / "r/results.h5");
  const auto variant = results.texts("variant"), status = results.texts("status");
  const auto rate = results.numbers("lr"), seed = results.numbers("seed");
  for (std::size_t i = 0; i < status.size(); ++i)
    for (std::size_t k = 0; k < status.size(); ++k)
      // The first seed decides. Another seed may have ended before that.
      if (variant[i] == variant[k] && rate[i] == rate[k] && seed[i] == 0 && status[i] == "done")
        CHECK(status[k] == "done");
}

TEST_CASE("heed run --complete: stopped trials end with the bits of a sweep without a rule") {
  const TempFolder folder;
  REQUIRE(run_smoke(folder, "plain", with(kSweep, {"-j", "2"})).code == 0);
  REQUIRE(run_smoke(folder, "r", with_rule({"-j", "2"})).code == 0);
  REQUIRE(count(outcomes(folder / "r"), Status::stopped) > 0);
  const Ended ended = run_smoke(folder, "r", with_rule({"-j", "2", "--complete"}));
  CHECK(ended.code == 0);
  CHECK_THAT(ended.err, ContainsSubstring("continues after"));
  CHECK(count(outcomes(folder / "r"), Status::done) == 16);
  CHECK(heed::results::content_digest(folder / "r/results.h5") ==
        heed::results::content_digest(folder / "plain/results.h5"));
}

TEST_CASE("heed run: the decisions of a rule follow again from what is recorded") {
  const TempFolder folder;
  REQUIRE(run_smoke(folder, "r", with_rule({"-j", "2"})).code == 0);
  std::size_t decisions = 0, stops = 0;
  for (const fs::path& file : rung_files(folder / "r"))
    for (const heed::Rung& rung : heed::read_rungs(file)) {
      REQUIRE(rung.decision);
      std::vector<heed::RungResult> others;
      for (const std::string& id : rung.seen)
        for (const heed::Rung& other : heed::read_rungs(file.parent_path() / (id + ".tsv")))
          if (other.step == rung.step) others.push_back(other.result);
      CHECK(others.size() == rung.seen.size());
      const heed::StopRule rule{.rule = "halving", .factor = 2, .after = 4, .wait = false};
      CHECK(heed::rule_text(rule) == rung.rule);
      const heed::Decision again = heed::decide(rule, rung.result, others);
      CHECK(again.stop == rung.decision->stop);
      CHECK(again.reason == rung.decision->reason);
      ++decisions, stops += again.stop;
    }
  CHECK(decisions >= 8);
  CHECK(stops >= 2);
}

TEST_CASE("heed replay: a rule is applied to a finished grid, and nothing is trained") {
  const TempFolder folder;
  REQUIRE(run_smoke(folder, "r", with(kSweep, {"-j", "2"})).code == 0);
  const std::string digest = heed::results::content_digest(folder / "r/results.h5");
  const auto replay = [&](const Words& more) {
    return heed::test::heed(folder.path(), with(with({"replay", smoke(), "-o", "r"}, kSweep), more));
  };
  const Ended halving = replay({kRule});
  CHECK(halving.code == 0);
  CHECK_THAT(halving.out, ContainsSubstring("10 orders of the settings") &&
                              ContainsSubstring("test_accuracy lost") && ContainsSubstring("softmax") &&
                              ContainsSubstring("linear") && !ContainsSubstring("100 %"));
  CHECK(replay({kRule}).out == halving.out);
  // A rule whose first rung is after the last step stops nothing.
  const Ended none = replay({"sweep.stop={rule: median, after: 20}", "--orders", "3"});
  CHECK_THAT(none.out,
             ContainsSubstring("3 of 3") && ContainsSubstring("In the mean 100 % of all training steps; "
                                                              "the best setting was chosen in 6 of 6"));
  CHECK(heed::results::content_digest(folder / "r/results.h5") == digest);
  CHECK_FALSE(fs::exists(folder / "r/rungs"));
}

TEST_CASE("heed replay: a missing rule and incomplete trials are refused") {
  const TempFolder folder;
  REQUIRE(run_smoke(folder, "r", with(kSweep, {"sweep.seeds=1"})).code == 0);
  const auto replay = [&](const Words& more) {
    return heed::test::heed(
        folder.path(), with(with({"replay", smoke(), "-o", "r"}, kSweep), with({"sweep.seeds=1"}, more)));
  };
  const Ended missing = replay({});
  CHECK(missing.code == 2);
  CHECK_THAT(missing.err, ContainsSubstring("sweep.stop is missing: the rule to replay, as in"));
  const Ended wrong = replay({"sweep.stop={rule: halving, afetr: 4}"});
  CHECK(wrong.code == 64);
  CHECK_THAT(wrong.err, ContainsSubstring("sweep.stop.afetr") && ContainsSubstring("Did you mean 'after'?"));
  fs::remove(trials(folder / "r")[0]);
  const Ended incomplete = replay({kRule});
  CHECK(incomplete.code == 64);
  CHECK_THAT(incomplete.err, ContainsSubstring("r: 7 of 8 trials are done"));
}
