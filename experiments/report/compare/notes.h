// Notes that a comparison adds below its tables: what differs between variants, and what was left out.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "experiments/report/compare/compared_trials.h"
#include "experiments/report/compare/comparison.h"
#include "experiments/report/compare/measurement.h"

namespace heed {

// Notes which attention an encoder-decoder has where it is not that of its variant, unless note_own does.
void note_places(const results::Results& results, const std::vector<std::string>& own,
                 Comparison& comparison);

// Notes in what variants differ by settings of their own, unless a column shows it.
void note_own(const results::Results& results, const std::vector<std::string>& own, Comparison& comparison);

// Notes how many trials have not ended, are incomplete, or have no value. planned: see CompareOptions.
void note_missing(Comparison& comparison, const Trials& trials, std::size_t planned);

// Notes trials that were not measured alike: pairs are left out, and means of a row may mix them.
void note_unlike(Comparison& comparison, const Measurement& measurement);

// Notes pairs without a value, rows without a partner (`unpaired`), and too few seeds.
void note_pairs(Comparison& comparison, std::size_t unpaired);

}  // namespace heed
