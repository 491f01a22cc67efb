// Sweeps that are run again with more training steps: what continues the shorter trials, and what does not.
#include <cmath>
#include <csignal>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "results/atomic_file.h"
#include "results/comparison.h"
#include "tests/catch.h"
#include "tests/experiments/cli/program.h"
#include "tests/experiments/cli/smoke.h"
#include "tests/results/temp_folder.h"

using namespace heed::test;

namespace {

namespace fs = std::filesystem;

const Words kSweep = {"train.schedule=constant", "save=[weights]", "train.dropout=0.1", "train.warmup=4",
                      "task.train_sequences=100"};

// Runs the smoke sweep into r, with checkpoints for longer trials.
Ended keep(const TempFolder& folder, const Words& words) {
  return run_smoke(folder, "r", with(words, {"--keep-checkpoints"}));
}

Words shorter(const Words& more = {}) { return with(with(kSweep, {"train.steps=20"}), more); }
Words longer(const Words& more = {}) { return with(with(kSweep, {"train.steps=60"}), more); }

// Returns the first generation of each checkpoint.
std::vector<fs::path> kept(const TempFolder& folder) {
  std::vector<fs::path> files;
  for (const auto& e : fs::directory_iterator(folder / "r/checkpoints"))
    if (e.path().extension() == ".0") files.push_back(e.path());
  return files;
}

// Is the sweep in r the same as if it had been run without the shorter one?
void check_uninterrupted(const TempFolder& folder, const Words& words) {
  REQUIRE(run_smoke(folder, "whole", words).code == 0);
  CHECK(heed::results::compare_results(folder / "r/results.h5", folder / "whole/results.h5") == Words{});
  CHECK(heed::results::content_digest(folder / "r/results.h5") ==
        heed::results::content_digest(folder / "whole/results.h5"));
}

std::size_t count(const std::string& text, const std::string& what) {
  std::size_t n = 0;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++n;
  return n;
}

}  // namespace

TEST_CASE("lengthening: a trial continues a shorter one to the bits of an uninterrupted one") {
  const std::string optimizer = GENERATE("adamw", "muon", "lion");
  const TempFolder folder;
  const Words more = {"train.optimizer=" + optimizer};
  REQUIRE(keep(folder, shorter(more)).code == 0);
  CHECK(kept(folder).size() == 4);
  std::map<fs::path, std::vector<std::byte>> old;
  for (const fs::path& file : trials(folder / "r")) old[file] = heed::results::read_file(file);

  const Ended ended = run_smoke(folder, "r", longer(more));
  CHECK(ended.code == 0);
  CHECK(count(ended.err,
              "continues after 20 of 60 training steps, which the trial with train.steps=20 has done.") == 4);
  CHECK(trials(folder / "r").size() == 8);
  for (const auto& [file, bytes] : old) CHECK(heed::results::read_file(file) == bytes);
  CHECK(kept(folder).size() == 4);  // the longer ones were not asked to
  check_uninterrupted(folder, longer(more));
}

TEST_CASE("lengthening: a longer trial that is killed continues from its own checkpoint") {
  const TempFolder folder;
  const Words more = {"sweep.seeds=1", "variants=[softmax]", "train.checkpoint=1ms"};
  const Words words = with(with(kSweep, {"train.steps=1000"}), more);
  REQUIRE(keep(folder, shorter(more)).code == 0);
  const std::size_t before = kept(folder).size();
  {
    Program program(folder.path(), with({"run", smoke(), "-o", "r"}, words));
    REQUIRE(eventually([&] { return kept(folder).size() > before; }));
    const pid_t worker = worker_of(program);
    program.signal(SIGKILL);
    kill(worker, SIGKILL);
    program.wait();
  }
  REQUIRE(trials(folder / "r").size() == 1);
  const Ended ended = run_smoke(folder, "r", words);
  CHECK(ended.code == 0);
  CHECK_THAT(ended.err,
             ContainsSubstring("of 1000 training steps.") && !ContainsSubstring("which the trial"));
  check_uninterrupted(folder, words);
}

TEST_CASE("lengthening: with wsd a trial continues from the last step before the decay") {
  const TempFolder folder;
  const Words wsd = {"train.schedule=wsd"};
  REQUIRE(keep(folder, shorter(wsd)).code == 0);
  const Ended ended = run_smoke(folder, "r", longer(wsd));
  CHECK(ended.code == 0);
  // Steps 0 to 15 have the peak, and step 16, where the decay of the last four begins.
  CHECK(count(ended.err, "continues after 17 of 60 training steps") == 4);
  check_uninterrupted(folder, longer(wsd));
}

TEST_CASE("lengthening: a trial takes the latest state that it has in common with a shorter one") {
  const TempFolder folder;
  const Words one = {"sweep.seeds=1", "variants=[softmax]", "train.evaluate_every=5"};
  const auto steps = [&](const char* n) {
    return with(with(kSweep, one), {std::string("train.steps=") + n});
  };
  REQUIRE(keep(folder, steps("20")).code == 0);
  REQUIRE(keep(folder, steps("30")).code == 0);
  CHECK_THAT(run_smoke(folder, "r", steps("60")).err, ContainsSubstring("continues after 30 of 60"));
  CHECK_THAT(run_smoke(folder, "r", steps("25")).err, ContainsSubstring("continues after 20 of 25"));
  // Another rate is another training.
  CHECK_THAT(run_smoke(folder, "r", with(steps("70"), {"train.lr=0.02"})).err,
             !ContainsSubstring("continues after"));
  check_uninterrupted(folder, with(steps("70"), {"train.lr=0.02"}));
}

