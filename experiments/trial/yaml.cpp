#include "experiments/trial/yaml.h"

#include <algorithm>
#include <cctype>
#include <sstream>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include "experiments/trial/yaml_mistake.h"
#include "results/atomic_file.h"
#include "results/utf8.h"

namespace heed {
namespace {

constexpr std::size_t kMaxBytes = 1 << 20;
constexpr std::size_t kMaxDepth = 32, kMaxValues = 100000;

// Where the text stops being readable as YAML.
struct Unreadable {
  Place place;
  std::string message;
};

// A text and the places in it. Lines and columns count characters from 1; with `whole`, every position is
// only the file's name.
class Source {
 public:
  Source(std::string_view text, std::string file, bool whole)
      : text_(text), file_(std::move(file)), whole_(whole) {
    lines_.push_back(0);
    for (std::size_t i = 0; i < text.size(); ++i)
      if (text[i] == '\n') lines_.push_back(i + 1);
  }

  Place at(std::size_t offset) const {
    const auto after = std::upper_bound(lines_.begin(), lines_.end(), offset);
    return at(after - lines_.begin() - 1, offset - *(after - 1));
  }
  Place at(const YAML::Mark& mark) const {
    return mark.is_null() ? at(0, 0) : at(mark.line, static_cast<std::size_t>(mark.column));
  }

 private:
  Place at(std::ptrdiff_t line, std::size_t byte) const {
    if (whole_) return {file_, 0, 0};
    const auto last = static_cast<std::ptrdiff_t>(lines_.size()) - 1;
    std::string_view before = text_.substr(lines_[static_cast<std::size_t>(std::min(line, last))]);
    before = before.substr(0, byte);
    const auto characters = std::count_if(
        before.begin(), before.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
    return {file_, static_cast<int>(line) + 1, static_cast<int>(characters) + 1};
  }

  std::string_view text_;
  std::string file_;
  bool whole_;
  std::vector<std::size_t> lines_;  // where each begins
};

void check_characters(std::string_view text, const Source& source) {
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = results::utf8_length(text.substr(i));
    if (length == 0) throw Unreadable{source.at(i), "this is not UTF-8; save the file as UTF-8."};
    const auto c = static_cast<unsigned char>(text[i]);
    const bool carriage_return = c == '\r' && i + 1 < text.size() && text[i + 1] == '\n';
    if ((c < 0x20 && c != '\n' && c != '\t' && !carriage_return) || c == 0x7F ||
        (c == 0xC2 && static_cast<unsigned char>(text[i + 1]) < 0xA0))
      throw Unreadable{source.at(i), "this is a control character; remove it."};
    i += length;
  }
}

bool has_leading_zero(const std::string& text) {
  const std::size_t sign = !text.empty() && (text[0] == '-' || text[0] == '+') ? 1 : 0;
  return text.size() > sign + 1 && text[sign] == '0' &&
         std::all_of(text.begin() + static_cast<std::ptrdiff_t>(sign), text.end(),
                     [](unsigned char c) { return std::isdigit(c); });
}

// Builds the tree from the parser's events, so that no tree of the parser's own has to be walked.
class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(const Source& source, Problems& problems) : source_(source), problems_(problems) {}

  Config take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    begin(mark, "?", anchor);
    Config null = Config::scalar("null", source_.at(mark));
    if (wants_key()) return add_key(mark, std::move(null));
    add(Config::null(source_.at(mark)));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    begin(mark, "?", 0);
    problems_.add(source_.at(mark), "aliases (*name) are not supported; write the value.");
    if (wants_key()) throw Unreadable{source_.at(mark), "a key must be a word."};
    add(Config::null(source_.at(mark)));
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    begin(mark, tag, anchor);
    const bool quoted = tag == "!";
    if (wants_key()) return add_key(mark, Config::scalar(value, source_.at(mark), quoted));
    if (!quoted && has_leading_zero(value)) {
      problems_.add(source_.at(mark),
                    fmt::format("{0} begins with a zero, which some YAML readers read as octal; write it "
                                "without the zero, or in quotes if it is a string.",
                                value));
      return add(Config::scalar("1", source_.at(mark)));  // no second complaint about the same value
    }
    add(Config::scalar(value, source_.at(mark), quoted));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    begin(mark, tag, anchor);
    open(mark, Config::sequence({}, source_.at(mark)));
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    begin(mark, tag, anchor);
    open(mark, Config::map(source_.at(mark)));
  }
  void OnMapEnd() override { close(); }

 private:
  struct Level {
    Config value;
    std::optional<Config> key = {};  // of a map: read, its value still to come
  };

