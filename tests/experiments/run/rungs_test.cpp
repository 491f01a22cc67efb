// The files by which competing trials see each other.
#include "experiments/run/rungs.h"

#include <filesystem>
#include <string>

#include "results/errors.h"
#include "tests/catch.h"
#include "tests/results/temp_folder.h"

using namespace heed::test;

namespace {

using heed::Contest;
using heed::Decision;
using heed::judge;
using heed::Rung;
using heed::RungResult;

Contest contest(const TempFolder& folder, const std::string& rule = "halving") {
  return {{.rule = rule, .factor = 2, .after = 10}, folder / "rungs/c", {}};
}

RungResult loss(double value) { return {value, value, value, false}; }

std::filesystem::path file(const TempFolder& folder, const std::string& id) {
  return folder / ("rungs/c/" + id + ".tsv");
}

}  // namespace

TEST_CASE("rungs: a trial sees the trials that reached the rung before it") {
  const TempFolder folder;
  CHECK_FALSE(judge(contest(folder), "a", 10, loss(3)).stop);
  CHECK(judge(contest(folder), "b", 10, loss(4)).stop);
  CHECK_FALSE(judge(contest(folder), "c", 10, loss(0.1)).stop);
  CHECK_FALSE(judge(contest(folder), "a", 20, loss(2)).stop);
  const std::vector<Rung> b = heed::read_rungs(file(folder, "b")), a = heed::read_rungs(file(folder, "a"));
  REQUIRE(b.size() == 1);
  CHECK(b[0].seen == std::vector<std::string>{"a"});
  CHECK(b[0].result.value == 4);
  CHECK(b[0].decision->reason == "halving: final_validation_loss 4 is number 2 of 2; the best 1 go on");
  REQUIRE(a.size() == 2);
  CHECK(a[0].seen.empty());
  CHECK(a[1].step == 20);
}

TEST_CASE("rungs: a decision stays when its trial comes again, unless the rule is another") {
  const TempFolder folder;
  CHECK_FALSE(judge(contest(folder), "a", 10, loss(3)).stop);
  judge(contest(folder), "b", 10, loss(1));
  CHECK_FALSE(judge(contest(folder), "a", 10, loss(3)).stop);  // b was not there
  CHECK(heed::read_rungs(file(folder, "a"))[0].seen.empty());
  Contest other = contest(folder);
  other.rule.factor = 2.5;
  judge(contest(folder), "c", 10, loss(2));
  CHECK(judge(other, "a", 10, loss(3)).stop);
}

TEST_CASE("rungs: a trial that is judged again at an earlier step keeps its later results") {
  const TempFolder folder;
  Contest other = contest(folder);
  other.rule.factor = 2.5;
  judge(contest(folder), "a", 10, loss(3));
  judge(contest(folder), "a", 20, loss(2));
  CHECK(judge(contest(folder), "b", 20, loss(9)).stop);
  judge(other, "a", 10, loss(3));
  const std::vector<Rung> a = heed::read_rungs(file(folder, "a"));
  REQUIRE(a.size() == 2);
  CHECK(a[0].step == 10);
  CHECK(a[0].rule == heed::rule_text(other.rule));
  CHECK(a[1].step == 20);
  CHECK(a[1].result.value == 2);  // the decision about b names it
}

TEST_CASE("rungs: results of another metric are not compared") {
  const TempFolder folder;
  Contest accuracy = contest(folder);
  accuracy.rule.metric = "final_validation_accuracy";
  judge(accuracy, "a", 10, loss(0.1));
  CHECK_FALSE(judge(contest(folder), "b", 10, loss(4)).stop);
  CHECK(heed::read_rungs(file(folder, "b"))[0].seen.empty());
}

TEST_CASE("rungs: numbers are read back to the bit, and a damaged file is none") {
  const TempFolder folder;
  const double third = 1.0 / 3;
  judge(contest(folder), "a", 10, {third, 1e-300, -third, true});
  const RungResult read = heed::read_rungs(file(folder, "a")).at(0).result;
  CHECK(read.value == third);
  CHECK(read.best == 1e-300);
  CHECK(read.average == -third);
  CHECK(read.on_plateau);
  std::filesystem::resize_file(file(folder, "a"), 20);
  CHECK(heed::read_rungs(file(folder, "a")).empty());
  CHECK_FALSE(judge(contest(folder), "b", 10, loss(9)).stop);  // it sees nobody
  CHECK_FALSE(judge(contest(folder), "a", 10, loss(1)).stop);  // and writes it again
  CHECK(heed::read_rungs(file(folder, "a")).size() == 1);
}

TEST_CASE("rungs: a path that cannot be looked at is an error of input and output") {
  const TempFolder folder;
  std::filesystem::create_symlink(folder / "loop", folder / "loop");
  Contest follower = contest(folder);
  follower.leader = folder / "loop/leader.h5";
  CHECK_THROWS_AS(heed::why_not_started(follower), heed::results::IoError);
  CHECK_THROWS_AS(heed::read_rungs(folder / "loop/a.tsv"), heed::results::IoError);
}
