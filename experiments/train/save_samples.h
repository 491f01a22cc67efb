#pragma once

#include "core/model/model.h"
#include "core/task.h"
#include "results/record.h"

namespace heed {

// Adds a few examples of what the model generates, in the group `samples`; nothing if its task cannot be
// sampled. They are what `heed sample` generates by default.
//     images (image_class, sample, row, column)   grays from 0 to 255
//     text (sample, byte)                         texts, or targets of the task; -1 behind their ends
void save_samples(results::Record& record, Model<float>& model, const Task& task);

}  // namespace heed
