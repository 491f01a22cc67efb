#include "experiments/tasks/text_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "experiments/tasks/subword_folder.h"

namespace heed {
namespace {

constexpr std::array<const char*, 3> kPartNames = {"training", "validation", "test"};

// Returns where the parts of `count` tokens or bytes begin and end. Without a test part, the rounding error
// goes to validation.
std::array<Index, 4> part_bounds(const std::vector<double>& split, Index count) {
  const double n = static_cast<double>(count);
  const auto train = static_cast<Index>(n * split[0]);
  const auto seen = split[2] > 0 ? static_cast<Index>(n * (split[0] + split[1])) : count;
  return {0, train, seen, count};
}

// Returns why a part of a text is too short, or an empty string. A window needs one token more than its
// length, for the last label.
std::string too_short(const TextOptions& o, const std::array<Index, 3>& sizes, Index count) {
  const std::string unit = o.unit == "bpe" ? "subwords" : o.unit;
  const std::array<Index, 3> needed = {o.length + 1, 2, o.split[2] > 0 ? 2 : 0};
  for (std::size_t i = 0; i < 3; ++i)
    if (sizes[i] < needed[i])
      return fmt::format("the text '{}' has {} {}, of which {} are for {}; it needs {} (length {})", o.path,
                         count, unit, sizes[i], kPartNames[i], needed[i], o.length);
  return "";
}

std::array<Index, 3> sizes_of(const std::array<Index, 4>& bounds) {
  return {bounds[1] - bounds[0], bounds[2] - bounds[1], bounds[3] - bounds[2]};
}

// Moves a position of a UTF-8 text forward to the next beginning of a character.
std::size_t next_beginning(const std::string& text, std::size_t at) {
  while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) ++at;
  return at;
}

// The parts of a text as bytes, for subwords, which are trained on the first one.
std::array<std::string, 3> parts_of_bytes(const TextOptions& options, const std::string& text) {
  const std::array<Index, 4> bounds = part_bounds(options.split, std::ssize(text));
  std::array<std::string, 3> out;
  for (std::size_t i = 0; i < 3; ++i) {
    const std::size_t begin = next_beginning(text, static_cast<std::size_t>(bounds[i]));
    std::size_t end = next_beginning(text, static_cast<std::size_t>(bounds[i + 1]));
    if (i == 0 && options.train_bytes > 0)
      end = std::min(end, next_beginning(text, static_cast<std::size_t>(options.train_bytes)));
    out[i] = text.substr(begin, end - begin);
  }
  return out;
}

// Reads the text that subwords are trained on. Throws: heed::Error if it cannot be read.
std::string training_text(const TextOptions& options) {
  return parts_of_bytes(options, read_corpus(options.path))[0];
}

bool check_split(const std::vector<double>& split, const Refuse& refuse) {
  if (split.size() != 3)
    refuse("split",
           fmt::format("expected three fractions, for train, validation and test, found {}", split.size()));
  else if (std::abs(split[0] + split[1] + split[2] - 1) > 1e-9)
    refuse("split",
           fmt::format("the fractions must add up to 1; they add up to {}", split[0] + split[1] + split[2]));
  else if (split[0] == 0 || split[1] == 0)
    refuse("split", "only the test fraction may be 0");
  else
    return true;
  return false;
}

}  // namespace

void TextOptions::complete() {
  if (content.empty()) content = corpus_hash(path);
  if (split.size() == 3) complete_subwords(path, [&] { return training_text(*this); });
}

void TextOptions::check(const Refuse& refuse) const {
  if (const std::string found = corpus_hash(path); !found.empty() && found != content)
    refuse("content",
           fmt::format("the content of '{}' has changed: its hash is {}, not {}", path, found, content));
  if (!check_split(split, refuse)) return;
  if (!check_vocab(refuse)) return;
  try {
    if (unit == "bpe")
      return check_subwords(
          path, [&] { return training_text(*this); }, refuse);
    // Characters are counted when the task is built; there are at most as many as bytes.
    const Index count = corpus_bytes(path);
    std::array<Index, 3> sizes = sizes_of(part_bounds(split, count));
    if (train_bytes > 0) sizes[0] = std::min(sizes[0], train_bytes);
    if (const std::string problem = too_short(*this, sizes, count); !problem.empty())
      refuse("length", problem + "; choose a longer text or a smaller length");
  } catch (const Error& error) {
    refuse("path", error.what());
  }
}

TextParts::TextParts(const TextOptions& options) : bytes_(options.unit == "bytes") {
  const std::string text = read_corpus(options.path);
  if (options.unit == "bpe")
    read_subwords(options, text);
  else
    read_units(options, text);
  const std::array<Index, 3> sizes = {std::ssize(part(Split::train)), std::ssize(part(Split::validation)),
                                      std::ssize(part(Split::test))};
  if (const std::string problem = too_short(options, sizes, std::ssize(text_.tokens)); !problem.empty())
    throw Error(problem + '.');
}

void TextParts::read_units(const TextOptions& options, const std::string& text) {
  text_ = bytes_ ? tokenize_bytes(text) : tokenize_characters(text, options.path);
  const std::array<Index, 4> bounds = part_bounds(options.split, std::ssize(text_.tokens));
  for (std::size_t i = 0; i < 3; ++i) parts_[i] = {bounds[i], bounds[i + 1]};
  if (options.train_bytes == 0) return;
  Index end = 0;
  for (Index left = options.train_bytes; end < parts_[0].end; ++end) {
    left -= std::ssize(decode(text_.tokens[static_cast<std::size_t>(end)]));
    if (left < 0) break;
  }
  parts_[0].end = end;
}

void TextParts::read_subwords(const TextOptions& options, const std::string& text) {
  (void)tokenize_characters(text, options.path);  // refuses a text that is not UTF-8
  const std::array<std::string, 3> parts = parts_of_bytes(options, text);
  subwords_ = options.make_subwords(options.path, parts[0]);
  text_ = {{}, subwords_->vocabulary(), subwords_->units()};
  subwords_origin_ = SubwordFolder::origin(parts[0], options.vocab);
  for (std::size_t i = 0; i < 3; ++i) {
    const std::vector<Token> tokens = subwords_->encode(parts[i]);
    parts_[i].begin = std::ssize(text_.tokens);
    text_.tokens.insert(text_.tokens.end(), tokens.begin(), tokens.end());
    parts_[i].end = std::ssize(text_.tokens);
  }
}

std::span<const Token> TextParts::part(Split split) const {
  const Part& p = parts_[static_cast<std::size_t>(split)];
  return std::span(text_.tokens).subspan(p.begin, p.end - p.begin);
}

Index TextParts::bytes(std::span<const Token> tokens) const {
  Index sum = 0;
  for (const Token t : tokens) sum += std::ssize(decode(t));
  return sum;
}

std::vector<Token> TextParts::encode(const std::string& text) const {
  return subwords_ ? subwords_->encode(text) : encode_units(text, text_.units, bytes_);
}

}  // namespace heed
