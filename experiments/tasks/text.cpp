#include "experiments/tasks/text.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <cmath>

#include "core/registry.h"

namespace heed {
namespace {

// Returns where the parts of `count` tokens begin and end. Without a test part, the rounding error goes to
// validation.
std::array<Index, 4> part_bounds(const std::vector<double>& split, Index count) {
  const double n = static_cast<double>(count);
  const auto train = static_cast<Index>(n * split[0]);
  const auto seen = split[2] > 0 ? static_cast<Index>(n * (split[0] + split[1])) : count;
  return {0, train, seen, count};
}

// Returns why a text of `count` tokens is too short, or an empty string. A window needs one token more than
// its length, for the last label.
std::string too_short(const Text::Options& o, Index count) {
  const std::array<Index, 4> bounds = part_bounds(o.split, count);
  const Index needed[] = {o.length + 1, 2, o.split[2] > 0 ? 2 : 0};
  const char* names[] = {"training", "validation", "test"};
  for (std::size_t i = 0; i < 3; ++i)
    if (bounds[i + 1] - bounds[i] < needed[i])
      return fmt::format("the text '{}' has {} {}, of which {} are for {}; it needs {} (length {})", o.path,
                         count, o.unit, bounds[i + 1] - bounds[i], names[i], needed[i], o.length);
  return "";
}

// Returns the hash of the text. The prefix keeps a hash that has only digits from being read as a number.
// Returns an empty string if the text cannot be read, which check() reports.
std::string hash_of(const std::string& path) {
  try {
    const std::string text = read_corpus(path);
    return fmt::format("xxh-{:016x}", XXH64(text.data(), text.size(), 0));
  } catch (const Error&) {
    return "";
  }
}

}  // namespace

void Text::Options::complete() {
  if (content.empty()) content = hash_of(path);
}

void Text::Options::check(const Refuse& refuse) const {
  if (const std::string found = hash_of(path); !found.empty() && found != content)
    refuse("content",
           fmt::format("the content of '{}' has changed: its hash is {}, not {}", path, found, content));
  if (split.size() != 3)
    return refuse("split", fmt::format("expected three fractions, for train, validation and test, found {}",
                                       split.size()));
  if (std::abs(split[0] + split[1] + split[2] - 1) > 1e-9)
    return refuse("split", fmt::format("the fractions must add up to 1; they add up to {}",
                                       split[0] + split[1] + split[2]));
  if (split[0] == 0 || split[1] == 0) return refuse("split", "only the test fraction may be 0");
  try {
    // Characters are counted when the task is built; there are at most as many as bytes.
    if (const std::string problem = too_short(*this, corpus_bytes(path)); !problem.empty())
      refuse("length", problem + "; choose a longer text or a smaller length");
  } catch (const Error& error) {
    refuse("path", error.what());
  }
}

Text::Text(const Options& options, std::uint64_t seed)
    : length_(options.length), starts_(seed, "text train") {
  const std::string text = read_corpus(options.path);
  text_ = options.unit == "bytes" ? tokenize_bytes(text) : tokenize_characters(text, options.path);
  const Index count = static_cast<Index>(text_.tokens.size());
  if (const std::string problem = too_short(options, count); !problem.empty()) throw Error(problem + '.');
  bounds_ = part_bounds(options.split, count);
}

std::span<const Token> Text::part(Split split) const {
  const auto i = static_cast<std::size_t>(split);
  return std::span(text_.tokens).subspan(bounds_[i], bounds_[i + 1] - bounds_[i]);
}

// The first token of a part has no predecessor and is never a label: n tokens give n-1 scored positions.
std::optional<Index> Text::size(Split split) const {
  if (split == Split::train) return std::nullopt;
  const Index n = static_cast<Index>(part(split).size());
  return n == 0 ? 0 : (n - 1 + length_ - 1) / length_;
}

std::optional<Index> Text::scored_bytes(Split split) const {
  if (split == Split::train) return std::nullopt;
  Index bytes = 0;
  const std::span<const Token> tokens = part(split);
  for (std::size_t i = 1; i < tokens.size(); ++i) bytes += text_.bytes[static_cast<std::size_t>(tokens[i])];
  return bytes;
}

void Text::sequence(Split split, std::uint64_t index, std::span<Token> tokens,
                    std::span<Token> labels) const {
  const std::span<const Token> from = part(split);
  const Index n = static_cast<Index>(from.size());
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

HEED_TASK(text, heed::Text, "The next byte or character of a text file", "")
