#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "experiments/report/report_data.h"

namespace heed::report {

// The attention weights of one trained model on one sequence, in one place of the model.
struct AttentionMaps {
  std::string variant, trial;  // "seed 0, lr = 0.001"
  std::string place = "";      // "encoder", "cross-attention"; empty: the self-attention of its main stack
  std::size_t layers = 0, heads = 0, queries = 0, keys = 0;
  std::vector<float> weights;  // (layer, head, query, key); NaN for a layer or head without weights
};

// Returns, for each variant and place, the weights of the first finished trial that has any, on the first
// probe sequence.
std::vector<AttentionMaps> read_attention(const ReportData& data);

}  // namespace heed::report
