#include "experiments/ranks/rank_output.h"

#include "tests/catch.h"

namespace heed {
namespace {

std::string line(const std::string& mark, int rank, const std::string& text) {
  return to_line(mark, {rank, 7, 1.5, text});
}

RankEnd end_of(const std::string& printed) {
  RankOutput output(new_mark());
  output.take(printed);
  return output.first_end().value_or(RankEnd{-1, 0, 0});
}

}  // namespace

TEST_CASE("rank output: reports are taken out, wherever they begin, and the rest stays") {
  const std::string mark = new_mark();
  RankOutput output(mark);
  const std::string printed =
      "hello\n" + line(mark, 0, "step 7 20") + "half a li" + line(mark, 1, "note a\nb") + "ne\n" + "end";
  std::string others;
  for (const char c : printed) others += output.take(std::string(1, c));  // in pieces of any size
  CHECK(others == "hello\nhalf a line\n");
  CHECK(output.rest() == "end");
  const std::vector<RankReport> reports = output.reports();
  REQUIRE(reports.size() == 2);
  CHECK(reports[0].rank == 0);
  CHECK(reports[0].steps == 7);
  CHECK(reports[0].earlier_seconds == 1.5);
  CHECK(reports[0].text == "step 7 20");
  CHECK(reports[1].rank == 1);
  CHECK(reports[1].text == "note a b");
  CHECK(output.reports().empty());
}

TEST_CASE("rank output: a report with another rank's text in it, or another mark, is no report") {
  const std::string mark = new_mark();
  RankOutput output(mark);
  std::string broken = line(mark, 0, "ended done");
  broken.insert(broken.size() - 3, "other text");
  CHECK(output.take(broken) == broken);
  const std::string foreign = line(new_mark(), 0, "ended done");
  CHECK(output.take(foreign) == foreign);
  CHECK(output.reports().empty());
  const std::string endless(100000, 'x');
  CHECK(output.take(endless) == endless);
}

TEST_CASE("rank output: the first rank that ended, in the words of mpirun and srun") {
  const RankEnd killed = end_of(
      "mpirun noticed that process rank 1 with PID 0 on node vm exited on signal 9 (Killed).\n"
      "mpirun noticed that process rank 0 with PID 0 on node vm exited on signal 15 (Terminated).\n");
  CHECK(killed.rank == 1);
  CHECK(killed.signal == 9);
  const RankEnd exited = end_of("  Process name: [[51217,1],2]\n  Exit code:    3\n");
  CHECK(exited.rank == 2);
  CHECK(exited.signal == 0);
  CHECK(exited.exit_code == 3);
  CHECK(end_of("mpirun has exited due to process rank 1 with PID 0 on\nnode vm exiting improperly.\n").rank ==
        1);
  CHECK(end_of("srun: error: n1: task 1: Killed\n").signal == 9);
  CHECK(end_of("srun: error: n1: task 3: Segmentation fault (core dumped)\n").signal == 11);
  CHECK(end_of("srun: error: n1: task 1: Exited with exit code 4\n").exit_code == 4);
  RankOutput failing(new_mark());
  failing.take("srun: error: task 1 launch failed: Unspecified error\nsrun: error: n1: task 0: Killed\n");
  CHECK(failing.start_failure() == "task 1 launch failed: Unspecified error");
  CHECK(end_of("a task 1: Killed\nrank 3 is fine\n").rank == -1);
}

}  // namespace heed
