#pragma once

#include <algorithm>
#include <string>

#include "core/options.h"
#include "core/views.h"
#include "experiments/trial/quantity.h"

namespace heed {

// The `train` section of a sweep file, without the optimizer, the schedule and their options.
struct TrainOptions {
  Index steps = 1000, batch = 64, warmup = 0, micro_batch = 0, evaluate_every = 0, evaluate_sequences = 512,
        test_sequences = 1024;
  std::string checkpoint = "30s";
  double lr = 1e-3, clip = 1.0, dropout = 0;

  void describe(auto& option) {
    option("steps", steps, {.min = 1, .doc = "training steps"});
    option("batch", batch, {.min = 1, .doc = "sequences in a training step"});
    option("lr", lr, {.min = 0, .doc = "learning rate at its peak"});
    option("warmup", warmup,
           {.min = 0, .doc = "steps in which the learning rate rises linearly to its peak"});
    option("clip", clip, {.min = 0, .doc = "largest norm of all gradients together; 0: no clipping"});
    option("dropout", dropout,
           {.min = 0,
            .max = 0.99,
            .doc = "share of embeddings, layer outputs and attention weights that is dropped"});
    option("micro_batch", micro_batch,
           {.min = 0, .doc = "sequences that go forward and backward together; 0: chosen from the shape"});
    option("evaluate_every", evaluate_every,
           {.min = 0, .doc = "steps between two validations; 0: a twentieth of all steps"});
    option("evaluate_sequences", evaluate_sequences,
           {.min = 1, .doc = "sequences of a validation; at most all of a text's part"});
    option("test_sequences", test_sequences,
           {.min = 1, .doc = "sequences of the final test, for generated tasks"});
    option("checkpoint", checkpoint,
           {.doc = "time between two checkpoints, as 30s or 5m; 0: only when stopped. Changes no result"});
  }
  // Steps between two validations.
  Index evaluation_interval() const {
    return evaluate_every > 0 ? evaluate_every : std::max<Index>(1, steps / 20);
  }

  void check(const Refuse& refuse) const {
    if (!read_duration(checkpoint))
      refuse("checkpoint", "expected a time as 30s or 5m, found '" + checkpoint + "'.");
    if (warmup > steps) refuse("warmup", "it must not be larger than steps");
    if (micro_batch > batch) refuse("micro_batch", "it must not be larger than batch");
  }
};

}  // namespace heed
