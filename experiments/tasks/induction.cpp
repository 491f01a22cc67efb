#include "experiments/tasks/induction.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/registry.h"

namespace heed {
namespace {

// Returns true if the pair of tokens t and t+1 also occurs earlier.
bool came_before(std::span<const Token> tokens, std::size_t t) {
  for (std::size_t s = 0; s < t; ++s)
    if (tokens[s] == tokens[t] && tokens[s + 1] == tokens[t + 1]) return true;
  return false;
}

}  // namespace

void Induction::Options::check(const Refuse& refuse) const {
  if (score == "all" && length % 2 != 0)
    refuse("length", fmt::format("{} is odd; 'score: all' repeats a half and needs an even length", length));
}

void Induction::sequence(Split split, std::uint64_t index, std::span<Token> tokens,
                         std::span<Token> labels) const {
  Draws draws = streams_.at(split, index);
  for (Token& t : tokens) t = draw_token(draws, 0, options_.vocab - 1);
  std::fill(labels.begin(), labels.end(), kUnscored);

  if (options_.score == "all") {
    const std::size_t half = tokens.size() / 2;
    std::copy(tokens.begin(), tokens.begin() + half, tokens.begin() + half);
    // Every pair of the second half is repeated; pairs that repeat by chance count too.
    for (std::size_t t = 0; t + 1 < tokens.size(); ++t)
      if (t >= half || came_before(tokens, t)) labels[t] = tokens[t + 1];
  } else {
    const Index p =
        draws.below(options_.length - 2);  // 0 .. T-3, so that the token after it is before the end
    tokens[p] = tokens.back() = static_cast<Token>(options_.vocab - 1);
    labels.back() = tokens[p + 1];
  }
}

// Answers are the labels that follow an earlier copy of the query's token. Distractors are all other tokens
// before the query except the mark and copies of the label.
void Induction::relevance(std::span<const Token> tokens, std::span<const Token> labels, Index query,
                          std::span<Relevance> keys) const {
  std::fill(keys.begin(), keys.end(), Relevance::none);
  const Token label = labels[query], mark = static_cast<Token>(options_.vocab - 1);
  if (label == kUnscored) return;
  for (Index j = 0; j < query; ++j) {
    if (tokens[j] != label && tokens[j] != mark) keys[j] = Relevance::distractor;
    if (tokens[j] == tokens[query] && tokens[j + 1] == label) keys[j + 1] = Relevance::answer;
  }
}

}  // namespace heed

HEED_TASK(induction, heed::Induction, "Induction: predict the token that followed an earlier occurrence",
          "Olsson et al. 2022; Fu et al. 2023 (H3)")
