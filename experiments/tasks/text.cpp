#include "experiments/tasks/text.h"

#include <algorithm>

#include "core/error.h"
#include "core/registry.h"

namespace heed {

// The first token of a part has no predecessor and is never a label: n tokens give n-1 scored positions.
std::optional<Index> Text::size(Split split) const {
  if (split == Split::train) return std::nullopt;
  const Index n = std::ssize(text_.part(split));
  return n == 0 ? 0 : (n - 1 + length_ - 1) / length_;
}

std::optional<Index> Text::scored_bytes(Split split) const {
  if (split == Split::train) return std::nullopt;
  const std::span<const Token> part = text_.part(split);
  return part.empty() ? 0 : text_.bytes(part.subspan(1));
}

void Text::sequence(Split split, std::uint64_t index, std::span<Token> tokens,
                    std::span<Token> labels) const {
  const std::span<const Token> from = text_.part(split);
  const Index n = std::ssize(from);
  Index start;
  if (split == Split::train) {
    start = starts_.at(index).below(n - length_);
  } else {
    HEED_CHECK(index < static_cast<std::uint64_t>(*size(split)),
               "a window after the end of the text was requested");
    start = static_cast<Index>(index) * length_;
  }
  const Index scored = std::min(length_, n - 1 - start);
  for (Index t = 0; t < scored; ++t) {
    tokens[t] = from[start + t];
    labels[t] = from[start + t + 1];
  }
  std::fill(tokens.begin() + scored, tokens.end(), 0);
  std::fill(labels.begin() + scored, labels.end(), kUnscored);
}

}  // namespace heed

HEED_TASK(text, heed::Text, "The next byte, character or subword of a text file", "")
