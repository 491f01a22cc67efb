#include "experiments/tasks/text.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/error.h"
#include "core/registry.h"

namespace heed {
namespace {

// Throws: heed::Error if a part that is used has no whole window.
void require_windows(const Text::Options& options, const TextParts& text) {
  for (const auto& [split, name] : {std::pair(Split::validation, "validation"), {Split::test, "test"}}) {
    if (split == Split::test && options.split[2] == 0) continue;
    if (const Index n = std::ssize(text.part(split)); n < options.length)
      throw Error(fmt::format(
          "of the text '{}', {} tokens are for {}, and 'order: {}' needs a whole window; 'length' is {}. "
          "Choose a longer text or a smaller length.",
          options.path, n, name, options.order, options.length));
  }
}

}  // namespace

Text::Text(const Options& options, std::uint64_t seed)
    : length_(options.length), annealing_(options.annealing()), text_(options), starts_(seed, "text train") {
  if (annealing_) require_windows(options, text_);
}

TaskShape Text::shape() const {
  TaskShape shape = token_shape(text_.vocabulary(), length_);
  if (annealing_) ++shape.input.width;  // the condition
  return shape;
}

// The first token of a part has no predecessor, so it is a label only after a condition. Otherwise n tokens
// give n-1 scored positions.
std::optional<Index> Text::size(Split split) const {
  if (split == Split::train) return std::nullopt;
  const Index n = std::ssize(text_.part(split));
  if (annealing_) return n / length_;
  return n == 0 ? 0 : (n - 1 + length_ - 1) / length_;
}

std::optional<Index> Text::scored_bytes(Split split) const {
  if (split == Split::train) return std::nullopt;
  const std::span<const Token> part = text_.part(split);
  if (annealing_) return text_.bytes(part.first(static_cast<std::size_t>(*size(split) * length_)));
  return part.empty() ? 0 : text_.bytes(part.subspan(1));
}

Index Text::window_start(Split split, std::uint64_t index) const {
  if (split == Split::train) return starts_.at(index).below(std::ssize(text_.part(split)) - length_);
  HEED_CHECK(index < static_cast<std::uint64_t>(*size(split)),
             "a window after the end of the text was requested");
  return static_cast<Index>(index) * length_;
}

void Text::fill(Split split, std::uint64_t index, Example& example) const {
  const std::span<const Token> from =
      text_.part(split).subspan(static_cast<std::size_t>(window_start(split, index)));
  const std::span<Token> tokens = example.input.tokens, labels = example.labels;
  if (annealing_) {
    tokens[0] = static_cast<Token>(text_.vocabulary());
    std::ranges::copy(from.first(tokens.size() - 1), tokens.begin() + 1);
    std::ranges::copy(from.first(labels.size()), labels.begin());
    return;
  }
  const std::size_t scored = std::min(tokens.size(), from.size() - 1);
  std::ranges::copy(from.first(scored), tokens.begin());
  std::ranges::copy(from.subspan(1, scored), labels.begin());
  std::ranges::fill(tokens.subspan(scored), 0);
  std::ranges::fill(labels.subspan(scored), kUnscored);
}

}  // namespace heed

HEED_TASK(text, heed::Text, "The next byte, character or subword of a text file", "")
