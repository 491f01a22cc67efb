#include "experiments/tasks/recall.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/registry.h"

namespace heed {
namespace {

// Returns the key's value in the pairs so far, or kUnscored. Noise tokens are never keys.
Token value_of(Token key, std::span<const Token> pairs) {
  for (std::size_t i = 0; i < pairs.size(); i += 2)
    if (pairs[i] == key) return pairs[i + 1];
  return kUnscored;
}

// Draws one of the different keys of the pairs with equal probability. `recalled` has labels at repeated
// keys.
Token draw_shown_key(Draws& draws, Index keys, std::span<const Token> pairs,
                     std::span<const Token> recalled) {
  const auto is_first = [&](std::size_t i) { return pairs[i] < keys && recalled[i] == kUnscored; };
  Index different = 0;
  for (std::size_t i = 0; i < pairs.size(); i += 2) different += is_first(i);
  Index left = draws.below(different);
  std::size_t i = 0;
  while (!is_first(i) || left-- > 0) i += 2;
  return pairs[i];
}

}  // namespace

void Recall::Options::check(const Refuse& refuse) const {
  if (length % 2 != 0)
    refuse("length", fmt::format("{} is odd; it must be even, because a sequence consists of pairs", length));
  const Index rest = vocab - noise_vocab;
  if (rest < 2 || rest % 2 != 0)
    refuse("vocab",
           fmt::format("{} without the {} noise tokens leaves {}; it must leave an even number above 0, half "
                       "for keys and half for values",
                       vocab, noise_vocab, rest));
  if (noise > 0 && noise_vocab == 0)
    refuse("noise", fmt::format("{} needs a 'noise_vocab' of at least 1", noise));
}

// T/2 pairs. The label of a repeated key is its value. Other positions have no label, unless training
// scores all next tokens.
void Recall::sequence(Split split, std::uint64_t index, std::span<Token> tokens,
                      std::span<Token> labels) const {
  Draws draws = streams_.at(split, index);
  const Index noise = options_.noise_vocab, keys = (options_.vocab - noise) / 2, last = options_.length - 2;
  const Index never_noise = 2 * draws.below(last / 2);  // so that at least one key is shown
  std::fill(labels.begin(), labels.end(), kUnscored);

  for (Index i = 0; i < last; i += 2) {
    if (draws.chance(options_.noise) && i != never_noise) {
      tokens[i] = draw_token(draws, 2 * keys, noise);
      tokens[i + 1] = draw_token(draws, 2 * keys, noise);
    } else {
      tokens[i] = draw_token(draws, 0, keys);
      labels[i] = value_of(tokens[i], tokens.first(i));
      tokens[i + 1] = labels[i] != kUnscored ? labels[i] : draw_token(draws, keys, keys);
    }
  }
  tokens[last] = draw_shown_key(draws, keys, tokens.first(last), labels);
  labels[last] = tokens[last + 1] = value_of(tokens[last], tokens.first(last));

  if (split == Split::train && options_.labels == "all")
    std::copy(tokens.begin() + 1, tokens.end(), labels.begin());
}

// Answers are the values that follow the same key. Distractors are the noise tokens, or other values if the
// task has no noise.
void Recall::relevance(std::span<const Token> tokens, std::span<const Token> labels, Index query,
                       std::span<Relevance> keys) const {
  std::fill(keys.begin(), keys.end(), Relevance::none);
  if (query % 2 != 0 || labels[query] == kUnscored) return;
  const Token first_noise = static_cast<Token>(options_.vocab - options_.noise_vocab);
  const Token value = value_of(tokens[query], tokens.first(query));
  if (tokens[query] >= first_noise || value == kUnscored) return;  // noise, or the first occurrence of a key
  for (Index i = 0; i < query; i += 2) {
    if (tokens[i] == tokens[query])
      keys[i + 1] = Relevance::answer;
    else if (tokens[i] >= first_noise)
      keys[i] = keys[i + 1] = Relevance::distractor;
    else if (options_.noise_vocab == 0 && tokens[i + 1] != value)
      keys[i + 1] = Relevance::distractor;
  }
}

}  // namespace heed

HEED_TASK(recall, heed::Recall, "In-context recall: predict the values of repeated keys",
          "Poli et al. 2024 (MAD)")
