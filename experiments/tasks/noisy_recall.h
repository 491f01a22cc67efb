#pragma once

#include "experiments/tasks/recall.h"

namespace heed {

// Recall with the published noise by default.
class NoisyRecall final : public Recall {
 public:
  struct Options : Recall::Options {
    Options() {
      vocab = 32;
      noise_vocab = 16;
      noise = 0.2;
    }
  };

  NoisyRecall(const Options& options, std::uint64_t seed) : Recall(options, seed, "noisy_recall") {}
};

}  // namespace heed
