// callgrind_step VARIANT: two steps of a small model, whose instructions callgrind_test.sh counts.

#include <fmt/format.h>

#include "core/model/model.h"
#include "core/registry.h"
#include "experiments/tasks/mqar.h"
#include "experiments/train/training.h"

void heed_register_learned(heed::Registry& registry);
void heed_register_linear(heed::Registry& registry);
void heed_register_mlp(heed::Registry& registry);
void heed_register_optimizer_adamw(heed::Registry& registry);
void heed_register_pattention(heed::Registry& registry);
void heed_register_schedule_cosine(heed::Registry& registry);
void heed_register_softmax(heed::Registry& registry);
void heed_register_tokenformer(heed::Registry& registry);

int main(int argc, char** argv) {
  using namespace heed;
  if (argc != 2) {
    fmt::print(stderr, "usage: callgrind_step VARIANT\n");
    return 64;
  }
  Registry registry;
  for (const auto add : {heed_register_learned, heed_register_linear, heed_register_mlp,
                         heed_register_optimizer_adamw, heed_register_pattention,
                         heed_register_schedule_cosine, heed_register_softmax, heed_register_tokenformer})
    add(registry);

  const Mqar task({.length = 128, .vocab = 256}, 0);  // two tiles of keys, two chunks
  ModelSpec spec;
  spec.options = {.layers = 1, .heads = 2, .dim = 64};
  spec.shape = task.shape();
  spec.attention = {{argv[1]}};
  Params<float> params;
  Model<float> model(spec, registry, params);
  params.freeze();
  params.initialize(0);

  TrialConfig trial;
  trial.train.batch = 2;
  trial.train.micro_batch = 1;  // not what suits this machine's cache
  Training training(model, params, task, trial, registry, 1);
  for (Index s = 0; s < 2; ++s) training.train_step(s);
}
