#pragma once

#include "core/task.h"

namespace heed {

// How many of a task's test sequences a model has already seen in training.
struct Overlap {
  double share = 0;      // of the test sequences, expected
  double different = 0;  // about so many different sequences there are; 0: too many to tell
};

// Estimates the overlap of the test split with `training` training sequences. Draws some sequences of both
// and counts equal pairs: n and m sequences out of N equally likely ones make n m / N pairs. So it knows
// nothing of the task, and holds for a plugin's as well. Where sequences are not equally likely, N is the
// number of equally likely ones that would make as many pairs.
//
// Finds shares from 1 % on up to a length of about 100, larger ones at longer sequences. No overlap is
// reported for sequences above 16,384 tokens, and for a test split of a fixed size, which is a part of its
// own data.
Overlap estimate_overlap(const Task& task, Index training);

}  // namespace heed
