#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "experiments/report/evidence.h"

namespace heed::report {

// The attention weights of one trained model on one sequence.
struct AttentionMaps {
  std::string variant, trial;  // "seed 0, lr = 0.001"
  std::size_t layers = 0, heads = 0, time = 0;
  std::vector<float> weights;  // (layer, head, query, key); NaN in a layer or head that has none
};

// For each variant those of its first trial that is done and has any, on the first probe sequence.
std::vector<AttentionMaps> read_attention(const Evidence& evidence);

}  // namespace heed::report
