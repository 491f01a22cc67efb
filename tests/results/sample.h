// A small sweep of made-up trials: what the tests here write, and what tests/python/results_test.py reads.
#pragma once

#include <vector>

#include "results/record.h"

namespace heed::test {

// Six trials: three variants, two seeds; one diverged and stopped early, two have an option of their own, the
// softmax ones have an attention probe.
std::vector<results::Record> sample_records();

// What the program of today would say of itself; the same on every call.
results::Provenance sample_provenance();

}  // namespace heed::test
