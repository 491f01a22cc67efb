#include "experiments/tasks/pairs.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>

#include "core/error.h"
#include "core/registry.h"
#include "experiments/tasks/subword_folder.h"

namespace heed {
namespace {

constexpr std::size_t kSplits = 3;
constexpr const char* kSplitNames[kSplits] = {"training", "validation", "test"};

// FNV-1a with 64 bits (Fowler, Noll, Vo) of the source's bytes, modulo 100: 0 .. 89 is training, 90 .. 94
// validation, 95 .. 99 test.
std::size_t split_of(std::string_view source) {
  std::uint64_t hash = 0xCBF29CE484222325;
  for (const char c : source) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3;
  const std::uint64_t percent = hash % 100;
  return percent < 90 ? 0 : percent < 95 ? 1 : 2;
}

struct Line {
  std::string source, target;
};

// Throws: heed::Error with the number of a line that is no pair.
std::vector<Line> read_lines(const std::string& path) {
  const std::string text = read_corpus(path);
  std::vector<Line> lines;
  for (std::size_t begin = 0, number = 1; begin < text.size(); ++number) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    std::string line = text.substr(begin, end - begin);
    begin = end + 1;
    if (line.ends_with('\r')) line.pop_back();
    const auto refuse = [&](const std::string& why) {
      throw Error(fmt::format("{}:{}: {}; a line is source TAB target, in UTF-8.", path, number, why));
    };
    for (std::size_t at = 0; at < line.size();)
      if (next_character(line, at) < 0) refuse(fmt::format("byte {} is not UTF-8", at + 1));
    const std::size_t tab = line.find('\t');
    if (tab == std::string::npos) refuse("there is no tab");
    if (line.find('\t', tab + 1) != std::string::npos) refuse("there is a second tab");
    if (tab == 0 || tab + 1 == line.size()) refuse(tab == 0 ? "the source is empty" : "the target is empty");
    lines.push_back({line.substr(0, tab), line.substr(tab + 1)});
  }
  return lines;
}

// All bytes, or the characters of the file, its tabs and newlines included.
std::vector<std::int64_t> alphabet_of(const std::vector<Line>& lines, bool bytes) {
  std::set<std::int64_t> units = {'\t', '\n'};
  for (std::int64_t b = 0; bytes && b < 256; ++b) units.insert(b);
  for (const Line& line : lines)
    for (const std::string* text : {&line.source, &line.target})
      for (std::size_t at = 0; !bytes && at < text->size();) units.insert(next_character(*text, at));
  return {units.begin(), units.end()};
}

// The text that subwords are trained on: the sources and targets of the training, a line each.
std::string training_text(const std::vector<Line>& lines) {
  std::string text;
  for (const Line& line : lines)
    if (split_of(line.source) == 0) text += line.source + '\n' + line.target + '\n';
  return text;
}

}  // namespace

void Pairs::Options::complete() {
  if (content.empty()) content = corpus_hash(path);
  complete_subwords(path, [&] { return training_text(read_lines(path)); });
}

void Pairs::Options::check(const Refuse& refuse) const {
  if (path.empty()) return refuse("path", "name a file of pairs, a line each: source TAB target");
  if (const std::string found = corpus_hash(path); !found.empty() && found != content)
    refuse("content",
           fmt::format("the content of '{}' has changed: its hash is {}, not {}", path, found, content));
  if (!check_vocab(refuse)) return;
  try {
    if (unit == "bpe")
      check_subwords(
          path, [&] { return training_text(read_lines(path)); }, refuse);
    else
      Pairs(*this, 0);
  } catch (const Error& error) {
    refuse("path", error.what());
  }
}

Pairs::Pairs(const Options& options, std::uint64_t seed)
    : path_(options.path),
      bytes_(options.unit == "bytes"),
      max_length_(options.max_length),
      draws_(seed, "pairs train") {
  const std::vector<Line> lines = read_lines(options.path);
  if (options.unit == "bpe") {
    const std::string text = training_text(lines);
    subwords_ = options.make_subwords(path_, text);
    subwords_origin_ = SubwordFolder::origin(text, options.vocab);
    units_ = subwords_->units();
  } else {
    alphabet_ = alphabet_of(lines, bytes_);
    for (const std::int64_t unit : alphabet_)
      units_.push_back(bytes_ ? std::string(1, static_cast<char>(unit))
                              : utf8(static_cast<std::int32_t>(unit)));
  }
  // Subwords have a token for each byte. No line has a tab or a newline, so nothing else is encoded by these.
  const auto token_of = [&](const char* unit) {
    return static_cast<Token>(std::ranges::find(units_, unit) - units_.begin());
  };
  tab_ = token_of("\t"), newline_ = token_of("\n");
  pairs_ = std::ssize(lines);
  for (const Line& line : lines) {
    Pair pair{encode(line.source), encode(line.target)};
    if (std::max(std::ssize(pair.source), std::ssize(pair.target)) > max_length_)
      ++left_out_;
    else
      parts_[split_of(line.source)].push_back(std::move(pair));
  }
  for (std::size_t i = 0; i < kSplits; ++i)
    if (parts_[i].empty())
      throw Error(
          fmt::format("'{}' has {} pairs of at most {} {}, and none of them is for {}; it needs more.", path_,
                      pairs_ - left_out_, max_length_, options.unit == "bpe" ? "subwords" : options.unit,
                      kSplitNames[i]));
}

TaskShape Pairs::shape() const {
  const Index vocabulary = std::ssize(units_);
  TaskShape shape = token_shape(vocabulary, max_length_ + 1, ModelType::encoder_decoder);
  shape.source = {Stream::Kind::tokens, vocabulary, max_length_};
  return shape;
}

std::optional<Index> Pairs::size(Split split) const {
  if (split == Split::train) return std::nullopt;
  return std::ssize(parts_[static_cast<std::size_t>(split)]);
}

std::string Pairs::note() const {
  if (left_out_ == 0) return "";
  return fmt::format("{} of the {} pairs in {} are longer than task.max_length ({}) and are left out.",
                     left_out_, pairs_, path_, max_length_);
}

// The input is the tab and the target, the labels are the target and the newline.
void Pairs::fill(Split split, std::uint64_t index, Example& example) const {
  const std::vector<Pair>& part = parts_[static_cast<std::size_t>(split)];
  if (split == Split::train) index = static_cast<std::uint64_t>(draws_.at(index).below(std::ssize(part)));
  HEED_CHECK(index < part.size(), "a pair after the end of its split was requested");
  const Pair& pair = part[static_cast<std::size_t>(index)];
  std::ranges::copy(pair.source, example.source.tokens.begin());
  example.source.length = std::ssize(pair.source);
  example.input.tokens[0] = tab_;
  std::ranges::copy(pair.target, example.input.tokens.begin() + 1);
  std::ranges::copy(pair.target, example.labels.begin());
  example.labels[pair.target.size()] = newline_;
  example.input.length = std::ssize(pair.target) + 1;
}

}  // namespace heed

HEED_TASK(pairs, heed::Pairs, "Source and target text from a TSV file: translation, summaries, answers", "")
