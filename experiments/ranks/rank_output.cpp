#include "experiments/ranks/rank_output.h"

#include <sys/random.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <regex>
#include <sstream>
#include <utility>

#include <fmt/format.h>

namespace heed {
namespace {

constexpr std::size_t kLongestLine = 1 << 16;  // a longer one is passed on in parts

// Returns the signal with the name that srun prints, as "Killed"; 0: none.
int signal_named(const std::string& name) {
  for (int signal = 1; signal < 32; ++signal)
    if (const char* text = sigdescr_np(signal); text && name.starts_with(text)) return signal;
  return 0;
}

// Returns the report in what follows a mark, if it is whole: other ranks' text may be in the middle of it.
std::optional<RankReport> report_from(const std::string& text) {
  std::istringstream in(text);
  RankReport report;
  std::size_t length = 0;
  if (!(in >> report.rank >> report.steps >> report.earlier_seconds >> length) || in.get() != ' ')
    return std::nullopt;
  std::getline(in, report.text);
  if (report.text.ends_with('\r')) report.text.pop_back();  // from a terminal
  if (report.text.size() != length) return std::nullopt;
  return report;
}

}  // namespace

std::string new_mark() {
  std::uint64_t random = 0;
  [[maybe_unused]] const ssize_t got = getrandom(&random, sizeof random, 0);
  return fmt::format("\x1e{:016x} ", random);
}

std::string to_line(const std::string& mark, const RankReport& report) {
  std::string text = report.text;
  std::ranges::replace_if(
      text, [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return fmt::format("{}{} {} {:.3f} {} {}\n", mark, report.rank, report.steps, report.earlier_seconds,
                     text.size(), text);
}

std::string RankOutput::take(std::string_view bytes) {
  unread_ += bytes;
  std::string others;
  std::size_t begin = 0;
  for (std::size_t end; (end = unread_.find('\n', begin)) != std::string::npos; begin = end + 1)
    others += take_line(unread_.substr(begin, end + 1 - begin));
  unread_.erase(0, begin);
  if (unread_.size() > kLongestLine) others += std::exchange(unread_, "");
  return others;
}

std::string RankOutput::rest() { return take_line(std::exchange(unread_, "")); }

std::vector<RankReport> RankOutput::reports() { return std::exchange(reports_, {}); }

// Returns the part of the line that is no report.
std::string RankOutput::take_line(const std::string& line) {
  const std::size_t at = line.find(mark_);
  if (at == std::string::npos) {
    look_for_end(line);
    return line;
  }
  if (std::optional<RankReport> report = report_from(line.substr(at + mark_.size())))
    reports_.push_back(std::move(*report));
  else
    return line;
  return line.substr(0, at);
}

void RankOutput::look_for_end(const std::string& line) {
  if (first_end_) return;
  static const std::regex by_signal("process rank ([0-9]+) .*exited on signal ([0-9]+)");
  static const std::regex name("Process name: \\[\\[[0-9]+,[0-9]+\\],([0-9]+)\\]");
  static const std::regex code("Exit code: +([0-9]+)");
  static const std::regex too_early("has exited due to process rank ([0-9]+)");
  static const std::regex task("^srun: error: [^ ]+: task ([0-9]+): (.*)");
  static const std::regex task_code("^Exited with exit code ([0-9]+)");
  std::smatch found, inner;
  const auto number = [](const std::ssub_match& text) { return std::atoi(text.str().c_str()); };
  if (line.find("rank ") == std::string::npos && line.find("Process name:") == std::string::npos &&
      line.find("Exit code:") == std::string::npos && line.find("task ") == std::string::npos)
    return;  // most lines; the expressions are slow
  static const std::regex not_started("^srun: error: (task .*launch failed: .*)");
  if (start_failure_.empty() && std::regex_search(line, found, not_started)) {
    start_failure_ = found[1];
  } else if (std::regex_search(line, found, by_signal)) {
    first_end_ = {number(found[1]), number(found[2]), 0};
  } else if (std::regex_search(line, found, too_early)) {
    first_end_ = {number(found[1]), 0, 0};
  } else if (std::regex_search(line, found, name)) {
    named_ = number(found[1]);
  } else if (named_ && std::regex_search(line, found, code)) {
    first_end_ = {*named_, 0, number(found[1])};
  } else if (std::regex_search(line, found, task)) {
    const std::string how = found[2];
    if (std::regex_search(how, inner, task_code))
      first_end_ = {number(found[1]), 0, number(inner[1])};
    else if (const int signal = signal_named(how); signal != 0)
      first_end_ = {number(found[1]), signal, 0};
  }
}

}  // namespace heed
