#include "experiments/bench/step_bench.h"

#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <fstream>
#include <string>

#include "core/ops/product_precision.h"
#include "experiments/system/peak_memory.h"
#include "experiments/train/train.h"
#include "experiments/train/training.h"
#include "experiments/trial/stages.h"
#include "experiments/trial/task_of.h"

namespace heed {
namespace {

// The kernel notes a process's start in ticks (field 22 of /proc/self/stat); the name in field 2 may hold
// blanks.
double seconds_since_start() {
  std::ifstream file("/proc/self/stat");
  std::string text((std::istreambuf_iterator<char>(file)), {});
  text.erase(0, text.rfind(')') + 2);
  for (int field = 3; field < 22; ++field) text.erase(0, text.find(' ') + 1);
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec) -
         std::stod(text) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

}  // namespace

StepBench bench_step(const TrialConfig& trial, const Registry& registry, int threads, Index steps,
                     Index warmup) {
  const std::unique_ptr<Task> task = task_of(trial, registry);
  SizedModel sized(model_spec(trial, *task), registry, trial.seed);
  TrialConfig longer = trial;  // so that the learning rate is that of a real training
  longer.train.steps = std::max(trial.train.steps, warmup + steps);
  Training training(sized.model, sized.params, *task, longer, registry, threads);

  StepBench out{};
  Index s = 0;
  out.ready_seconds = seconds_since_start();
  training.train_step(s++);
  out.first_step_seconds = seconds_since_start();
  while (s < warmup) training.train_step(s++);
  out.peak_bytes = peak_resident_bytes();  // before the ceiling takes memory of its own

  Ceiling ceiling;
  const auto measure_ceiling = [&] {
    const ProductPrecision precision(trial.train.products());
    ceiling.measure();
  };
  const Index rounds = std::min<Index>(5, steps);
  for (Index round = 0; round < rounds; ++round) {
    measure_ceiling();
    for (Index i = round; i < steps; i += rounds) time_once(out.step, [&] { training.train_step(s++); });
  }
  measure_ceiling();
  out.ceiling = ceiling.flops_per_second();

  const double batch = static_cast<double>(trial.train.batch);
  out.vocabulary = static_cast<double>(task->shape().classes);
  out.length = static_cast<double>(task->shape().input.length);
  out.labels = static_cast<double>(scored_positions(*task));
  out.tokens = batch * static_cast<double>(task->shape().input.length + task->shape().source.length);
  out.logit_rows = batch * out.labels;
  out.parameters = static_cast<double>(count(sized.params));
  out.flops = 3 * batch * cost_of_example(sized.model, *task).flops;
  return out;
}

}  // namespace heed
