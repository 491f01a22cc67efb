#include "experiments/sweep/parameter.h"

#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/format.h>

#include "experiments/sweep/sections.h"

namespace heed {
namespace {

// Returns why a range cannot be used; empty if it can.
std::string refuse_range(const Range& range, const std::string& path, bool random,
                         const std::vector<OptionInfo>& options) {
  if (!random) return "a range needs 'method: random' or 'method: halton'; a grid takes a list of values.";
  if (range.min > range.max) return "min must not be larger than max.";
  if (range.distribution == "log_uniform" && range.min <= 0)
    return "the bounds of log_uniform are values, not exponents, and must be above 0.";
  // Integers up to 1e15 are exact in a double, which is how bounds are read.
  const bool integers = std::floor(range.min) == range.min && std::floor(range.max) == range.max;
  if (range.distribution == "int_uniform" &&
      !(integers && std::abs(range.min) < 1e15 && std::abs(range.max) < 1e15))
    return "the bounds of int_uniform must be integers.";
  const bool is_integer = std::any_of(options.begin(), options.end(), [&](const OptionInfo& o) {
    return o.name == path && o.type == "integer";
  });
  if (is_integer && range.distribution != "int_uniform")
    return "it takes integers: write 'distribution: int_uniform'.";
  return "";
}

std::optional<Range> read_range(const Config::Entry& entry, bool random,
                                const std::vector<OptionInfo>& options, Problems& problems) {
  const std::size_t before = problems.size();
  Range range;
  read_section(range, &entry.value, entry.key, {}, problems);
  for (const char* bound : {"min", "max"})
    if (!entry.value.find(bound))
      problems.add(entry.value.place(),
                   fmt::format("{}: '{}' is missing; a range is {{min, max, distribution}}, a list "
                               "of values [a, b].",
                               entry.key, bound));
  // Without both bounds there is nothing to check.
  if (problems.size() > before) return std::nullopt;
  const std::string why = refuse_range(range, entry.key, random, options);
  if (why.empty()) return range;
  problems.add(entry.value.place(), fmt::format("{}: {}", entry.key, why));
  return std::nullopt;
}

std::optional<std::vector<Config>> read_list(const Config& list, const std::string& path,
                                             Problems& problems) {
  if (!list.is_sequence() || list.items().empty()) {
    problems.add(list.place(),
                 fmt::format("{}: expected a list of values, found {}.", path, list.described()));
    return std::nullopt;
  }
  // Two equal values would be two trials with one id.
  std::set<std::string> seen;
  for (const Config& item : list.items())
    if (!seen.insert(item.canonical()).second)
      problems.add(item.place(), fmt::format("{}: {} is listed twice.", path, item.canonical()));
  return list.items();
}

// A number is drawn with six digits, so that another rounding of the machine's logarithm does not make
// another trial.
Config drawn(const Parameter& p, auto& source) {
  if (!p.range)
    return p.values[static_cast<std::size_t>(source.below(static_cast<std::ptrdiff_t>(p.values.size())))];
  const auto [min, max, distribution] = *p.range;
  if (distribution == "int_uniform") {
    const auto n = static_cast<std::ptrdiff_t>(max - min) + 1;
    return Config::scalar(fmt::format("{:.0f}", min + static_cast<double>(source.below(n))), p.place);
  }
  const double u = source.uniform();
  const double x = distribution == "log_uniform" ? min * std::pow(max / min, u) : min + u * (max - min);
  return Config::scalar(fmt::format("{:.6g}", std::clamp(x, min, max)), p.place);
}

}  // namespace

std::optional<Parameter> read_parameter(const Config::Entry& entry, bool random,
                                        const std::vector<OptionInfo>& options, Problems& problems) {
  Parameter p{entry.key, entry.key_place, entry.value.place()};
  const Config* list = &entry.value;
  if (entry.value.is_map()) {
    // {value: x} and {values: [...]} are the long forms of x and [...]; any other map is a range.
    const bool one_key = entry.value.entries().size() == 1;
    if (const Config* value = entry.value.find("value"); value && one_key) {
      p.values = {*value};
      return p;
    }
    list = one_key ? entry.value.find("values") : nullptr;
    if (!list) {
      p.range = read_range(entry, random, options, problems);
      return p.range ? std::optional(p) : std::nullopt;
    }
  }
  auto values = read_list(*list, entry.key, problems);
  if (!values) return std::nullopt;
  p.values = std::move(*values);
  return p;
}

Config draw(const Parameter& p, Draws source) { return drawn(p, source); }
Config draw(const Parameter& p, Coordinate source) { return drawn(p, source); }

}  // namespace heed
