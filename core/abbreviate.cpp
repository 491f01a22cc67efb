#include "core/abbreviate.h"

#include <cctype>
#include <cstddef>

namespace heed {
namespace {

constexpr std::size_t kShown = 60, kLongestWord = 120, kLongestPath = 4096;

bool is_space(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }
bool is_letter(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }
bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }  // UTF-8

// An apostrophe ("heed's", "the trials' files") is not a quote: a letter precedes it.
bool opens_quote(std::string_view text, std::size_t at) {
  return text[at] == '\'' && (at == 0 || !is_letter(text[at - 1])) && at + 1 < text.size();
}

// Returns the position of the closing quote, on the same line, of the quote before `from`; npos if there is
// none.
std::size_t closing_quote(std::string_view text, std::size_t from) {
  for (std::size_t i = from; i < text.size() && text[i] != '\n'; ++i)
    if (text[i] == '\'' && (i + 1 == text.size() || !is_letter(text[i + 1]))) return i;
  return std::string_view::npos;
}

// A text of more than `longest` characters, cut.
std::string cut(std::string_view text, std::size_t longest) {
  const bool is_path = text.find('/') != std::string_view::npos;
  if (is_path) longest = kLongestPath;
  std::size_t characters = 0, end = text.size();
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (continues_character(text[i])) continue;
    if (characters == kShown) end = i;
    if (++characters > longest) return std::string(text.substr(0, end)) + "…";
  }
  return std::string(text);
}

}  // namespace

std::string abbreviated(std::string_view message) {
  if (message.size() <= kShown) return std::string(message);
  std::string out;
  for (std::size_t i = 0; i < message.size();) {
    if (opens_quote(message, i)) {
      const std::size_t end = closing_quote(message, i + 1);
      if (end != std::string_view::npos) {
        out += '\'' + cut(message.substr(i + 1, end - i - 1), kShown) + '\'';
        i = end + 1;
        continue;
      }
    }
    std::size_t end = i + 1;
    while (end < message.size() && !is_space(message[end]) && !opens_quote(message, end)) ++end;
    out += cut(message.substr(i, end - i), kLongestWord);
    i = end;
  }
  return out;
}

std::string with_article(std::string_view noun) {
  const bool vowel = std::string_view("aeiou").find(noun.substr(0, 1)) != std::string_view::npos;
  return (vowel ? "an " : "a ") + std::string(noun);
}

}  // namespace heed
