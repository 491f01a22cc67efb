#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "core/options.h"
#include "core/registry.h"
#include "experiments/tasks/streams.h"

namespace heed {
namespace {

constexpr Token kMin = 10, kMax = 11, kMed = 12, kEnd = 14;  // 13: the sum modulo 10 (SM)
constexpr Index kMostArguments = 64;

// The value of an operator's arguments; sorts them. An even number of arguments has two middle values, whose
// mean is rounded down.
Token value_of(Token op, std::span<Token> arguments) {
  std::ranges::sort(arguments);
  const std::size_t n = arguments.size();
  if (op == kMin) return arguments.front();
  if (op == kMax) return arguments.back();
  if (op == kMed) return (arguments[(n - 1) / 2] + arguments[n / 2]) / 2;
  Token sum = 0;
  for (const Token a : arguments) sum += a;
  return sum % 10;
}

// ListOps (Nangia & Bowman 2018; Tay et al. 2021, LRA): nested operations on lists of digits, as
// [MAX 2 9 [MIN 4 7 ] 0 ]. One label per sequence: the value.
class Listops final : public Task {
 public:
  struct Options {
    Index length = 64, shortest = 8, depth = 4, arguments = 5;
    double nested = 0.3;

    void describe(auto& option) {
      option("length", length, {.min = 4, .max = 1 << 16, .doc = "tokens in the longest sequence"});
      option("shortest", shortest, {.min = 4, .max = 1 << 16, .doc = "tokens in the shortest sequence"});
      option("depth", depth, {.min = 1, .max = 64, .doc = "how deep operators nest"});
      option("arguments", arguments,
             {.min = 2, .max = kMostArguments, .doc = "the most arguments of an operator; the fewest are 2"});
      option("nested", nested,
             {.min = 0, .max = 0.9, .doc = "the probability that an argument is an operator, not a digit"});
    }
    bool fits(Index tokens) const { return shortest <= tokens && tokens <= length; }
    void check(const Refuse& refuse) const;
  };

  Listops(const Options& options, std::uint64_t seed) : options_(options), streams_(seed, "listops") {}
  TaskShape shape() const override {
    return {.input = {Stream::Kind::tokens, 15, options_.length},
            .classes = 10,
            .model = ModelType::encoder,
            .labels = Labels::per_sequence};
  }
  // Draws sequences until one is neither too short nor too long.
  void fill(Split split, std::uint64_t index, Example& example) const override {
    Draws draws = streams_.at(split, index);
    do {
      example.input.length = 0;
      example.labels[0] = node(options_, draws, 0, example.input.tokens, example.input.length);
    } while (!options_.fits(example.input.length));
  }

 private:
  static Token node(const Options& options, Draws& draws, Index level, std::span<Token> tokens, Index& end);

  Options options_;
  Streams streams_;
};

// Writes a digit, or an operator with its arguments, from position `end` on, and returns its value. Moves
// `end` behind it. Once the tokens are full it stops, with any value and with `end` behind the tokens.
Token Listops::node(const Options& options, Draws& draws, Index level, std::span<Token> tokens, Index& end) {
  const auto write = [&](Token t) {
    if (end < std::ssize(tokens)) tokens[static_cast<std::size_t>(end)] = t;
    ++end;
    return t;
  };
  if (level == options.depth || (level > 0 && !draws.chance(options.nested)))
    return write(draw_token(draws, 0, 10));
  const Token op = write(draw_token(draws, kMin, 4));
  std::array<Token, kMostArguments> values{};
  const auto n = static_cast<std::size_t>(2 + draws.below(options.arguments - 1));
  for (std::size_t i = 0; i < n; ++i) {
    if (end >= std::ssize(tokens)) return write(0);
    values[i] = node(options, draws, level + 1, tokens, end);
  }
  write(kEnd);
  return value_of(op, std::span(values).first(n));
}

// Sequences are drawn until one fits, so that almost none fits is an error and not an endless loop.
void Listops::Options::check(const Refuse& refuse) const {
  constexpr std::uint64_t kTried = 1000;
  if (shortest > length)
    return refuse("shortest", fmt::format("{} must be at most 'length' ({})", shortest, length));
  std::vector<Token> tokens(static_cast<std::size_t>(length));
  Index fitting = 0;
  for (std::uint64_t i = 0; i < kTried; ++i) {
    Draws draws = Rng(0, "listops check").at(i);
    Index end = 0;
    node(*this, draws, 0, tokens, end);
    fitting += fits(end);
  }
  if (fitting < 10)
    refuse(
        "length",
        fmt::format("only {} of {} sequences with 'depth' {}, 'arguments' {} and 'nested' {} have {} to {} "
                    "tokens; choose another range",
                    fitting, kTried, depth, arguments, nested, shortest, length));
}

}  // namespace
}  // namespace heed

HEED_TASK(listops, heed::Listops, "Nested operations on lists of digits: one label per sequence",
          "Nangia & Bowman 2018; Tay et al. 2021 (LRA)")
