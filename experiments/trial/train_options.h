#pragma once

#include <algorithm>
#include <string>

#include <fmt/format.h>

#include "core/ops/product_precision.h"
#include "core/options.h"
#include "core/views.h"
#include "experiments/trial/quantity.h"

namespace heed {

// The `train` section of a sweep file, without the optimizer, the schedule and their options.
struct TrainOptions {
  Index steps = 1000, batch = 64, warmup = 0, micro_batch = 0, evaluate_every = 0, evaluate_sequences = 512,
        test_sequences = 1024, context_parallel = 1;
  std::string precision = "float32", checkpoint = "30s";
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
    option(
        "context_parallel", context_parallel,
        {.min = 1,
         .max = 4096,
         .doc = "MPI ranks of the trial, each with a part of every sequence (docs/context-parallelism.md)"});
    option("precision", precision,
           {.choices = {"float32", "bfloat16"},
            .doc = "to which the operands of matrix products are rounded; sums are float32 always"});
    option("checkpoint", checkpoint,
           {.doc = "time between two checkpoints, as 30s or 5m; 0: only when stopped. Changes no result"});
  }
  // Steps between two validations.
  Index evaluation_interval() const {
    return evaluate_every > 0 ? evaluate_every : std::max<Index>(1, steps / 20);
  }

  // The precision of matrix products.
  Precision products() const { return precision == "bfloat16" ? Precision::bfloat16 : Precision::float32; }

  static std::string too_large(const char* other, Index value, Index most) {
    return fmt::format("it must not be larger than {}, and {} is larger than {}.", other, value, most);
  }
  void check(const Refuse& refuse) const {
    if (!read_duration(checkpoint))
      refuse("checkpoint", "expected a time as 30s or 5m, found '" + checkpoint + "'.");
    if (warmup > steps) refuse("warmup", too_large("steps", warmup, steps));
    if (context_parallel > 1 && dropout > 0)
      refuse("context_parallel", "dropout needs whole sequences: set dropout to 0, or context_parallel to 1");
    if (micro_batch > batch) refuse("micro_batch", too_large("batch", micro_batch, batch));
  }
};

}  // namespace heed
