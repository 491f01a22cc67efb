#pragma once

#include <functional>
#include <span>

#include "core/index.h"
#include "core/task.h"

namespace heed {

// Calls visit(query, keys) for each scored position `query` of the first training sequences of a task, in
// order, with the relevance of each position of its sequence (Task::relevance). Stops if visit returns false.
// Requires: the task's input are tokens, with labels per position.
void visit_scored(const Task& task, Index sequences,
                  const std::function<bool(Index query, std::span<const Relevance> keys)>& visit);

}  // namespace heed
