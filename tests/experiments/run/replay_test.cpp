// What a rule would have done to trials that were trained to the end.
#include "experiments/run/replay.h"

#include <vector>

#include "tests/catch.h"

namespace {

using namespace heed;

// A trial of 40 steps whose validation loss at steps 10, 20, 30, 40 is as given.
TrainLog trained(std::vector<double> loss) {
  TrainLog log;
  log.evaluated_at = {10, 20, 30, 40};
  log.validation_accuracy = {0.1, 0.5, 0.6, 0.7};  // it leaves its plateau at step 20
  log.validation_loss = std::move(loss);
  log.steps = 40;
  return log;
}

StopRule rule(const char* name, Index after) {
  return {.rule = name, .factor = 2, .after = after, .wait = false};
}

std::vector<Index> steps(const std::vector<Replayed>& all) {
  std::vector<Index> out;
  for (const Replayed& r : all) out.push_back(r.steps);
  return out;
}

const std::vector<TrainLog> kThree = {trained({4, 3, 2, 1}), trained({3, 3, 3, 3}), trained({5, 4, 4, 4})};

}  // namespace

TEST_CASE("replay: of trials one after another, those that are not among the best so far stop at a rung") {
  const std::vector<std::size_t> order = {0, 1, 2};
  // Rungs at 10, 20, 40. Trial 1 is better than trial 0 at step 10, and equal at step 20; trial 2 is worse.
  const std::vector<Replayed> all = replay(rule("halving", 10), kThree, order);
  CHECK(steps(all) == std::vector<Index>{40, 40, 10});
  CHECK(all[0].reason.empty());
  CHECK(all[2].reason == "halving: final_validation_loss 5 is number 3 of 3; the best 1 go on");
}

TEST_CASE("replay: the order decides who is compared with whom") {
  const std::vector<std::size_t> order = {1, 0, 2};
  CHECK(steps(replay(rule("halving", 10), kThree, order)) == std::vector<Index>{10, 40, 10});
  const std::vector<std::size_t> worst_first = {2, 1, 0};
  CHECK(steps(replay(rule("halving", 10), kThree, worst_first)) == std::vector<Index>{10, 40, 40});
}

TEST_CASE("replay: the last step is no rung, and validations before the first rung stop nothing") {
  const std::vector<std::size_t> order = {0, 1, 2};
  CHECK(steps(replay(rule("halving", 40), kThree, order)) == std::vector<Index>{40, 40, 40});
  CHECK(steps(replay(rule("median", 30), kThree, order)) == std::vector<Index>{40, 40, 30});
}

TEST_CASE("replay: with the rule plateau a trial stops that still guesses, if another does not") {
  std::vector<TrainLog> all = kThree;
  all[2].validation_accuracy = {0.1, 0.1, 0.1, 0.1};
  const std::vector<std::size_t> order = {0, 1, 2}, first = {2, 0, 1};
  StopRule plateau = rule("plateau", 20);
  plateau.wait = true;
  CHECK(steps(replay(plateau, all, order)) == std::vector<Index>{40, 40, 20});
  CHECK(steps(replay(plateau, all, first)) == std::vector<Index>{40, 40, 40});
}
