#pragma once

#include <string>
#include <vector>

#include "experiments/bench/decode_bench.h"
#include "experiments/report/figure.h"

namespace heed::cli {

// What one more token costs a variant after so many.
struct DecodingRow {
  std::string variant;
  Index length;
  DecodeBench cost;

  double microseconds() const { return 1e3 * median(cost.token.cpu); }
};

// Returns the figure of `heed bench --decode`: time per token and state against the length, a line for each
// variant. Requires: the rows of a variant follow each other, with ascending lengths.
report::Figure decoding_figure(const std::vector<DecodingRow>& rows);

}  // namespace heed::cli
