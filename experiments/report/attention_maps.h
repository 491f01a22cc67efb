#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "experiments/report/report_data.h"

namespace heed::report {

// The attention weights of one trained model on one sequence.
struct AttentionMaps {
  std::string variant, trial;  // "seed 0, lr = 0.001"
  std::size_t layers = 0, heads = 0, time = 0;
  std::vector<float> weights;  // (layer, head, query, key); NaN for a layer or head without weights
};

// Returns, for each variant, the weights of its first finished trial that has any, on the first probe
// sequence.
std::vector<AttentionMaps> read_attention(const ReportData& data);

}  // namespace heed::report
