#include "experiments/trial/quantity.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <span>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace heed {
namespace {

using Unit = std::pair<std::string_view, double>;

void skip_spaces(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
}

// Takes a number and its unit from the front of the text. Nothing if there are none; `text` may then be
// changed.
std::optional<double> take_quantity(std::string_view& text, std::span<const Unit> units) {
  double number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || !std::isfinite(number) || number < 0) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(rest - text.data()));
  skip_spaces(text);
  const std::string_view unit = text.substr(0, text.find_first_of(" 0123456789."));
  text.remove_prefix(unit.size());
  skip_spaces(text);
  for (const auto& [name, factor] : units)
    if (unit == name) return number * factor;
  return std::nullopt;
}

}  // namespace

std::optional<double> read_duration(const std::string& text) {
  static constexpr Unit units[] = {{"s", 1},    {"ms", 1e-3},  {"m", 60},
                                   {"min", 60}, {"h", 3600.0}, {"d", 86400.0}};
  static constexpr Unit seconds[] = {{"", 1}};
  std::string_view rest = text;
  if (const auto number = take_quantity(rest, seconds); number && rest.empty()) return number;
  double sum = 0;
  rest = text;
  do {
    const std::optional<double> part = take_quantity(rest, units);
    if (!part) return std::nullopt;
    sum += *part;
  } while (!rest.empty());
  return sum;
}

std::optional<double> read_bytes(const std::string& text) {
  static constexpr Unit units[] = {
      {"", 1},         {"B", 1},           {"kB", 1e3},           {"MB", 1e6},  {"GB", 1e9},
      {"KiB", 1024.0}, {"MiB", 1048576.0}, {"GiB", 1073741824.0}, {"TB", 1e12}, {"TiB", 1099511627776.0}};
  std::string_view rest = text;
  const std::optional<double> bytes = take_quantity(rest, units);
  return rest.empty() ? bytes : std::nullopt;
}

std::string grouped(double n) {
  if (std::abs(n) < 1000 && n != std::round(n)) return fmt::format("{:.3g}", n);
  std::string digits = fmt::format("{:.0f}", n);
  for (std::size_t at = digits.size(); at > 3 && digits[at - 4] != '-';) digits.insert(at -= 3, 1, ',');
  return digits;
}

std::string count_text(std::size_t n, const std::string& thing) {
  return fmt::format("{} {}{}", n, thing, n == 1 ? "" : "s");
}

}  // namespace heed
