#include "experiments/tasks/copy.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/registry.h"

namespace heed {

void Copy::Options::check(const Refuse& refuse) const {
  if (tokens > (length - 1) / 2)
    refuse("tokens", fmt::format("{} tokens, the mark and {} answers do not fit into 'length' ({})", tokens,
                                 tokens, length));
}

// M tokens and T-2M-1 blanks, the mark, M blanks; the labels of the last M positions are the M tokens.
void Copy::sequence(Split split, std::uint64_t index, std::span<Token> tokens,
                    std::span<Token> labels) const {
  Draws draws = streams_.at(split, index);
  const Index mark = options_.length - options_.tokens - 1;
  const Token blank = static_cast<Token>(options_.vocab - 2);
  std::fill(labels.begin(), labels.end(), kUnscored);
  const std::span<Token> copied = labels.subspan(mark + 1);
  for (Token& t : copied) t = draw_token(draws, 0, options_.vocab - 2);

  place(draws, copied, blank, tokens.first(mark));
  tokens[mark] = blank + 1;
  std::fill(tokens.begin() + mark + 1, tokens.end(), blank);
}

// The answer is the token before the mark whose copy is due; distractors are the others that differ from
// it.
void Copy::relevance(std::span<const Token> tokens, std::span<const Token> labels, Index query,
                     std::span<Relevance> keys) const {
  std::fill(keys.begin(), keys.end(), Relevance::none);
  const Index mark = options_.length - options_.tokens - 1;
  const Token blank = static_cast<Token>(options_.vocab - 2);
  Index due = mark + 1;  // position where the next token is copied
  for (Index j = 0; j < mark && query > mark; ++j) {
    if (tokens[j] == blank) continue;
    if (due++ == query)
      keys[j] = Relevance::answer;
    else if (tokens[j] != labels[query])
      keys[j] = Relevance::distractor;
  }
}

void Copy::place(Draws&, std::span<const Token> copied, Token blank, std::span<Token> before_mark) const {
  std::fill(std::copy(copied.begin(), copied.end(), before_mark.begin()), before_mark.end(), blank);
}

}  // namespace heed

HEED_TASK(copy, heed::Copy, "Copying: repeat the first tokens after a mark", "Poli et al. 2024 (MAD)")
