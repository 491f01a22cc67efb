#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/model/components.h"
#include "core/model/model.h"
#include "core/registry.h"
#include "experiments/trial/known_tasks.h"
#include "experiments/trial/trial_config.h"

namespace heed {

// What a trial will need, from its configuration alone.
struct Estimate {
  std::vector<ComponentCount> components;
  Index matrices = 0;           // attention, feed-forward, embedding and head: what papers count
  Index parameters = 0;         // everything that is trained
  double forward_flops = 0;     // of one sequence
  double training_flops = 0;    // three forward passes for each sequence of each step, in all stages
  double evaluation_flops = 0;  // forward passes of all validations and of the test
  double state_bytes = 0;       // kept per sequence when decoding token by token
  // Values, gradients, optimizer state, batches, activations of a micro-batch; about. Of several ranks, each
  // has all but the activations, which they share.
  double memory_bytes = 0;
  Index ranks = 1;             // train.context_parallel
  double exchanged_bytes = 0;  // in a training step, by all ranks together
};

// Builds each different model once, without memory for its numbers.
class Estimator {
 public:
  explicit Estimator(const Registry& registry) : registry_(registry), tasks_(registry) {}
  Estimate operator()(const TrialConfig& trial);

 private:
  struct Shape {
    Estimate estimate;
    double example_floats = 0;  // activations of one example, on one rank
    double sequence_bytes = 0;  // of an example in a batch
    Index micro_batch = 0;
    std::optional<Index> validation_size, test_size;  // of a finite split
  };
  const Shape& shape_of(const TrialConfig& trial);  // of a trial with one stage
  Shape build(const TrialConfig& trial);
  static double evaluated_sequences(const TrainOptions& train, const Shape& shape, Index begin, Index end);

  const Registry& registry_;
  KnownTasks tasks_;
  std::map<std::string, Shape> shapes_;
};

}  // namespace heed
