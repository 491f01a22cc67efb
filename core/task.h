#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>

#include "core/index.h"

namespace heed {

using Token = std::int32_t;
constexpr Token kUnscored = -100;  // the label of a position whose output is not scored

enum class Split { train, validation, test };

// What a position of a sequence holds, as seen from another one that is scored.
enum class Evidence : std::uint8_t { none, answer, distractor };

// A source of labeled sequences. Sequence i of a split depends on the seed, the split and i alone: it is the
// same for every variant, batch size and thread count. Safe to call from several threads.
class Task {
 public:
  virtual ~Task() = default;

  virtual Index vocabulary() const = 0;  // tokens are 0 .. vocabulary-1
  virtual Index length() const = 0;      // tokens in a sequence
  virtual bool causal() const { return true; }

  // Writes tokens and labels, both length() long. The label of a position is what its output must predict, or
  // kUnscored.
  virtual void sequence(Split split, std::uint64_t index, std::span<Token> tokens,
                        std::span<Token> labels) const = 0;

  // How many sequences an evaluation must walk to see the whole split once; nothing where the split is
  // endless.
  virtual std::optional<Index> size(Split) const { return std::nullopt; }

  // Where the evidence for the label of position `query` stands, in a sequence of this task: writes all of
  // keys (length() long). `answer`: the position holds what the output must say, for the reason that it must
  // say so; `distractor`: it holds what could be taken for that. None of them is hidden from the query. All
  // is `none` where the query is not scored, or its label is not to be found in the sequence. Probes measure
  // attention by it (docs/probes.md); a task that cannot tell leaves it out.
  virtual void evidence(std::span<const Token> tokens, std::span<const Token> labels, Index query,
                        std::span<Evidence> keys) const {
    (void)tokens, (void)labels, (void)query;
    std::fill(keys.begin(), keys.end(), Evidence::none);
  }
};

}  // namespace heed
