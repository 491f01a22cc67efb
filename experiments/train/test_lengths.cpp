#include "experiments/train/test_lengths.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "experiments/train/longer_model.h"
#include "experiments/trial/metrics.h"
#include "experiments/trial/task_of.h"
#include "experiments/trial/test_lengths.h"

namespace heed {
namespace {

double accuracy_at(const TrialConfig& trial, const Registry& registry, SizedModel& trained,
                   const TaskShape& own, Index length, int threads) {
  TrialConfig tested = trial;
  tested.task = at_length(trial.task, length);
  const std::unique_ptr<Task> task = task_of(tested, registry);
  const std::unique_ptr<SizedModel> longer = longer_model(trial, *task, own, trained.params, registry);
  Step<float> step(threads, false);
  return evaluate(longer ? longer->model : trained.model, step, *task, Split::test,
                  trial.train.test_sequences, trial.train.batch)
      .accuracy;
}

}  // namespace

void add_test_lengths(results::Record& record, const TrialConfig& trial, const Registry& registry,
                      SizedModel* trained, int threads) {
  if (trial.test_lengths.empty()) return;
  const TaskShape own = task_of(trial, registry)->shape();
  std::vector<double> accuracy(trial.test_lengths.size(), std::numeric_limits<double>::quiet_NaN());
  for (std::size_t i = 0; trained && i < accuracy.size(); ++i)
    accuracy[i] = accuracy_at(trial, registry, *trained, own, trial.test_lengths[i], threads);
  const MetricInfo& info = accuracy_by_length();
  record.axes.push_back({kTestLengthAxis, {trial.test_lengths.begin(), trial.test_lengths.end()}});
  record.curves.push_back({info.name, kTestLengthAxis, accuracy, info.unit, info.description});
}

}  // namespace heed
