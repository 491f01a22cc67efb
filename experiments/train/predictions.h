// Greedy decoding of the targets of two-sequence tasks.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/model/model.h"
#include "core/task.h"
#include "experiments/trial/trial_config.h"
#include "results/record.h"

namespace heed {

// The target of one example, as the model continues it and as it is.
struct Prediction {
  std::vector<Token> source;  // what is read before the target
  std::vector<Token> decoded, target;
};

// Decodes examples first .. first + count - 1 of a split: each next token is the top-1 prediction after the
// tokens so far, until it is the label of the example's last position (the end), or there is no more room. A
// decoder begins with everything up to its first scored position.
std::vector<Prediction> decode_greedily(Model<float>& model, Step<float>& step, const Task& task, Split split,
                                        Index first, Index count);

// Decodes the target of a source that is no example of the task, and leaves out its end. task: of the model's
// type. Requires: the source is not longer than those of the task.
std::vector<Token> decode_source(Model<float>& model, Step<float>& step, const Task& task,
                                 std::span<const Token> source);

// Removes the end of both targets.
Prediction without_end(Prediction prediction);

// Returns tokens of a task as text; as numbers, "3 14 15", if the task has no TokenizerTraits.
std::string to_text(const Task& task, std::span<const Token> tokens);
// Returns source, decoded target and target, a line each.
std::string comparison_text(const Task& task, const Prediction& prediction);

// Adds the predictions for the test split (of the validation split if there is no test split), in the group
// `predictions`: decoded, target and source (sequence, position), -1 behind their ends.
void save_predictions(results::Record& record, Model<float>& model, const Task& task,
                      const TrialConfig& trial, int threads);

}  // namespace heed
