#include "experiments/report/theme.h"

#include <array>
#include <regex>

#include <fmt/format.h>

namespace heed::report {
namespace {

struct ColorPair {
  const char *light, *dark;
};
// The eight colors of the variants (style.cpp); then the grays, darkest first.
constexpr std::array<ColorPair, 13> kPairs = {{{"0072B2", "3B8FD9"},
                                               {"D55E00", "F07030"},
                                               {"009E73", "1FB089"},
                                               {"CC79A7", "E58CC0"},
                                               {"000000", "F4F4F2"},
                                               {"E69F00", "F5C242"},
                                               {"56B4E9", "8FE0FF"},
                                               {"5A5A5A", "757575"},
                                               {"333333", "D0D0CE"},
                                               {"555555", "A8A8A6"},
                                               {"999999", "7C7C7A"},
                                               {"E4E4E4", "333333"},
                                               {"FFFFFF", "161616"}}};

std::string variable(const std::string& color) { return fmt::format("var(--{0},#{0})", color); }

}  // namespace

std::string dark_colors() {
  std::string out;
  for (const ColorPair& t : kPairs) out += fmt::format("--{}: #{}; ", t.light, t.dark);
  return out;
}

std::string themed(std::string svg) {
  svg = std::regex_replace(svg, std::regex(R"((<rect x="0" y="0" [^>]*)fill="#ffffff")"), R"($1fill="none")");
  svg = std::regex_replace(svg, std::regex(R"re(="black")re"), "=\"" + variable("000000") + '"');
  svg = std::regex_replace(svg, std::regex(R"(color=(["'])#FFFFFF["'])"),
                           "color=$1" + variable("FFFFFF") + "$1");
  // rgb(51,51,51) of texts, rgb(  0, 114, 178) of all else.
  static const std::regex rgb(R"(rgb\( *(\d+), *(\d+), *(\d+)\)(' points)?)");
  std::string out;
  auto from = svg.cbegin();
  for (std::sregex_iterator at(svg.begin(), svg.end(), rgb), end; at != end; ++at) {
    const std::smatch& m = *at;
    out.append(from, m[0].first);
    from = m[0].second;
    out +=
        m[4].matched
            ? m.str()
            : variable(fmt::format("{:02X}{:02X}{:02X}", std::stoi(m[1]), std::stoi(m[2]), std::stoi(m[3])));
  }
  return out.append(from, svg.cend());
}

}  // namespace heed::report