TEST_CASE("lengthening: validations that the shorter trial lacks are a reason to begin at step 0") {
  const TempFolder folder;
  const Words one = {"sweep.seeds=1", "variants=[softmax]"};
  REQUIRE(keep(folder, shorter(with(one, {"train.evaluate_every=3"}))).code == 0);
  const Words words = longer(with(one, {"train.evaluate_every=4"}));
  const Ended ended = run_smoke(folder, "r", words);
  CHECK_THAT(ended.err,
             ContainsSubstring("The trial with train.steps=20 is not continued, because it was not validated "
                               "every 4 steps. Give train.evaluate_every one value for both.") &&
                 !ContainsSubstring("continues after"));
  check_uninterrupted(folder, words);
}

TEST_CASE("lengthening: a damaged state is named, and the trial begins at step 0") {
  const TempFolder folder;
  const Words one = {"sweep.seeds=1", "variants=[softmax]"};
  REQUIRE(keep(folder, shorter(one)).code == 0);
  REQUIRE(kept(folder).size() == 1);
  const fs::path state = kept(folder)[0];
  std::string bytes = read_file(state);
  bytes[bytes.size() / 2] ^= 1;
  write_file(state, bytes);
  const Ended ended = run_smoke(folder, "r", longer(one));
  CHECK(ended.code == 0);
  CHECK_THAT(ended.err, ContainsSubstring("The checkpoint " + state.filename().string() +
                                          " is not used: it is damaged."));
  check_uninterrupted(folder, longer(one));
}

TEST_CASE("lengthening: without a kept state, and under a rule, trials begin at step 0") {
  const TempFolder folder;
  const Words rates = {"sweep.parameters={train.lr: [0.01, 0.003]}", "compare.select=train.lr",
                       "train.evaluate_every=5"};
  SECTION("nothing kept") {
    REQUIRE(run_smoke(folder, "r", shorter(rates)).code == 0);
    CHECK(kept(folder).empty());
    CHECK_THAT(run_smoke(folder, "r", longer(rates)).err, !ContainsSubstring("continues after"));
  }
  SECTION("a rule") {
    REQUIRE(keep(folder, shorter(rates)).code == 0);
    CHECK_FALSE(kept(folder).empty());
    const Words rule = with(rates, {"sweep.stop={rule: halving, factor: 2, after: 10, wait: false}"});
    const Ended ended = run_smoke(folder, "r", longer(rule));
    CHECK(ended.code == 0);
    CHECK_THAT(ended.err, !ContainsSubstring("continues after 20"));
  }
}

TEST_CASE("lengthening: heed plan says how many steps are done") {
  const TempFolder folder;
  REQUIRE(keep(folder, shorter()).code == 0);
  const auto plan = [&](const Words& words, const std::string& directory) {
    return heed::test::heed(folder.path(), with({"plan", smoke(), "-o", directory}, words)).out;
  };
  const auto total = [](const std::string& text) {  // "In total 12.3 MFLOP for training, ..."
    const std::size_t at = text.find("In total ");
    REQUIRE(at != std::string::npos);
    return std::pair(std::stod(text.substr(at + 9)), text.substr(text.find(' ', at + 9), 6));
  };
  const std::string continued = plan(longer(), "r"), fresh = plan(longer(), "elsewhere");
  CHECK_THAT(continued, ContainsSubstring("4 trials continue shorter ones in r, which have done 80 of 240 "
                                          "training steps; training and time are\nthose of the rest."));
  REQUIRE(total(continued).second == total(fresh).second);
  CHECK(std::abs(total(continued).first / total(fresh).first - 2.0 / 3) < 0.01);
  CHECK_THAT(plan(shorter(), "r"), !ContainsSubstring("continue shorter"));
}

TEST_CASE("lengthening: --keep-checkpoints is refused if no longer trial could continue") {
  const TempFolder folder;
  for (const char* schedule : {"cosine", "linear"}) {
    const Ended refused = keep(folder, {std::string("train.schedule=") + schedule, "train.warmup=4"});
    CHECK(refused.code == 64);
    CHECK_THAT(refused.err, ContainsSubstring("--keep-checkpoints has no effect: the learning rates of the "
                                              "schedule '" +
                                              std::string(schedule) + "' depend on train.steps"));
  }
  write_file(folder / "text.txt", std::string(2000, 'a') + std::string(2000, 'b'));
  const auto read_in = [&](const std::string& order) {
    return keep(folder, {"train.schedule=constant", "sweep.seeds=1", "variants=[softmax]",
                         "task={name: text, path: text.txt, length: 8, order: " + order + "}"});
  };
  CHECK(read_in("random").code == 0);
  const Ended annealed = read_in("annealed");
  CHECK(annealed.code == 64);
  CHECK_THAT(annealed.err, ContainsSubstring("the orders in which 'text' is read depend on train.steps"));
}

TEST_CASE("lengthening: of a sweep over schedules only some trials keep a checkpoint") {
  const TempFolder folder;
  const Words words = {"sweep.parameters={train.schedule: [cosine, constant]}", "sweep.seeds=1",
                       "variants=[softmax]"};
  REQUIRE(keep(folder, with(words, {"train.steps=20"})).code == 0);
  CHECK(kept(folder).size() == 1);
  const Ended ended = run_smoke(folder, "r", with(words, {"train.steps=40"}));
  CHECK(count(ended.err, "continues after 20 of 40") == 1);
  check_uninterrupted(folder, with(words, {"train.steps=40"}));
}
