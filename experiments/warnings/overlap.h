#pragma once

#include "core/task.h"

namespace heed {

// How many of a task's test sequences also occur in training.
struct Overlap {
  double share = 0;      // of the test sequences, expected
  double different = 0;  // estimated number of different sequences; 0: too many to estimate
};

// Estimates the overlap of the test split with `training` training sequences. Draws some sequences of both
// and counts equal pairs: n and m sequences out of N equally likely ones make n m / N pairs. This needs no
// knowledge of the task, so it works for plugins too. If sequences are not equally likely, N is the number of
// equally likely ones that would make as many pairs.
//
// Finds shares from 1 % on up to a length of about 100, larger ones at longer sequences. No overlap is
// reported for sequences of more than 16,384 tokens, nor for a test split of a fixed size, which is a
// separate part of the data.
Overlap estimate_overlap(const Task& task, Index training);

}  // namespace heed
