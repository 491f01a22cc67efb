#pragma once

#include <string>
#include <string_view>

namespace heed {

// Returns a message with long values cut. Text in single quotes keeps its first 60 characters, followed by
// "…". So does any other word of more than 120 characters. A path (a word with a slash) is not cut. Every
// message for the user goes through it, once or several times.
std::string abbreviated(std::string_view message);

std::string with_article(std::string_view noun);  // "a task", "an optimizer"

}  // namespace heed
