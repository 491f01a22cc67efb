#include "experiments/trial/quantity.h"

#include <charconv>
#include <cmath>
#include <span>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace heed {
namespace {

using Unit = std::pair<std::string_view, double>;

std::optional<double> read_quantity(const std::string& text, std::span<const Unit> units) {
  double number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || !std::isfinite(number) || number < 0) return std::nullopt;
  std::string_view unit(rest, static_cast<std::size_t>(end - rest));
  while (unit.starts_with(' ')) unit.remove_prefix(1);
  for (const auto& [name, factor] : units)
    if (unit == name) return number * factor;
  return std::nullopt;
}

}  // namespace

std::optional<double> read_duration(const std::string& text) {
  static constexpr Unit units[] = {{"", 1},     {"s", 1},      {"ms", 1e-3},  {"m", 60},
                                   {"min", 60}, {"h", 3600.0}, {"d", 86400.0}};
  return read_quantity(text, units);
}

std::optional<double> read_bytes(const std::string& text) {
  static constexpr Unit units[] = {
      {"", 1},         {"B", 1},           {"kB", 1e3},           {"MB", 1e6},  {"GB", 1e9},
      {"KiB", 1024.0}, {"MiB", 1048576.0}, {"GiB", 1073741824.0}, {"TB", 1e12}, {"TiB", 1099511627776.0}};
  return read_quantity(text, units);
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
