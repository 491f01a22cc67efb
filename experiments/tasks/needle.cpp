#include "experiments/tasks/needle.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/registry.h"

namespace heed {
namespace {

constexpr Index kBytes = 256;

}  // namespace

std::optional<double> Needle::Options::fixed_depth() const {
  double number;
  if (depth != "uniform" && Config::scalar(depth).read(number)) return number;
  return std::nullopt;
}

Text::Options Needle::Options::text() const {
  Text::Options out;
  out.path = path;
  out.content = content;
  out.length = length;
  return out;
}

void Needle::Options::complete() {
  if (filler != "text") return;
  Text::Options of_text = text();
  of_text.complete();
  content = of_text.content;
}

void Needle::Options::check(const Refuse& refuse) const {
  if (ask > needles) refuse("ask", fmt::format("{} must be at most 'needles' ({})", ask, needles));
  if (needles > keys)
    refuse("needles", fmt::format("{} must be at most 'keys' ({}): no key is shown twice", needles, keys));
  if (needles > 1 && 4 * needles > context())
    refuse("needles", fmt::format("{} pairs need a context of at least {} tokens; 'length' {} leaves {}",
                                  needles, 4 * needles, length, context()));
  const std::optional<double> number = fixed_depth();
  if (depth != "uniform" && (!number || *number < 0 || *number > 1))
    refuse("depth", fmt::format("expected 'uniform' or a number from 0 to 1, found '{}'", depth));
  if (filler == "text") text().check(refuse);
}

Needle::Needle(const Options& options, std::uint64_t seed)
    : options_(options), fixed_depth_(options.fixed_depth()), streams_(seed, "needle") {
  if (options.filler == "text") text_ = std::make_unique<const Text>(options.text(), seed);
}

// Keys 0 .. n-1, values n .. 2n-1, then the filler's tokens.
Index Needle::vocabulary() const { return 2 * options_.keys + (text_ ? kBytes : options_.filler_vocab); }

// Filler of the context. Windows of a text's validation and test part are used again after the last.
void Needle::fill_context(Draws& draws, Split split, std::uint64_t index, std::span<Token> tokens,
                          std::span<Token> labels) const {
  const auto first = static_cast<Token>(2 * options_.keys);
  if (!text_) {
    for (Token& t : tokens) t = draw_token(draws, first, options_.filler_vocab);
    return;
  }
  const std::optional<Index> windows = text_->size(split);
  // The last window may be padded, so it is left out if there is another one.
  const Index whole = windows ? std::max<Index>(1, *windows - 1) : 0;
  Example window{{.tokens = tokens, .length = std::ssize(tokens)}, labels};
  text_->fill(split, windows ? index % static_cast<std::uint64_t>(whole) : index, window);
  for (Token& t : tokens) t += first;
}

// Returns a position such that it and the next one are filler. Its distribution is uniform; that of the first
// pair may be fixed.
Index Needle::place(Draws& draws, std::span<const Token> tokens, bool first) const {
  const Index last = options_.context() - 2;
  if (first && fixed_depth_) return std::lround(*fixed_depth_ * static_cast<double>(last));
  for (;;) {
    const Index at = draws.below(last + 1);
    if (std::min(tokens[at], tokens[at + 1]) >= 2 * options_.keys) return at;
  }
}

// Draws one of the keys, or values, until it is not among the tokens of the context.
Token Needle::draw_unused(Draws& draws, Index first_token, std::span<const Token> tokens) const {
  const std::span<const Token> context = tokens.first(options_.context());
  for (;;) {
    const Token drawn = draw_token(draws, first_token, options_.keys);
    if (std::ranges::find(context, drawn) == context.end()) return drawn;
  }
}

// Filler in which each pair k v has a place of its own; then the keys of the first pairs, whose labels are
// their values.
void Needle::sequence(Split split, std::uint64_t index, std::span<Token> tokens,
                      std::span<Token> labels) const {
  Draws draws = streams_.at(split, index);
  fill_context(draws, split, index, tokens, labels);
  std::fill(labels.begin(), labels.end(), kUnscored);
  for (Index i = 0; i < options_.needles; ++i) {
    const Index at = place(draws, tokens, i == 0);
    const Token key = draw_unused(draws, 0, tokens), value = draw_unused(draws, options_.keys, tokens);
    tokens[at] = key;
    tokens[at + 1] = value;
    if (i >= options_.ask) continue;
    tokens[options_.context() + i] = key;
    labels[options_.context() + i] = value;
  }
}

double Needle::depth(std::span<const Token> tokens, Index query) const {
  const Index at = std::ranges::find(tokens, tokens[query]) - tokens.begin();
  const Index last = options_.context() - 2;
  return last == 0 ? 0 : static_cast<double>(at) / static_cast<double>(last);
}

// The answer is the value after the key; distractors are the values of the other pairs.
void Needle::relevance(std::span<const Token> tokens, std::span<const Token> labels, Index query,
                       std::span<Relevance> keys) const {
  std::fill(keys.begin(), keys.end(), Relevance::none);
  if (labels[query] == kUnscored) return;
  for (Index t = 1; t < options_.context(); ++t)
    if (tokens[t - 1] < options_.keys)
      keys[t] = tokens[t - 1] == tokens[query] ? Relevance::answer : Relevance::distractor;
}

}  // namespace heed

HEED_TASK(needle, heed::Needle, "A needle in a haystack: the value of a key hidden in filler",
          "Kamradt 2023; Ye et al. 2024")
