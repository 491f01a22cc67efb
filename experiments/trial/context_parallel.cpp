#include "experiments/trial/context_parallel.h"

#include <fmt/format.h>

#include "core/error.h"
#include "experiments/trial/stages.h"
#include "experiments/trial/test_lengths.h"

namespace heed {
namespace {

// Rank 0 of several that nobody has started: enough to divide a model, not to run it.
class Planned final : public Communicator {
 public:
  explicit Planned(Index ranks) : ranks_(static_cast<int>(ranks)) {}
  int rank() const override { return 0; }
  int size() const override { return ranks_; }

 private:
  void transfer(int, std::span<const std::byte>, int, std::span<std::byte>) override {
    throw Error("a planned rank has nobody to talk to.");
  }
  int ranks_;
};

}  // namespace

std::vector<std::string> context_parallel_mistakes(const TrialConfig& trial, const Task& task,
                                                   const Registry& registry) {
  const Index ranks = trial.train.context_parallel;
  std::vector<std::string> out;
  if (ranks == 1) return out;
  const auto refuse = [&](bool wrong, const char* key, const char* why) {
    if (wrong) out.push_back(fmt::format("{} {}: remove it, or train.context_parallel.", key, why));
  };
  refuse(!trial.grow.empty(), "grow", "does not work on several ranks");
  refuse(!trial.test_lengths.empty(), kTestLengths, "are tested on one rank");
  refuse(trial.save.attention, "save: attention", "needs whole sequences");
  refuse(trial.save.logits, "save: logits", "needs whole sequences");
  refuse(trial.save.predictions, "save: predictions", "needs whole sequences");
  if (const Index length = task.shape().input.length; ranks > length)
    out.push_back(
        fmt::format("train.context_parallel is {}, and a sequence has {} positions: most ranks would "
                    "have none.",
                    ranks, length));
  try {
    Params<float> params;
    (void)Model<float>(model_spec(trial, task), registry, params).splits();
  } catch (const Error& e) {
    out.push_back(fmt::format("train.context_parallel: {}", e.what()));
  }
  return out;
}

double exchanged_bytes(const TrialConfig& trial, const Params<float>& params, Model<float>& model,
                       Index length) {
  const Index ranks = trial.train.context_parallel;
  if (ranks == 1) return 0;
  Planned planned(ranks);
  model.divide(planned);
  const auto others = static_cast<double>(ranks - 1);
  const double gradients = 2 * others * sizeof(float) * static_cast<double>(params.size());
  const double score = 2 * others * 3 * sizeof(double), goes_on = others * sizeof(bool);
  return static_cast<double>(trial.train.batch) * model.exchanged_bytes(length) + gradients + score + goes_on;
}

}  // namespace heed
