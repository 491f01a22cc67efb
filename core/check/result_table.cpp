#include "core/check/result_table.h"

#include <fmt/format.h>

#include <cmath>
#include <sstream>

namespace heed {
namespace {

std::string error_text(double error) {
  return std::isnan(error) || error == 0 ? "-" : fmt::format("{:.1e}", error);
}

// Wraps words to lines of at most 110 characters, indented under a row.
std::string wrapped(const std::string& text) {
  std::string out, line;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    if (line.size() + word.size() > 103) {
      out += "      " + line + '\n';
      line.clear();
    }
    line += (line.empty() ? "" : " ") + word;
  }
  return out + "      " + line + '\n';
}

}  // namespace

std::string result_row(const std::string& name, const std::string& verdict, double error,
                       const std::string& message, bool failed) {
  std::string out =
      fmt::format("{} {:<32} {:<8} {:>8}", failed ? '!' : ' ', name, verdict, error_text(error));
  if (!failed) return out + (message.empty() ? "" : "  " + message) + '\n';
  out += '\n';
  std::istringstream lines(message);
  for (std::string line; std::getline(lines, line);) out += wrapped(line);
  return out;
}

std::string Tally::to_string() const {
  std::string out;
  int all = 0;
  for (const auto& [verdict, n] : counts) {
    out += fmt::format("{}{} {}", out.empty() ? "" : ", ", n, verdict);
    all += n;
  }
  return fmt::format("{} in all: {}\n", all, out);
}

}  // namespace heed
