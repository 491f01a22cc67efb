#include "experiments/run/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include <fmt/format.h>

#include "experiments/system/message.h"

namespace heed {
namespace {

constexpr double kSecondsBetweenDrawings = 0.1, kSecondsBetweenLines = 30;
constexpr int kBarWidth = 16;

int terminal_width(std::FILE* out) {
  winsize size{};
  return ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
}

bool speaks_utf8() {  // as the C library decides, without changing this program's locale
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"})
    if (const char* value = std::getenv(name); value != nullptr && *value != 0) {
      const std::string locale = value;
      return locale.find("UTF-8") != std::string::npos || locale.find("utf8") != std::string::npos;
    }
  return false;
}

// Returns a progress bar, kBarWidth columns wide.
std::string bar(double share, bool utf8) {
  const int halves = static_cast<int>(std::clamp(share, 0.0, 1.0) * 2 * kBarWidth);
  std::string text;
  for (int i = 0; i < kBarWidth; ++i) {
    const int here = halves - 2 * i;
    if (utf8)
      text += here >= 2 ? "━" : here == 1 ? "╸" : "─";
    else
      text += here >= 2 ? '#' : '-';
  }
  return text;
}

// Returns at most `columns` columns of a line, without cutting a character of several bytes.
std::string shortened(const std::string& line, std::size_t columns) {
  const auto continues = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; };
  std::size_t end = 0;
  for (; end < line.size(); ++end)
    if (!continues(line[end]) && columns-- == 0) break;
  return line.substr(0, end);
}

double rate(const TrialProgress& p) {
  return p.seconds > 0 ? static_cast<double>(p.step - p.began) / p.seconds : 0;
}

double share_done(const TrialProgress& p) {
  return p.steps > 0 ? static_cast<double>(p.step) / static_cast<double>(p.steps) : 0;
}

}  // namespace

std::string status_text(results::Status status, const std::string& reason, Index steps,
                        const std::string& took) {
  if (status == results::Status::done) return took.empty() ? "done" : "done in " + took;
  return fmt::format("{} after {}{}{}{}{}", results::to_string(status),
                     count_text(static_cast<std::size_t>(steps), "step"), took.empty() ? "" : ", ", took,
                     reason.empty() ? "" : ": ", reason);
}

std::string progress_text(const TrialProgress& p) {
  if (p.steps == 0) return "starting";
  const std::string steps = std::to_string(p.steps);
  std::string text = fmt::format("step {:>{}}/{}  loss {:<6.4g}", p.step, steps.size(), steps, p.loss);
  if (!std::isnan(p.accuracy)) text += fmt::format("  accuracy {:.3f}", p.accuracy);
  if (const double per_second = rate(p); per_second > 0)
    text += fmt::format("  {:.3g} steps/s  left {}", per_second,
                        duration_text(static_cast<double>(p.steps - p.step) / per_second));
  return text;
}

std::string duration_text(double seconds) {
  if (seconds < 10) return fmt::format("{:.1f} s", seconds);
  const auto s = static_cast<long long>(std::llround(seconds));
  if (s < 60) return fmt::format("{} s", s);
  if (s < 3600) return fmt::format("{} min {} s", s / 60, s % 60);
  return fmt::format("{} h {} min", s / 3600, s % 3600 / 60);
}

Progress::Progress(std::FILE* out, bool terminal, std::vector<Trial> trials, std::size_t earlier)
    : out_(out), terminal_(terminal), utf8_(speaks_utf8()), trials_(std::move(trials)), earlier_(earlier) {
  for (const Trial& t : trials_) work_ += t.work;
}

void Progress::started(std::size_t trial, double now) {
  if (begin_ < 0) begin_ = drawn_at_ = now;
  dropped_.erase(trial);
  running_[trial] = {{}, now};
}

void Progress::advanced(std::size_t trial, const TrialProgress& progress) {
  running_[trial].progress = progress;
}

void Progress::ended(std::size_t trial, results::Status status, const std::string& reason, double now) {
  running_.insert(dropped_.extract(trial));
  const Running r = running_[trial];
  running_.erase(trial);
  ++ended_;
  failed_ += status != results::Status::done && status != results::Status::stopped;
  done_ += trials_[trial].work;
  if (terminal_ && status == results::Status::done) return;
  message(
      fmt::format("[{}/{}] {}: {}{}", earlier_ + ended_, earlier_ + trials_.size(), trials_[trial].name,
                  status_text(status, reason, r.progress.step, duration_text(now - r.since)),
                  ended_ < trials_.size() ? fmt::format("; left {}", duration_text(seconds_left(now))) : ""));
  drawn_at_ = now;
}

void Progress::dropped(std::size_t trial) { dropped_.insert(running_.extract(trial)); }

double Progress::work_done() const {
  double done = done_;
  for (const auto& [i, r] : running_) done += trials_[i].work * share_done(r.progress);
  return done;
}

double Progress::seconds_left(double now) const {
  const double done = work_done();
  return done > 0 ? (now - begin_) * (work_ - done) / done : -1;
}

std::string Progress::head(double now) const {
  const double left = seconds_left(now);
  return fmt::format("{}/{} trials{}, {} running, {}{}", earlier_ + ended_, earlier_ + trials_.size(),
                     failed_ ? fmt::format(" ({} incomplete)", failed_) : "", running_.size(),
                     duration_text(begin_ < 0 ? 0 : now - begin_),
                     left < 0 ? "" : ", left " + duration_text(left));
}

void Progress::tick(double now) {
  if (begin_ < 0 || now - drawn_at_ < (terminal_ ? kSecondsBetweenDrawings : kSecondsBetweenLines)) return;
  drawn_at_ = now;
  if (terminal_) return draw(now);
  std::string text;
  for (const auto& [i, r] : running_)
    text += fmt::format("{}  {}\n", trials_[i].name, progress_text(r.progress));
  write_message(out_, text + head(now) + '\n');
}

void Progress::draw(double now) {
  const auto columns = static_cast<std::size_t>(terminal_width(out_)) - 1;
  std::size_t name_width = 0, figures_width = 0;
  for (const auto& [i, r] : running_) {
    name_width = std::max(name_width, trials_[i].name.size());
    figures_width = std::max(figures_width, progress_text(r.progress).size());
  }
  const bool room_for_bars = 2 + name_width + 2 + kBarWidth + 2 + figures_width <= columns;
  std::string text = erased();
  const auto add = [&](const std::string& line) { text += shortened(line, columns) + '\n'; };
  add(bar(work_ > 0 ? work_done() / work_ : 0, utf8_) + "  " + head(now));
  for (const auto& [i, r] : running_)
    add(fmt::format("  {:<{}}  {}{}", trials_[i].name, name_width,
                    room_for_bars ? bar(share_done(r.progress), utf8_) + "  " : "",
                    progress_text(r.progress)));
  drawn_lines_ = 1 + running_.size();
  write_message(out_, text);
}

// Returns the control characters that erase the block: for each line, go up and clear it.
std::string Progress::erased() {
  std::string text;
  for (; drawn_lines_ > 0; --drawn_lines_) text += "\033[A\r\033[K";
  return text;
}

void Progress::clear() { write_message(out_, erased()); }

void Progress::message(const std::string& text) { write_message(out_, erased() + text + '\n'); }

}  // namespace heed
