#include "experiments/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cmath>

#include <fmt/format.h>

namespace heed {
namespace {

constexpr double kSecondsBetweenDrawings = 0.1, kSecondsBetweenLines = 30;

int terminal_width(std::FILE* out) {
  winsize size{};
  return ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
}

double rate(const TrialProgress& p) {
  return p.seconds > 0 ? static_cast<double>(p.step - p.began) / p.seconds : 0;
}

}  // namespace

std::string count_text(std::size_t n, const char* thing) {
  return fmt::format("{} {}{}", n, thing, n == 1 ? "" : "s");
}

std::string status_text(results::Status status, const std::string& reason, Index steps) {
  if (status == results::Status::done) return "done";
  return fmt::format("{} after {}: {}", results::to_string(status),
                     count_text(static_cast<std::size_t>(steps), "step"), reason);
}

std::string duration_text(double seconds) {
  if (seconds < 10) return fmt::format("{:.1f} s", seconds);
  const auto s = static_cast<long long>(std::llround(seconds));
  if (s < 60) return fmt::format("{} s", s);
  if (s < 3600) return fmt::format("{} min {} s", s / 60, s % 60);
  return fmt::format("{} h {} min", s / 3600, s % 3600 / 60);
}

Progress::Progress(std::FILE* out, bool terminal, std::vector<Trial> trials, std::size_t earlier)
    : out_(out), terminal_(terminal), trials_(std::move(trials)), earlier_(earlier) {
  for (const Trial& t : trials_) work_ += t.work;
}

void Progress::started(std::size_t trial, double now) {
  if (begin_ < 0) begin_ = drawn_at_ = now;
  running_[trial] = {{}, now};
}

void Progress::advanced(std::size_t trial, const TrialProgress& progress) {
  running_[trial].progress = progress;
}

void Progress::ended(std::size_t trial, results::Status status, const std::string& reason, double now) {
  const Running r = running_[trial];
  running_.erase(trial);
  ++ended_;
  failed_ += status != results::Status::done;
  done_ += trials_[trial].work;
  if (terminal_ && status == results::Status::done) return;
  message(
      fmt::format("[{}/{}] {}: {} in {}{}", earlier_ + ended_, earlier_ + trials_.size(), trials_[trial].name,
                  status_text(status, reason, r.progress.step), duration_text(now - r.since),
                  ended_ < trials_.size() ? fmt::format("; left {}", duration_text(seconds_left(now))) : ""));
  drawn_at_ = now;
}

void Progress::dropped(std::size_t trial) { running_.erase(trial); }

double Progress::seconds_left(double now) const {
  double done = done_;
  for (const auto& [i, r] : running_)
    if (r.progress.steps > 0)
      done += trials_[i].work * static_cast<double>(r.progress.step) / static_cast<double>(r.progress.steps);
  return done > 0 ? (now - begin_) * (work_ - done) / done : -1;
}

std::string Progress::head(double now) const {
  const double left = seconds_left(now);
  return fmt::format("{}/{} trials{}, {} running, {}{}", earlier_ + ended_, earlier_ + trials_.size(),
                     failed_ ? fmt::format(" ({} not done)", failed_) : "", running_.size(),
                     duration_text(begin_ < 0 ? 0 : now - begin_),
                     left < 0 ? "" : ", left " + duration_text(left));
}

std::string Progress::line(std::size_t trial, const Running& running) const {
  const TrialProgress& p = running.progress;
  if (p.steps == 0) return trials_[trial].name + "  starting";
  std::string text = fmt::format("{}  step {}/{}  loss {:.4g}", trials_[trial].name, p.step, p.steps, p.loss);
  if (!std::isnan(p.accuracy)) text += fmt::format("  accuracy {:.3f}", p.accuracy);
  if (const double steps = rate(p); steps > 0)
    text += fmt::format("  {:.3g} steps/s  left {}", steps,
                        duration_text(static_cast<double>(p.steps - p.step) / steps));
  return text;
}

void Progress::tick(double now) {
  if (begin_ < 0 || now - drawn_at_ < (terminal_ ? kSecondsBetweenDrawings : kSecondsBetweenLines)) return;
  drawn_at_ = now;
  if (terminal_) return draw(now);
  for (const auto& [i, r] : running_) fmt::print(out_, "{}\n", line(i, r));
  fmt::print(out_, "{}\n", head(now));
  std::fflush(out_);
}

void Progress::draw(double now) {
  clear();
  const auto width = static_cast<std::size_t>(terminal_width(out_)) - 1;
  fmt::print(out_, "{}\n", head(now).substr(0, width));
  for (const auto& [i, r] : running_) fmt::print(out_, "{}\n", ("  " + line(i, r)).substr(0, width));
  drawn_lines_ = 1 + static_cast<int>(running_.size());
  std::fflush(out_);
}

void Progress::clear() {
  for (; drawn_lines_ > 0; --drawn_lines_) fmt::print(out_, "\033[A\r\033[K");  // up a line, and empty it
  std::fflush(out_);
}

void Progress::message(const std::string& text) {
  clear();
  fmt::print(out_, "{}\n", text);
  std::fflush(out_);
}

}  // namespace heed
