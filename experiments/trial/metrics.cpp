#include "experiments/trial/metrics.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/error.h"

namespace heed {
namespace {

using enum Better;

// Of docs/probes.md, beside those of attention weights.
std::vector<MetricInfo> angle_metrics() {
  return {
      {"embedding_cosine", "1", neither, false, "mean absolute cosine between two rows of the embedding"},
      {"embedding_orthogonal", "1", neither, false,
       "share of pairs of rows of the embedding whose angle is within 1 degree of a right angle"},
      {"key_token_cosine", "1", neither, false,
       "mean absolute cosine between two keys of parameter tokens, mean over all sets of them"},
      {"key_token_orthogonal", "1", neither, false,
       "share of pairs of keys of parameter tokens whose angle is within 1 degree of a right angle"},
      {"random_cosine", "1", neither, false,
       "expected absolute cosine between two random directions of the model's dimension"},
      {"random_orthogonal", "1", neither, false,
       "chance that the angle of two random directions of the model's dimension is within 1 degree of a "
       "right angle"},
      {"residual_cosine", "1", neither, false,
       "mean absolute cosine between the vectors of two positions in the residual stream, after the last "
       "block"},
      {"residual_orthogonal", "1", neither, false,
       "share of pairs of positions whose vectors in the residual stream are within 1 degree of a right "
       "angle, after the last block"},
      {"residual_same_token_cosine", "1", neither, false,
       "mean cosine between the vectors of a token in different contexts in the residual stream, after the "
       "last block"},
      {"residual_different_tokens_cosine", "1", neither, false,
       "mean cosine between the vectors of two different tokens in the residual stream, after the last "
       "block"}};
}

std::vector<MetricInfo> all_metrics() {
  std::vector<MetricInfo> all = {
      {"test_accuracy", "1", larger, false,
       "share of scored test positions where the top-1 prediction is the label (micro average)"},
      {"test_loss", "nat", smaller, false, "mean cross entropy over the scored positions of the test split"},
      {"test_accuracy_macro", "1", larger, false,
       "mean over labels of the accuracy on test positions with that label (macro average)"},
      {"sequence_accuracy", "1", larger, false,
       "share of test sequences whose top-1 predictions are the label at every scored position; of a "
       "translation, the share of whole targets that greedy decoding finds"},
      {"test_calibration_error", "1", smaller, false,
       "if the task asks what was not shown: expected calibration error, the mean over test predictions of "
       "abs(accuracy - confidence) in 15 bins of confidence"},
      {"test_confidence_answerable", "1", neither, false,
       "likewise: mean probability of the top-1 prediction where the answer was shown"},
      {"test_confidence_unanswerable", "1", smaller, false, "likewise, where the answer was not shown"},
      {"final_validation_accuracy", "1", larger, false, "validation accuracy after the last training step"},
      {"final_validation_loss", "nat", smaller, false, "validation loss after the last training step"},
      {"final_train_accuracy", "1", larger, false,
       "if the training data are finite: accuracy on the first training sequences after the last training "
       "step"},
      {"final_train_loss", "nat", smaller, false, "if the training data are finite: the loss on the same"},
      {"test_bits_per_byte", "bit", smaller, false,
       "if the task is a text: the sum of the test losses in bits, per byte of the scored text"},
      {"final_validation_bits_per_byte", "bit", smaller, false,
       "if the task is a text: the same for the validation after the last training step"},
      {"test_bits_per_pixel", "bit", smaller, false,
       "if the task generates images: the sum of the test losses in bits, per position of an image"},
      {"final_validation_bits_per_pixel", "bit", smaller, false,
       "if the task generates images: the same for the validation after the last training step"},
      {"plateau_step", "1", smaller, false,
       "training steps before the first validation accuracy more than 0.1 above the first one, or above 0.9",
       true},
      {"solved_step", "1", smaller, false, "training steps before the first validation accuracy above 0.9",
       true},
      {"final_gradient_norm", "1", neither, false,
       "norm of all gradients in the last training step, before clipping"},
  };
  constexpr std::array<const char*, 3> where = {"", " of an encoder-decoder's encoder",
                                                " of an encoder-decoder's cross-attention"};
  for (std::size_t place = 0; place < where.size(); ++place)
    for (const HeadMeasure& m : kHeadMeasures)
      all.push_back(
          {std::string(kAttentionPrefixes[place]) + m.name, m.unit, m.better, false,
           fmt::format("{}, mean over all layers and heads with weights{}", m.description, where[place])});
  const std::vector<MetricInfo> angles = angle_metrics();
  all.insert(all.end(), angles.begin(), angles.end());
  all.push_back({"parameters", "1", smaller, false, "trainable parameters of the model"});
  for (const char* component :
       {"attention", "feed_forward", "embedding", "head", "biases", "norms", "positions"})
    all.push_back({std::string("parameters_") + component, "1", smaller, false,
                   "trainable parameters of this component"});
  const std::vector<MetricInfo> costs = {
      {"forward_flops", "flop", smaller, false,
       "floating-point operations of a forward pass of one sequence, by formula; a multiply-add counts as "
       "two"},
      {"training_flops", "flop", smaller, false,
       "floating-point operations of the whole training, by formula: three forward passes per training step"},
      {"growth_difference", "1", neither, false,
       "if the model grows: the largest change of a logit caused by growth, on sequences of the next "
       "training step"},
      {"state_bytes", "byte", smaller, false,
       "state kept per sequence when decoding token by token, at 4 bytes per number"},
      {"step_milliseconds", "ms", smaller, true, "mean wall time of a training step"},
      {"tokens_per_second", "token per s", larger, true,
       "training tokens per second, including unscored tokens"},
      {"processor_seconds", "s", smaller, true, "processor time of the trial's processes"},
      {"peak_memory_bytes", "byte", smaller, true, "largest resident set size of the trial's process"}};
  all.insert(all.end(), costs.begin(), costs.end());
  return all;
}

}  // namespace

std::string to_string(Better better) {
  return better == larger ? "larger" : better == smaller ? "smaller" : "-";
}

const std::vector<MetricInfo>& metrics() {
  static const std::vector<MetricInfo> all = all_metrics();
  return all;
}

const MetricInfo& accuracy_by_length() {
  static const MetricInfo info = {"test_accuracy_by_length", "1", larger, false,
                                  "test_accuracy on sequences of another length than in training"};
  return info;
}

const MetricInfo& accuracy_by_depth() {
  static const MetricInfo info = {"test_accuracy_by_depth", "1", larger, false,
                                  "test_accuracy on the labels whose answer is at a depth of the context"};
  return info;
}

const MetricInfo* find_metric(const std::string& name) {
  if (name == accuracy_by_length().name) return &accuracy_by_length();
  const auto at = std::ranges::find(metrics(), name, &MetricInfo::name);
  return at == metrics().end() ? nullptr : &*at;
}

results::Metric measured(const std::string& name, double value) {
  const MetricInfo* info = find_metric(name);
  HEED_CHECK(info, "a metric without an entry in metrics(): " + name);
  return {name, value, info->unit, info->description, info->varies};
}

}  // namespace heed
