#pragma once

#include <chrono>
#include <functional>

#include "core/communicator.h"

namespace heed {

// Runs task(communicator) on `ranks` threads of this process, each of which is one rank: for conformance
// checks and tests. Returns when all have ended.
//
// A rank that ends by an exception or too early is lost: the ranks that wait for it, then or later, get an
// heed::Error. So does each rank after one of them has waited longer than `limit`. Throws: the exception that
// was thrown first.
void run_ranks(int ranks, const std::function<void(Communicator&)>& task,
               std::chrono::milliseconds limit = std::chrono::seconds(60));

}  // namespace heed
