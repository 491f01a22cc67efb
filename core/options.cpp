#include "core/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>

namespace heed {

void Refuse::operator()(const std::string& option, const std::string& message) const {
  const Config* given = in_.find(option);
  // A message of several lines ends with what it quotes.
  const char* end = message.ends_with('.') || message.find('\n') != std::string::npos ? "" : ".";
  problems_.add(given ? given->place() : in_.place(),
                fmt::format("{}.{}: {}{}", path_, option, message, end));
}

namespace detail {
namespace {

// Integers count things, and no count is larger. So a product of two of them fits into an Index.
constexpr double kLargestInteger = 2147483647;

std::string range(const OptionText& text) {
  if (text.min && text.max) return fmt::format("from {} to {}", *text.min, *text.max);
  if (text.min) return fmt::format("at least {}", *text.min);
  return fmt::format("at most {}", *text.max);
}

void check_range(const Config& c, const std::string& path, const OptionText& text, double value,
                 Problems& problems) {
  if ((text.min && value < *text.min) || (text.max && value > *text.max))
    problems.add(c.place(),
                 fmt::format("{}: {} is out of range; it must be {}.", path, c.text(), range(text)));
}

template <class T, class V>
bool read_or_report(const Config& c, const std::string& path, const char* wanted, V& read_to, T& value,
                    Problems& problems) {
  if (c.read(read_to)) {
    value = static_cast<T>(read_to);
    return true;
  }
  problems.add(c.place(), fmt::format("{}: expected {}, found {}.", path, wanted, c.described()));
  return false;
}

template <class T>
void read_list(const Config& c, const std::string& path, const OptionText& text, const char* wanted,
               std::vector<T>& value, Problems& problems) {
  if (!c.is_sequence())
    return problems.add(c.place(), fmt::format("{}: expected {}, found {}.", path, wanted, c.described()));
  value.clear();
  for (std::size_t i = 0; i < c.items().size(); ++i)
    from_config(c.items()[i], fmt::format("{}[{}]", path, i), text, value.emplace_back(), problems);
}

// "true" or "false" for other spellings of them (YAML 1.1, Python, numbers, quotes), else empty.
std::string meant_boolean(const Config& c) {
  if (!c.is_scalar()) return "";
  std::string word = c.text();
  std::transform(word.begin(), word.end(), word.begin(),
                 [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  for (const char* same : {"true", "yes", "on", "y", "t", "1"})
    if (word == same) return "true";
  for (const char* same : {"false", "no", "off", "n", "f", "0"})
    if (word == same) return "false";
  return "";
}

// "1.5" for 1,5; empty if that is no number.
std::string with_point(const Config& c) {
  const std::size_t comma = c.text().find(',');
  if (!c.is_scalar() || comma == std::string::npos) return "";
  std::string text = c.text();
  text[comma] = '.';
  double number;
  return Config::scalar(text).read(number) ? text : "";
}

// In {lr: 1,5} the parser finds the key 5 without a value. Returns what was probably meant, or "".
std::string meant_decimal(const Config::Entry& before, const Config::Entry& e) {
  long long whole, digits;
  const bool is_decimal =
      e.value.is_null() && before.value.read(whole) && Config::scalar(e.key).read(digits) && digits >= 0;
  return is_decimal ? fmt::format(" Did you mean '{}: {}.{}'?", before.key, whole, e.key) : "";
}

}  // namespace

Config to_config(bool value) { return Config::boolean(value); }
Config to_config(std::ptrdiff_t value) { return Config::integer(value); }
Config to_config(double value) { return Config::number(value); }
// Quoted, so that the string "1" remains a string.
Config to_config(const std::string& value) { return Config::scalar(value, {}, true); }
Config to_config(const std::vector<std::ptrdiff_t>& value) {
  std::vector<Config> items;
  for (std::ptrdiff_t v : value) items.push_back(Config::integer(v));
  return Config::sequence(std::move(items));
}
Config to_config(const std::vector<double>& value) {
  std::vector<Config> items;
  for (double v : value) items.push_back(Config::number(v));
  return Config::sequence(std::move(items));
}

void from_config(const Config& c, const std::string& path, const OptionText&, bool& value,
                 Problems& problems) {
  if (c.read(value)) return;
  const std::string meant = meant_boolean(c);
  problems.add(c.place(), fmt::format("{}: expected true or false, found {}.{}", path, c.described(),
                                      meant.empty() ? "" : fmt::format(" Did you mean {}?", meant)));
}

void from_config(const Config& c, const std::string& path, const OptionText& text, std::ptrdiff_t& value,
                 Problems& problems) {
  long long read;
  double number;
  const bool is_number = c.read(number), is_whole = is_number && number == std::floor(number);
  if (is_whole && !c.read(read) && std::abs(number) >= 0x1p63)
    return problems.add(c.place(), fmt::format("{}: {} is too large{}.", path, c.text(),
                                               text.max ? "; it must be " + range(text) : ""));
  if (is_whole && !c.read(read))  // 10.0
    return problems.add(c.place(), fmt::format("{}: expected an integer, found {}. Did you mean {:.0f}?",
                                               path, c.text(), number));
  if (is_number && !is_whole && c.text().find_first_of("eE") != std::string::npos)  // 1.5e0
    return problems.add(
        c.place(), fmt::format("{}: expected an integer, found {}, which is {}.", path, c.text(), number));
  if (!read_or_report(c, path, "an integer", read, value, problems)) return;
  if (!text.max && read > static_cast<long long>(kLargestInteger))
    return problems.add(c.place(), fmt::format("{}: {} is too large; it must be at most {}.", path, c.text(),
                                               kLargestInteger));
  check_range(c, path, text, static_cast<double>(value), problems);
}

void from_config(const Config& c, const std::string& path, const OptionText& text, double& value,
                 Problems& problems) {
  double read;
  if (const std::string meant = with_point(c); !meant.empty())
    return problems.add(c.place(), fmt::format("{}: expected a number, found {}. Did you mean {}?", path,
                                               c.described(), meant));
  if (read_or_report(c, path, "a number", read, value, problems)) check_range(c, path, text, value, problems);
}

void from_config(const Config& c, const std::string& path, const OptionText& text, std::string& value,
                 Problems& problems) {
  if (!c.is_scalar())
    return problems.add(c.place(), fmt::format("{}: expected a string, found {}.", path, c.described()));
  if (!text.choices.empty() &&
      std::find(text.choices.begin(), text.choices.end(), c.text()) == text.choices.end())
    return problems.add(c.place(), fmt::format("{}: unknown value '{}'.{}", path, c.text(),
                                               suggestion(c.text(), text.choices)));
  value = c.text();
}

void from_config(const Config& c, const std::string& path, const OptionText& text,
                 std::vector<std::ptrdiff_t>& value, Problems& problems) {
  read_list(c, path, text, "a list of integers", value, problems);
}

void from_config(const Config& c, const std::string& path, const OptionText& text, std::vector<double>& value,
                 Problems& problems) {
  read_list(c, path, text, "a list of numbers", value, problems);
}

void refuse_unknown(const Config& in, const std::string& path, const std::string& owner,
                    const std::vector<OptionInfo>& known, Problems& problems) {
  std::vector<std::string> names;
  for (const OptionInfo& o : known) names.push_back(o.name);
  for (std::size_t i = 0; i < in.entries().size(); ++i) {
    const Config::Entry& e = in.entries()[i];
    if (std::find(names.begin(), names.end(), e.key) != names.end()) continue;
    std::string hint = i > 0 ? meant_decimal(in.entries()[i - 1], e) : "";
    if (hint.empty()) hint = suggestion(e.key, names);
    problems.add(e.key_place, names.empty()
                                  ? fmt::format("{}.{}: {} has no options.", path, e.key, owner)
                                  : fmt::format("{}.{}: unknown option of {}.{}", path, e.key, owner, hint));
  }
}

}  // namespace detail
}  // namespace heed
