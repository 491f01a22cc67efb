#include "experiments/trial/yaml_mistake.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <yaml-cpp/exceptions.h>

namespace heed {

std::string plain_mistake(const std::string& parser_message) {
  namespace from = YAML::ErrorMsg;
  static const std::vector<std::pair<std::string_view, std::string_view>> messages = {
      {from::END_OF_SEQ_FLOW, "a list is not closed: a ']' or a comma is missing before this."},
      {from::END_OF_MAP_FLOW, "a map is not closed: a '}' or a comma is missing before this."},
      {from::FLOW_END, "this bracket closes nothing; remove it, or open one."},
      {from::END_OF_SEQ, "the indentation of this line fits no line above it."},
      {from::END_OF_MAP, "the indentation of this line fits no line above it."},
      {from::MAP_VALUE, "a ': ' cannot be here. Check the indentation; put text with ': ' in quotes."},
      {from::MAP_KEY, "a key cannot be here; check the indentation."},
      {from::BLOCK_ENTRY, "a '- ' cannot be here; check the indentation, and use [a, b] inside of brackets."},
      {from::EOF_IN_SCALAR, "a text is not closed: a quotation mark is missing."},
      {from::UNKNOWN_TOKEN, "a value cannot begin with this character; put the text in quotes."}};
  for (const auto& [message, plain] : messages)
    if (message == parser_message) return std::string(plain);
  return fmt::format("this cannot be read as YAML ({}).", parser_message);
}

std::optional<std::size_t> find_indenting_tab(std::string_view text, int last) {
  std::size_t begin = 0;
  for (int line = 0; line <= last && begin < text.size(); ++line) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view indentation =
        text.substr(begin, std::min(text.find_first_not_of(" \t", begin), end) - begin);
    if (const std::size_t tab = indentation.find('\t'); tab != std::string_view::npos) return begin + tab;
    begin = end + 1;
  }
  return std::nullopt;
}

std::optional<std::size_t> find_long_key(std::string_view text) {
  for (std::size_t begin = 0; begin < text.size(); ++begin) {
    begin = std::min(text.find_first_not_of(' ', begin), text.size());
    const std::size_t end = std::min(text.find_first_of(":,{}[]\n", begin), text.size());
    if (end < text.size() && text[end] == ':' && end - begin > kLongestKey) return begin;
    begin = end;
  }
  return std::nullopt;
}

}  // namespace heed
