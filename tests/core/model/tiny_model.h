#pragma once

#include <string>
#include <vector>

#include "core/model/model.h"
#include "core/register.h"
#include "core/rng.h"
#include "tests/core/naive_mixer.h"
#include "tests/core/op_bench.h"

namespace heed {

// Everything of the tree, and the naive mixer.
inline Registry tiny_registry() {
  Registry registry;
  register_builtin_variants(registry);
  registry.add_mixer<NaiveMixer>("naive", {"Softmax attention, written out"});
  return registry;
}

// Vocabulary 7, width 6, two layers: small enough that every number can be differentiated.
inline ModelSpec tiny_spec(std::vector<Choice> attention = {{"naive"}}) {
  return {.options = {.layers = 2, .heads = 3, .dim = 6},
          .shape = token_shape(7, 5),
          .attention = std::move(attention),
          .feed_forward = {"mlp"},
          .positions = {"learned"}};
}

// Random tokens; labels too, but for every third position, which is not scored.
struct TinyData {
  TinyData(Index batches, Index times, Index vocabulary) : batch(batches), time(times) {
    Draws draws = Rng(1, "tiny data").at(0);
    for (Index i = 0; i < batch * time; ++i) {
      tokens.push_back(static_cast<Token>(draws.below(vocabulary)));
      labels.push_back(i % 3 == 1 ? kUnscored : static_cast<Token>(draws.below(vocabulary)));
    }
  }
  Batch all() const { return token_batch(tokens, labels, batch, time); }

  Index batch, time;
  std::vector<Token> tokens, labels;
};

// A model with its initial parameters plus normal noise of `stddev`.
template <class S>
struct TinyModel {
  explicit TinyModel(const ModelSpec& spec, double stddev = 0.4, const Registry& registry = tiny_registry())
      : model(spec, registry, params) {
    params.freeze();
    params.initialize(1);
    disturb(params, stddev);
  }

  // Gradients of the mean loss over the batch, from zero.
  Score learn(Step<S>& step, const Batch& batch, Index micro_batch = 0) {
    params.zero_grads();
    return model.accumulate(step, batch, micro_batch);
  }

  Params<S> params;
  Model<S> model;
};

}  // namespace heed
