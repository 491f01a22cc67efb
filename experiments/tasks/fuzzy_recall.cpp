#include "experiments/tasks/fuzzy_recall.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/registry.h"

namespace heed {

void FuzzyRecall::Options::check(const Refuse& refuse) const {
  const Index longest = key_length + value_length;
  if (length < 2 * longest)
    refuse("length", fmt::format("{} must be at least {}: a pair of {} tokens and its repetition", length,
                                 2 * longest, longest));
  if (key_length > key_tokens())
    refuse("key_length",
           fmt::format("{} different tokens are more than the {} that keys have with 'vocab' {}", key_length,
                       key_tokens(), vocab));
  if (value_length > value_tokens())
    refuse("value_length",
           fmt::format("{} different tokens are more than the {} that values have with 'vocab' {}",
                       value_length, value_tokens(), vocab));
}

// Returns the pair that begins at `begin`: a run of key tokens, then the run of value tokens after it.
FuzzyRecall::Pair FuzzyRecall::pair_at(std::span<const Token> tokens, Index begin) const {
  const Index n = std::ssize(tokens);
  Pair pair{begin, begin, begin};
  while (pair.middle < n && is_key(tokens[pair.middle])) ++pair.middle;
  pair.end = pair.middle;
  while (pair.end < n && !is_key(tokens[pair.end])) ++pair.end;
  return pair;
}

// Returns the first of the pairs before `pair` that has the same key, or `pair` itself if there is none. Left
// padding is before all pairs.
FuzzyRecall::Pair FuzzyRecall::find_key(std::span<const Token> tokens, const Pair& pair) const {
  const auto key = tokens.subspan(pair.begin, pair.middle - pair.begin);
  Index begin = std::ranges::find_if(tokens, [this](Token t) { return is_key(t); }) - tokens.begin();
  while (begin < pair.begin) {
    const Pair before = pair_at(tokens, begin);
    if (std::ranges::equal(tokens.subspan(begin, before.middle - begin), key)) return before;
    begin = before.end;
  }
  return pair;
}

// Draws different tokens of first .. first + count - 1, in order.
void FuzzyRecall::draw_motif(Draws& draws, Index first, Index count, std::span<Token> motif) const {
  for (auto at = motif.begin(); at != motif.end(); ++at) {
    do {
      *at = draw_token(draws, first, count);
    } while (std::find(motif.begin(), at, *at) != at);
  }
}

// Writes a random pair, with the value that its key already has if it was shown. Returns its end.
Index FuzzyRecall::write_pair(Draws& draws, bool full_key, std::span<Token> tokens, Index begin) const {
  const Index key = full_key ? options_.key_length : 1 + draws.below(options_.key_length);
  const Index value = 1 + draws.below(options_.value_length);
  const Pair pair{begin, begin + key, begin + key + value};
  draw_motif(draws, 0, options_.key_tokens(), tokens.subspan(begin, key));
  draw_motif(draws, options_.key_tokens(), options_.value_tokens(), tokens.subspan(pair.middle, value));
  const Pair shown = find_key(tokens, pair);
  if (shown.begin == begin) return pair.end;
  const auto known = tokens.subspan(shown.middle, shown.end - shown.middle);
  std::ranges::copy(known, tokens.begin() + pair.middle);
  return pair.middle + std::ssize(known);
}

// Writes pairs from the left, then the probe, which is one of them, again. Returns the end.
//
// The probe is drawn first. The first pair that begins at or after a uniform position is the probe; the
// position is small enough that there always is one.
Index FuzzyRecall::fill_context(Draws& draws, bool full_key, std::span<Token> tokens) const {
  const Index longest = options_.key_length + options_.value_length;
  const Index probe = write_pair(draws, full_key, tokens, 0);
  const Index last = std::ssize(tokens) - probe - longest;  // the last position at which a pair may begin
  const Index wanted = draws.below(std::max<Index>(last - longest + 2, 1));
  // A pair before the probe may have its key, and then has its value. So the probe is at the beginning, where
  // find_key sees it, until the other pairs are written.
  Index end = probe;
  bool is_placed = false;
  while (end - probe <= last) {
    if (!is_placed && end - probe >= wanted) {
      is_placed = true;
      end = std::copy_n(tokens.begin(), probe, tokens.begin() + end) - tokens.begin();
    } else {
      end = write_pair(draws, full_key, tokens, end);
    }
  }
  // The probe's copy at the beginning becomes the one at the end.
  std::rotate(tokens.begin(), tokens.begin() + probe, tokens.begin() + end);
  return end;
}

// Padding, pairs k v, and at the end k* v*, which is one of the pairs. The labels of a repeated key's value
// are at the positions before its tokens. Other positions have no label, unless training scores all next
// tokens.
void FuzzyRecall::sequence(Split split, std::uint64_t index, std::span<Token> tokens,
                           std::span<Token> labels) const {
  Draws draws = streams_.at(split, index);
  const Index end = fill_context(draws, split != Split::train, tokens), pads = std::ssize(tokens) - end;
  std::shift_right(tokens.begin(), tokens.end(), pads);
  std::fill(tokens.begin(), tokens.begin() + pads, static_cast<Token>(options_.vocab - 1));

  std::fill(labels.begin(), labels.end(), kUnscored);
  if (split == Split::train && options_.labels == "all") {
    std::copy(tokens.begin() + 1, tokens.end(), labels.begin());
    return;
  }
  for (Index begin = pads; begin < std::ssize(tokens);) {
    const Pair pair = pair_at(tokens, begin);
    if (find_key(tokens, pair).begin != begin)
      for (Index t = pair.middle; t < pair.end; ++t) labels[t - 1] = tokens[t];
    begin = pair.end;
  }
}

// Answers are the same tokens of the same key's value; distractors are the other value tokens before the
// query.
void FuzzyRecall::relevance(std::span<const Token> tokens, std::span<const Token> labels, Index query,
                            std::span<Relevance> keys) const {
  std::fill(keys.begin(), keys.end(), Relevance::none);
  if (labels[query] == kUnscored || is_key(labels[query])) return;
  Index begin = std::ranges::find_if(tokens, [this](Token t) { return is_key(t); }) - tokens.begin();
  if (query < begin) return;
  Pair asked = pair_at(tokens, begin);
  while (asked.end <= query + 1) asked = pair_at(tokens, asked.end);
  if (find_key(tokens, asked).begin == asked.begin) return;  // the first occurrence of a key
  const Index of_value = query + 1 - asked.middle;
  for (Index end; begin < asked.begin; begin = end) {
    const Pair pair = pair_at(tokens, begin);
    end = pair.end;
    const bool same = std::ranges::equal(tokens.subspan(begin, pair.middle - begin),
                                         tokens.subspan(asked.begin, asked.middle - asked.begin));
    for (Index t = pair.middle; t < end; ++t)
      if (same && t - pair.middle == of_value)
        keys[t] = Relevance::answer;
      else if (tokens[t] != labels[query])
        keys[t] = Relevance::distractor;
  }
}

}  // namespace heed

HEED_TASK(fuzzy_recall, heed::FuzzyRecall,
          "In-context recall of keys and values that are several tokens long", "Poli et al. 2024 (MAD)")
