#pragma once

#include "core/registry.h"
#include "experiments/bench/timing.h"
#include "experiments/trial/trial_config.h"

namespace heed {

// Timings of one training step: batch, forward, loss, backward, clip, optimizer step.
struct StepBench {
  Timing step;                // of each timed step
  double ready_seconds;       // from the start of the process to the first step; to 0.01 s
  double first_step_seconds;  // from the start of the process to the first finished step; to 0.01 s
  double tokens, logit_rows;  // of a training step
  double parameters;
  double vocabulary, length, labels;  // of the task; labels: scored positions of a sequence
  double flops;                       // useful ones of a training step: three forward passes (Cost)
  double ceiling;                     // FLOP/s of one core, see timing.h
  double peak_bytes;                  // largest resident size of the process

  double flops_per_second() const { return 1e3 * flops / median(step.cpu); }  // per core
  double share() const { return flops_per_second() / ceiling; }
};

// Runs `warmup` steps and times `steps` more, on real batches of the trial's task.
StepBench bench_step(const TrialConfig& trial, const Registry& registry, int threads, Index steps,
                     Index warmup);

}  // namespace heed
