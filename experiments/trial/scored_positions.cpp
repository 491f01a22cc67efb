#include "experiments/trial/scored_positions.h"

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/model/sequences.h"

namespace heed {

void visit_scored(const Task& task, Index sequences,
                  const std::function<bool(Index query, std::span<const Relevance> keys)>& visit) {
  Sequences one(task, 1);
  for (Index i = 0; i < sequences; ++i) {
    one.fill(0, Split::train, static_cast<std::uint64_t>(i));
    const Batch example = one.first(1);
    const auto length = static_cast<std::size_t>(example.input.length(0));
    const auto tokens = example.input.tokens.first(length), labels = example.labels.first(length);
    std::vector<Relevance> keys(length);
    for (std::size_t query = 0; query < length; ++query) {
      if (labels[query] == kUnscored) continue;
      task.relevance(tokens, labels, static_cast<Index>(query), keys);
      if (!visit(static_cast<Index>(query), keys)) return;
    }
  }
}

}  // namespace heed