  void begin(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    if (++values_ > kMaxValues)
      throw Unreadable{source_.at(mark), fmt::format("there are more than {} values.", kMaxValues)};
    if (anchor != 0) problems_.add(source_.at(mark), "anchors (&name) are not supported; remove it.");
    if (!tag.empty() && tag != "?" && tag != "!")
      problems_.add(source_.at(mark), fmt::format("tags ({}) are not supported; remove it.", tag));
  }

  bool wants_key() const { return !open_.empty() && open_.back().value.is_map() && !open_.back().key; }

  void add_key(const YAML::Mark& mark, Config key) {
    if (const Config::Entry* earlier = find_entry(open_.back().value, key.text()))
      problems_.add(source_.at(mark), fmt::format("'{}' is a duplicate key; it is already {}.", key.text(),
                                                  earlier->key_place.line > 0
                                                      ? fmt::format("on line {}", earlier->key_place.line)
                                                      : "in this map"));
    open_.back().key = std::move(key);
  }

  static const Config::Entry* find_entry(const Config& map, const std::string& key) {
    for (const Config::Entry& e : map.entries())
      if (e.key == key) return &e;
    return nullptr;
  }

  void open(const YAML::Mark& mark, Config empty) {
    if (wants_key())
      throw Unreadable{source_.at(mark),
                       "a key must be a word, not a list or a map. Is a bracket left open?"};
    if (open_.size() == kMaxDepth)
      throw Unreadable{source_.at(mark), fmt::format("this is nested more than {} levels deep.", kMaxDepth)};
    open_.push_back({std::move(empty)});
  }

  void close() {
    Config value = std::move(open_.back().value);
    open_.pop_back();
    add(std::move(value));
  }

  void add(Config value) {
    if (open_.empty()) {
      root_ = std::move(value);
    } else if (Level& level = open_.back(); level.value.is_sequence()) {
      level.value.items().push_back(std::move(value));
    } else {
      const Config key = *std::exchange(level.key, std::nullopt);
      if (value.is_null()) value = Config::null(key.place());  // the parser's mark is that of the next token
      if (!find_entry(level.value, key.text()))                // else refused as a duplicate
        level.value.entries().push_back({key.text(), key.place(), std::move(value)});
    }
  }

  const Source& source_;
  Problems& problems_;
  std::vector<Level> open_;
  std::size_t values_ = 0;
  Config root_;
};

// Records where another document begins. Its content does not matter.
struct Rest final : YAML::EventHandler {
  std::optional<YAML::Mark> start;
  void OnDocumentStart(const YAML::Mark& mark) override { start = mark; }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {
  }
  void OnMapEnd() override {}
};

Config parse(std::string_view text, const Source& source, Problems& problems) {
  if (text.size() > kMaxBytes)
    throw Unreadable{source.at(0),
                     fmt::format("the file has {} bytes; at most {} are allowed.", text.size(), kMaxBytes)};
  if (text.starts_with("\x89HDF"))
    throw Unreadable{source.at(0), "this is an HDF5 file; a YAML file is expected here."};
  check_characters(text, source);
  std::istringstream stream{std::string(text)};
  try {
    YAML::Parser parser(stream);
    TreeBuilder builder(source, problems);
    if (!parser.HandleNextDocument(builder))
      throw Unreadable{source.at(0), "it is empty; a value is expected here."};
    // One more call and no loop: before a stray comma this parser makes empty documents for ever.
    Rest rest;
    parser.HandleNextDocument(rest);
    if (rest.start)
      throw Unreadable{source.at(*rest.start), "this is after the end of the document; remove it."};
    return builder.take();
  } catch (const YAML::ParserException& e) {
    if (const auto tab = find_indenting_tab(text, e.mark.line))
      throw Unreadable{source.at(*tab), "this is a tab; indent with spaces."};
    if (const auto key = find_long_key(text))
      throw Unreadable{
          source.at(*key),
          fmt::format("a key has more than {} characters, which YAML does not read.", kLongestKey)};
    throw Unreadable{source.at(e.mark), plain_mistake(e.msg)};
  }
}

std::optional<Config> parse_or_report(std::string_view text, const Source& source, Problems& problems) {
  try {
    return parse(text, source, problems);
  } catch (const Unreadable& e) {
    problems.add(e.place, e.message);
    return std::nullopt;
  }
}

}  // namespace

std::optional<Config> parse_yaml(std::string_view text, const std::string& file, Problems& problems) {
  return parse_or_report(text, Source(text, file, false), problems);
}

std::optional<Config> read_yaml(const std::filesystem::path& file, Problems& problems) {
  return parse_yaml(results::read_text(file), file.string(), problems);
}

std::optional<Config> parse_yaml_value(std::string_view text, const std::string& file, Problems& problems) {
  return parse_or_report(text, Source(text, file, true), problems);
}

}  // namespace heed
