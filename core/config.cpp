#include "core/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <tuple>

#include "core/abbreviate.h"

namespace heed {
namespace {

// Returns true for text that YAML 1.1 readers would not read as a string. It is written in quotes.
bool needs_quotes(const std::string& text) {
  if (text.empty() || text.front() == ' ' || text.back() == ' ') return true;
  if (text.find_first_of(":#{}[],&*!|>'\"%@`\n\t\\") != std::string::npos) return true;
  if (text.front() == '-' || text.front() == '+' || text.front() == '?') return true;
  if (text.size() > 1 && text[0] == '0' && std::isdigit(static_cast<unsigned char>(text[1]))) return true;
  const Config plain = Config::scalar(text);
  double number;
  bool boolean;
  static const std::vector<std::string> words = {"null", "Null", "NULL", "~",  "yes", "no",
                                                 "on",   "off",  "Yes",  "No", "On",  "Off"};
  return plain.read(number) || plain.read(boolean) ||
         std::find(words.begin(), words.end(), text) != words.end();
}

std::string quote(const std::string& text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n')
      out += "\\n";
    else if (c == '\t')
      out += "\\t";
    else
      out += c;
  }
  return out + '"';
}

// A scalar in its one canonical spelling: 1e-3 and 0.001 agree, "1" and 1 do not.
std::string canonical_scalar(const Config& c) {
  long long integer;
  double number;
  bool boolean;
  if (c.read(integer)) return fmt::format("{}", integer);
  if (c.read(number)) {
    // An integer written as 1.0 or 1e3 means the same as 1 or 1000 to every option that takes numbers.
    if (std::abs(number) < 0x1p63 && number == std::floor(number))
      return fmt::format("{}", static_cast<long long>(number));
    return fmt::format("{}", number);  // shortest text that reads back to the same double
  }
  if (c.read(boolean)) return boolean ? "true" : "false";
  return needs_quotes(c.text()) ? quote(c.text()) : c.text();
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i)
    for (std::size_t j = 1; j <= b.size(); ++j) {
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  return d[a.size()][b.size()];
}

template <class T>
bool parse_whole(const std::string& text, T& value) {
  // from_chars accepts no plus sign; after one, a minus sign is an error.
  const bool plus = text.size() > 1 && text[0] == '+' && text[1] != '-';
  const char* begin = text.data() + (plus ? 1 : 0);
  const auto [end, error] = std::from_chars(begin, text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

// Returns the digits of an integer with an exponent: "1e4" and "1.5e3" become "10000" and "1500". Returns an
// empty string for another text, and for a number that is no integer.
std::string without_exponent(const std::string& text) {
  constexpr std::ptrdiff_t kMostDigits = 19;  // of a long long
  const std::size_t e = text.find_first_of("eE"), sign = text.find_first_of("+-") == 0 ? 1 : 0;
  std::ptrdiff_t exponent = 0;
  if (e == std::string::npos || !parse_whole(text.substr(e + 1), exponent)) return "";
  if (std::abs(exponent) > kMostDigits) return "";
  std::string digits = text.substr(sign, e - sign);
  if (const std::size_t point = digits.find('.'); point != std::string::npos) {
    digits.erase(point, 1);
    exponent -= std::ssize(digits) - static_cast<std::ptrdiff_t>(point);
  }
  if (digits.empty()) return "";  // "e4" is a word
  for (; exponent < 0 && digits.size() > 1 && digits.back() == '0'; ++exponent) digits.pop_back();
  if (exponent < 0) return "";
  return text.substr(0, sign) + digits + std::string(static_cast<std::size_t>(exponent), '0');
}

}  // namespace

std::string Place::to_string() const { return line > 0 ? fmt::format("{}:{}:{}", file, line, column) : file; }

Config Config::null(Place place) {
  Config c;
  c.place_ = std::move(place);
  return c;
}

Config Config::scalar(std::string text, Place place, bool quoted) {
  Config c;
  c.kind_ = Kind::scalar;
  c.text_ = std::move(text);
  c.place_ = std::move(place);
  c.quoted_ = quoted;
  return c;
}

Config Config::sequence(std::vector<Config> items, Place place) {
  Config c;
  c.kind_ = Kind::sequence;
  c.items_ = std::move(items);
  c.place_ = std::move(place);
  return c;
}

Config Config::map(Place place) {
  Config c;
  c.kind_ = Kind::map;
  c.place_ = std::move(place);
  return c;
}

Config Config::number(double value) { return scalar(fmt::format("{}", value)); }
Config Config::integer(long long value) { return scalar(fmt::format("{}", value)); }
Config Config::boolean(bool value) { return scalar(value ? "true" : "false"); }

const Config* Config::find(std::string_view key) const {
  for (const Entry& e : entries_)
    if (e.key == key) return &e.value;
  return nullptr;
}

Config* Config::find(std::string_view key) { return const_cast<Config*>(std::as_const(*this).find(key)); }

void Config::set(const std::string& key, Config value, Place key_place) {
  if (kind_ == Kind::null) kind_ = Kind::map;
  HEED_CHECK(is_map(), "a key was set in a value that is not a map");
  for (Entry& e : entries_)
    if (e.key == key) {
      e.value = std::move(value);
      return;
    }
  entries_.push_back({key, std::move(key_place), std::move(value)});
}

void Config::erase(std::string_view key) {
  std::erase_if(entries_, [&](const Entry& e) { return e.key == key; });
}

const Config* Config::find_path(std::string_view path) const {
  const auto dot = path.find('.');
  const Config* here = find(path.substr(0, dot));
  return !here || dot == std::string_view::npos ? here : here->find_path(path.substr(dot + 1));
}

void Config::set_path(std::string_view path, Config value) {
  const auto dot = path.find('.');
  const std::string key(path.substr(0, dot));
  if (dot == std::string_view::npos) return set(key, std::move(value));
  Config* inner = find(key);
  if (!inner || !inner->is_map()) {
    set(key, map());
    inner = find(key);
  }
  inner->set_path(path.substr(dot + 1), std::move(value));
}

bool Config::read(bool& value) const {
  if (!is_scalar() || quoted_ || (text_ != "true" && text_ != "false")) return false;
  value = text_ == "true";
  return true;
}

bool Config::read(long long& value) const {
  if (!is_scalar() || quoted_) return false;
  // 010 is 8 to some YAML readers and 10 to others, so it is refused.
  const std::size_t sign = !text_.empty() && (text_[0] == '-' || text_[0] == '+') ? 1 : 0;
  if (text_.size() > sign + 1 && text_[sign] == '0') return false;
  return parse_whole(text_, value) || parse_whole(without_exponent(text_), value);
}

bool Config::read(double& value) const {
  if (!is_scalar() || quoted_) return false;
  // A digit or a point must follow the sign: no option accepts inf or nan.
  const std::size_t sign = !text_.empty() && (text_[0] == '-' || text_[0] == '+') ? 1 : 0;
  if (text_.size() <= sign || !(std::isdigit(static_cast<unsigned char>(text_[sign])) || text_[sign] == '.'))
    return false;
  if (text_.size() > sign + 1 && text_[sign] == '0' &&
      std::isdigit(static_cast<unsigned char>(text_[sign + 1])))
    return false;
  return parse_whole(text_, value) && std::isfinite(value);
}

std::string Config::described() const {
  switch (kind_) {
    case Kind::null:
      return "null";
    case Kind::scalar: {
      double number;
      bool boolean;
      return read(number) || read(boolean) ? text_ : fmt::format("the string '{}'", text_);
    }
    case Kind::sequence:
      return items_.empty() ? "an empty list" : fmt::format("a list of {}", items_.size());
    case Kind::map:
      return entries_.empty() ? "an empty map" : "a map";
  }
  return "";
}

std::string Config::canonical() const {
  switch (kind_) {
    case Kind::null:
      return "null";
    case Kind::scalar:
      return canonical_scalar(*this);
    case Kind::sequence: {
      std::string out;
      for (const Config& item : items_) out += (out.empty() ? "" : ", ") + item.canonical();
      return '[' + out + ']';
    }
    case Kind::map:
      break;
  }
  std::vector<std::string> parts;
  for (const Entry& e : entries_) parts.push_back(e.key + ": " + e.value.canonical());
  std::sort(parts.begin(), parts.end());
  return fmt::format("{{{}}}", fmt::join(parts, ", "));
}

std::string Config::yaml(int indent) const {
  if (!is_map() || entries_.empty()) return canonical();
  std::string out;
  for (const Entry& e : entries_) {
    out += std::string(static_cast<std::size_t>(indent), ' ') + e.key + ':';
    if (e.value.is_map() && !e.value.entries().empty())
      out += '\n' + e.value.yaml(indent + 2);
    else
      out += ' ' + e.value.canonical() + '\n';
  }
  return out;
}

void Problems::add(const Place& place, const std::string& message) {
  const std::string where = place.to_string(), shown = abbreviated(message);
  insert(place, where.empty() ? shown : where + ": " + shown);
}

void Problems::add(const Problems& others) {
  for (std::size_t i = 0; i < others.lines_.size(); ++i) insert(others.places_[i], others.lines_[i]);
  more_ += others.more_;
}

void Problems::insert(const Place& place, const std::string& line) {
  constexpr std::size_t enough = 100;
  if (std::find(lines_.begin(), lines_.end(), line) != lines_.end()) return;
  if (lines_.size() == enough) {
    ++more_;
    return;
  }
  // Problems without a place (line 0) come first.
  const auto before = [](const Place& a, const Place& b) {
    return std::tie(a.line, a.column) < std::tie(b.line, b.column);
  };
  const auto at = std::upper_bound(places_.begin(), places_.end(), place, before) - places_.begin();
  places_.insert(places_.begin() + at, place);
  lines_.insert(lines_.begin() + at, line);
}

void Problems::throw_if_any() const {
  if (empty()) return;
  throw ConfigError(fmt::format("{}{}", fmt::join(lines_, "\n"),
                                more_ ? fmt::format("\n... and {} more like these.", more_) : ""));
}

std::string nearest(std::string_view name, const std::vector<std::string>& candidates) {
  std::string best;
  // A larger distance is no typing error; in a short word, two other letters make another word.
  std::size_t least = std::max<std::size_t>(name.size() < 5 ? 1 : 2, name.size() / 3) + 1;
  for (const std::string& c : candidates) {
    const std::size_t longer = std::max(name.size(), c.size()), shorter = std::min(name.size(), c.size());
    if (longer - shorter >= least) continue;  // the edit distance is at least the difference in length
    if (const std::size_t d = edit_distance(name, c); d < least) least = d, best = c;
  }
  return best;
}

std::string suggestion(std::string_view name, const std::vector<std::string>& candidates) {
  constexpr std::size_t most = 50;
  std::vector<std::string> known;
  for (const std::string& c : candidates)
    if (std::find(known.begin(), known.end(), c) == known.end()) known.push_back(c);
  const std::string near = nearest(name, known);
  std::string hint = near.empty() ? "" : fmt::format(" Did you mean '{}'?", near);
  if (known.empty()) return hint;
  const std::size_t more = known.size() > most ? known.size() - most : 0;
  known.resize(known.size() - more);
  return fmt::format("{} Known: {}{}.", hint, fmt::join(known, ", "),
                     more ? fmt::format(" and {} more", more) : "");
}

}  // namespace heed
