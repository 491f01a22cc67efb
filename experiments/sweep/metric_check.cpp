#include "experiments/sweep/metric_check.h"

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "core/label_relevance.h"
#include "core/model/model.h"
#include "core/task_traits.h"
#include "experiments/sweep/resolve.h"
#include "experiments/trial/metrics.h"
#include "experiments/trial/scored_positions.h"
#include "experiments/trial/stages.h"
#include "experiments/trial/task_of.h"
#include "experiments/trial/train_sequences.h"

namespace heed {
namespace {

// An endless test split has no size.
bool has_test(const Task& task) { return task.size(Split::test) != Index{0}; }

bool needs_test(const std::string& metric) {
  return metric.starts_with("test_") || metric == "sequence_accuracy";
}

// Returns the metric of validation that is most like one of the test.
std::string on_validation(const std::string& metric) {
  constexpr std::string_view kTest = "test_";
  if (metric.starts_with(kTest))
    if (std::string same = "final_validation_" + metric.substr(kTest.size()); find_metric(same)) return same;
  return "final_validation_accuracy";
}

// Returns true if the task marks an answer for any label of its first sequences.
bool has_relevance(const Task& task) {
  if (label_relevance_of(own_task(task))) return true;
  constexpr Index kSequences = 4;
  const TaskShape shape = task.shape();
  if (shape.input.kind != Stream::Kind::tokens || shape.labels != Labels::per_position) return false;
  bool found = false;
  visit_scored(task, kSequences, [&](Index, std::span<const Relevance> keys) {
    found = std::ranges::find(keys, Relevance::answer) != keys.end();
    return !found;
  });
  return found;
}

bool shows_weights(const TrialConfig& trial, const Task& task, const Registry& registry) {
  Params<float> params;
  Model<float> model(model_spec(trial, task), registry, params);
  for (Index i = 0; i < model.blocks(); ++i)
    if (model.attention(i).weight_heads() > 0) return true;
  return false;
}

// Returns why no trial of the sweep has a metric, or an empty string if one may have it.
std::string refuse_metric(const std::string& metric, const Sweep& sweep, ModelCheck& models,
                          const Registry& registry) {
  const auto none_of = [&](auto&& has) {
    for (const VariantEntry& v : sweep.variants)
      for (const SweepPoint& p : sweep.points) {
        Problems reported_before;
        const TrialConfig trial = with_variant(p.at(v), v, registry, reported_before);
        const std::shared_ptr<Task> task = models.task(trial, p.task);
        if (!task || has(trial, *task)) return false;
      }
    return true;
  };
  if (metric == "growth_difference" &&
      none_of([](const TrialConfig& t, const Task&) { return !t.grow.empty(); }))
    return "no variant of this sweep grows ('grow')";
  if (metric.ends_with("_bits_per_byte") && none_of([](const TrialConfig&, const Task& task) {
        return dynamic_cast<const TextTraits*>(&task) != nullptr;
      }))
    return "the task is no text";
  if (metric.ends_with("_bits_per_pixel") && none_of([](const TrialConfig&, const Task& task) {
        const auto* images = dynamic_cast<const PixelTraits*>(&task);
        return images && images->scored_pixels(Split::test);
      }))
    return "the task does not generate images (objective: generate)";
  if (metric.starts_with("final_train_") && none_of([](const TrialConfig& t, const Task& task) {
        return has_finite_training(t.train_sequences, task);
      }))
    return "its training data do not end (task.train_sequences makes them finite)";
  if ((metric == "test_calibration_error" || metric.starts_with("test_confidence_")) &&
      none_of([](const TrialConfig&, const Task& task) { return asks_unanswerable(task); }))
    return "the task asks nothing that was not shown (task.unanswerable of mqar)";
  if ((metric.starts_with("encoder_attention_") || metric.starts_with("cross_attention_")) &&
      none_of([](const TrialConfig& t, const Task&) { return t.type == ModelType::encoder_decoder; }))
    return "only an encoder_decoder has it, and no task of this sweep trains one";
  if (metric.starts_with("attention_") &&
      none_of([&](const TrialConfig& t, const Task& task) { return shows_weights(t, task, registry); }))
    return "no variant of this sweep has attention weights to show";
  if (metric.starts_with("attention_on_") && metric != "attention_on_first" &&
      none_of([](const TrialConfig&, const Task& task) { return has_relevance(task); }))
    return "the task does not say where the answer is (docs/probes.md)";
  return "";
}

}  // namespace

void settle_metric(const Config& tree, const Registry& registry, ModelCheck& models, Sweep& sweep,
                   Problems& problems) {
  const Config* given = tree.find_path("compare.metric");
  const SweepPoint* untested = nullptr;
  for (const SweepPoint& p : sweep.points) {
    const std::shared_ptr<Task> task = models.task(p.trial, p.task);
    if (!untested && task && !has_test(*task)) untested = &p;
  }
  std::string& metric = sweep.compare.metric;
  if (!given) {
    if (untested) metric = "final_validation_accuracy";
    return;
  }
  if (untested && needs_test(metric))
    return problems.add(
        given->place(),
        fmt::format(
            "compare.metric: '{}' needs a test split, and the task '{}' has none here. Did you mean '{}'?",
            metric, untested->trial.task.name, on_validation(metric)));
  if (const std::string why = refuse_metric(metric, sweep, models, registry); !why.empty())
    problems.add(given->place(),
                 fmt::format("compare.metric: '{}' is recorded by no trial: {}.", metric, why));
}

}  // namespace heed
