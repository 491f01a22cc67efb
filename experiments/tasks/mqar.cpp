#include "experiments/tasks/mqar.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/registry.h"

namespace heed {
namespace {

// Draws until the token is not in `before`, at every second position: the keys, or values, of the pairs so
// far. The context uses at most half of the tokens (4K <= T < V), so two draws are enough on average; queries
// for other keys may use all but one.
Token draw_unused(Draws& draws, Index first, Index count, std::span<const Token> before) {
  for (;;) {
    const Token drawn = draw_token(draws, first, count);
    bool unused = true;
    for (std::size_t i = 0; i < before.size(); i += 2) unused &= before[i] != drawn;
    if (unused) return drawn;
  }
}

}  // namespace

void Mqar::Options::check(const Refuse& refuse) const {
  if (length % 2 != 0)
    refuse("length", fmt::format("{} is odd; it must be even, because a slot has two positions", length));
  if (vocab % 2 != 0)
    refuse("vocab", fmt::format("{} is odd; it must be even, half for keys and half for values", vocab));
  if (vocab <= length) refuse("vocab", fmt::format("{} must be more than 'length' ({})", vocab, length));
  if (pairs > length / 4)
    refuse("pairs", fmt::format("{} pairs need a 'length' of at least {}, four positions each; it is {}",
                                pairs, 4 * pairs, length));
}

Mqar::Mqar(const Options& options, std::uint64_t seed) : options_(options), streams_(seed, "mqar") {
  for (Index s = 0; s < options.length / 2 - options.pairs; ++s)
    weights_.push_back(std::pow(static_cast<double>(s + 1), options.power - 1));
}

// k1 v1 ... kK vK, then S slots of two positions: a key on the first of its slot is a query.
void Mqar::sequence(Split split, std::uint64_t index, std::span<Token> tokens,
                    std::span<Token> labels) const {
  Draws draws = streams_.at(split, index);
  const Index half = options_.vocab / 2, context = 2 * options_.pairs;
  for (Token& t : tokens) t = options_.filler == "random" ? draw_token(draws, 0, options_.vocab) : 0;
  std::fill(labels.begin(), labels.end(), kUnscored);

  for (Index i = 0; i < context; i += 2) {
    tokens[i] = draw_unused(draws, 1, half - 1, tokens.first(i));
    tokens[i + 1] = draw_unused(draws, half, half, tokens.subspan(1, i));
  }
  for (Index i = 0; i < context; i += 2) {
    const Index query = context + 2 * draw_free_slot(draws, labels.subspan(context));
    tokens[query] = tokens[i];
    labels[query] = tokens[i + 1];
  }
  if (split == Split::test && options_.unanswerable > 0) ask_what_was_not_shown(draws, tokens, labels);
}

// Replaces the keys of some queries by keys that no pair and no other query has. Their labels are values that
// the context does not have, so that no copy of a shown value counts as right.
void Mqar::ask_what_was_not_shown(Draws& draws, std::span<Token> tokens, std::span<Token> labels) const {
  const Index half = options_.vocab / 2, context = 2 * options_.pairs;
  // As pairs of key and value, so that draw_unused sees them: those of the context, then the new ones.
  std::vector<Token> used(tokens.begin(), tokens.begin() + context);
  for (Index query = context; query < std::ssize(tokens); query += 2) {
    if (labels[query] == kUnscored || draws.uniform() >= options_.unanswerable) continue;
    const std::span<const Token> before = used;
    const Token key = draw_unused(draws, 1, half - 1, before);
    const Token value = draw_unused(draws, half, half, before.subspan(1));
    used.insert(used.end(), {key, value});
    tokens[query] = key;
    labels[query] = value;
  }
}

bool Mqar::is_answerable(std::span<const Token> tokens, Index query) const {
  for (Index i = 0; i < 2 * options_.pairs; i += 2)
    if (tokens[i] == tokens[query]) return true;
  return false;
}

// The answer is the value that follows the key in the context; distractors are the other values there.
void Mqar::relevance(std::span<const Token> tokens, std::span<const Token> labels, Index query,
                     std::span<Relevance> keys) const {
  std::fill(keys.begin(), keys.end(), Relevance::none);
  if (labels[query] == kUnscored || !is_answerable(tokens, query)) return;
  for (Index i = 0; i < 2 * options_.pairs; i += 2)
    keys[i + 1] = tokens[i] == tokens[query] ? Relevance::answer : Relevance::distractor;
}

// Draws one of the slots without a label, with probability proportional to the weights. `labels`: those
// after the context.
Index Mqar::draw_free_slot(Draws& draws, std::span<const Token> labels) const {
  const Index slots = static_cast<Index>(weights_.size());
  const auto is_free = [&](Index s) { return labels[2 * s] == kUnscored; };
  double left = 0;
  for (Index s = 0; s < slots; ++s)
    if (is_free(s)) left += weights_[s];
  left *= draws.uniform();
  Index slot = -1;  // if rounding leaves a rest, it is the last free slot
  for (Index s = 0; s < slots && left >= 0; ++s)
    if (is_free(s)) left -= weights_[slot = s];
  return slot;
}

}  // namespace heed

HEED_TASK(mqar, heed::Mqar, "Multi-query associative recall: predict the values of repeated keys",
          "Arora et al. 2023 (Zoology)")
