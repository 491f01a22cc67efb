#include "experiments/report/text_width.h"

#include <array>
#include <cstddef>
#include <string_view>

namespace heed::report {
namespace {

struct Class {
  double width;  // in font sizes, of the widest of its characters
  std::string_view characters;
};
constexpr std::array<Class, 9> kClasses = {{{0.29, "'ijlIJ"},
                                            {0.36, " ,./:;\\|f-"},
                                            {0.42, "()[]t!r"},
                                            {0.55, "\"*_`sz?cL"},
                                            {0.64, "FkvxyPTYaoeESbdghnpqu$0123456789{}"},
                                            {0.70, "KAVBRXZC"},
                                            {0.84, "UHNDG&OQw#+<=>^~"},
                                            {0.97, "M%m"},
                                            {1.00, "W@"}}};

bool continues(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}  // a continuation byte of UTF-8

double width_of(char c) {
  for (const Class& k : kClasses)
    if (k.characters.find(c) != std::string_view::npos) return k.width * kFontSize;
  return continues(c) ? 0 : kFontSize;
}

// Returns how many bytes of the text fit on its first line.
std::size_t first_line(std::string_view text, double width) {
  std::size_t fit = 0, behind_word = 0, behind_part = 0;
  double sum = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    sum += width_of(text[i]);
    // A space at the end of a line needs no width.
    if (sum > width && text[i] != ' ' && fit > 0)
      return behind_word ? behind_word : behind_part ? behind_part : fit;
    if (i + 1 < text.size() && continues(text[i + 1])) continue;
    fit = i + 1;
    if (std::string_view(" +>,").find(text[i]) != std::string_view::npos) behind_word = fit;
    if (std::string_view("(=_-").find(text[i]) != std::string_view::npos) behind_part = fit;
  }
  return text.size();
}

}  // namespace

double text_width(const std::string& text) {
  double sum = 0;
  for (const char c : text) sum += width_of(c);
  return sum;
}

std::vector<std::string> wrapped(const std::string& text, double width) {
  std::vector<std::string> lines;
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t end = first_line(rest, width);
    std::string line(rest.substr(0, end));
    while (!line.empty() && line.back() == ' ') line.pop_back();
    if (!line.empty()) lines.push_back(line);
    rest.remove_prefix(end);
  }
  return lines;
}

}  // namespace heed::report
