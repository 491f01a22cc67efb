// callgrind_step NAME: two steps of a small model, whose instructions callgrind_test.sh counts. NAME is a
// variant, or with softmax: encoder_decoder, or bfloat16 for products in that precision.

#include <fmt/format.h>

#include <memory>
#include <string>

#include "core/model/model.h"
#include "core/registry.h"
#include "experiments/tasks/mqar.h"
#include "experiments/tasks/translation.h"
#include "experiments/train/training.h"

void heed_register_gated_delta(heed::Registry& registry);
void heed_register_learned(heed::Registry& registry);
void heed_register_linear(heed::Registry& registry);
void heed_register_mlp(heed::Registry& registry);
void heed_register_optimizer_adamw(heed::Registry& registry);
void heed_register_pattention(heed::Registry& registry);
void heed_register_schedule_cosine(heed::Registry& registry);
void heed_register_softmax(heed::Registry& registry);
void heed_register_tokenformer(heed::Registry& registry);

namespace {
using namespace heed;

// Two tiles of keys, two chunks.
std::unique_ptr<Task> make_task(bool translates) {
  if (translates) return std::make_unique<Translation>(Translation::Options{.length = 128}, 0);
  return std::make_unique<Mqar>(Mqar::Options{.length = 128, .vocab = 256}, 0);
}
}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print(stderr, "usage: callgrind_step NAME\n");
    return 64;
  }
  const std::string name = argv[1];
  const bool translates = name == "encoder_decoder", rounds = name == "bfloat16";
  Registry registry;
  for (const auto add : {heed_register_gated_delta, heed_register_learned, heed_register_linear,
                         heed_register_mlp, heed_register_optimizer_adamw, heed_register_pattention,
                         heed_register_schedule_cosine, heed_register_softmax, heed_register_tokenformer})
    add(registry);

  const std::unique_ptr<Task> task = make_task(translates);
  ModelSpec spec;
  spec.options = {.layers = 1, .heads = 2, .dim = 64};
  spec.shape = task->shape();
  spec.attention = {{translates || rounds ? "softmax" : name}};
  Params<float> params;
  Model<float> model(spec, registry, params);
  params.freeze();
  params.initialize(0);

  TrialConfig trial;
  trial.train.batch = 2;
  trial.train.micro_batch = 1;  // not what suits this machine's cache
  if (rounds) trial.train.precision = "bfloat16";
  Training training(model, params, *task, trial, registry, 1);
  for (Index s = 0; s < 2; ++s) training.train_step(s);
}
