// The metrics of a trial: one table that recording, comparison, `heed list` and the documentation share.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "results/record.h"

namespace heed {

// Which of two values is the better one.
enum class Better { larger, smaller, neither };
std::string to_string(Better better);  // "larger", "smaller", "-"

struct MetricInfo {
  std::string name, unit;
  Better better;
  bool varies;              // between two runs of the same trial: times, memory
  std::string description;  // a sentence without a period
  // A step at which something happened for the first time: NaN in a trial that was validated means never.
  bool may_never_come = false;
};

// What is measured of the attention weights of each head (docs/probes.md). The metric attention_<name> is the
// mean over all heads.
struct HeadMeasure {
  const char *name, *unit;
  Better better;
  const char* description;
};
inline constexpr std::array<HeadMeasure, 7> kHeadMeasures = {{
    {"entropy", "nat", Better::neither, "entropy of a scored query's attention weights"},
    {"on_answer", "1", Better::larger, "share of a scored query's attention weight on the answer positions"},
    {"on_distractors", "1", Better::smaller, "share of a scored query's attention weight on distractors"},
    {"on_first", "1", Better::neither, "share of a scored query's attention weight on the first position"},
    {"effective_rank", "1", Better::neither, "effective rank of the attention weights of a sequence"},
    {"negative", "1", Better::neither, "share of a scored query's attention weight that is negative"},
    {"head_divergence", "nat", Better::neither,
     "Jensen-Shannon divergence of a scored query's attention weights from those of another head of the "
     "layer"},
}};

// What the names of these metrics begin with, in the order of AttentionPlace (core/model/model.h). Only
// encoder-decoders record those of the encoder's attention and of cross-attention.
inline constexpr std::array<const char*, 3> kAttentionPrefixes = {"attention_", "encoder_attention_",
                                                                  "cross_attention_"};

// Returns all metrics, in the order of documentation and messages. Every trial records each of them, except
// those of some trials only: growth_difference (of a model that grows), bits per byte (of a text),
// calibration (of a task that asks what was not shown), quality on training data (of finite ones), and those
// of other attention than self-attention (of an encoder-decoder).
const std::vector<MetricInfo>& metrics();

// The accuracy at each of a trial's test lengths (task.test_lengths): a curve along the axis kTestLengthAxis.
const MetricInfo& accuracy_by_length();
inline constexpr const char* kTestLengthAxis = "test_length";

// The accuracy by depth of the answer (DepthTraits): a curve along the axis kDepthAxis, the lower bound of
// each bin in percent.
const MetricInfo& accuracy_by_depth();
inline constexpr const char* kDepthAxis = "depth";

// Returns the metric of this name, or null if there is none. Knows accuracy_by_length() too.
const MetricInfo* find_metric(const std::string& name);

// Returns a value to record. Requires: the table has the name.
results::Metric measured(const std::string& name, double value);

}  // namespace heed
