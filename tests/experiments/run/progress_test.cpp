#include "experiments/run/progress.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "experiments/run/worker.h"
#include "tests/catch.h"

namespace {

using heed::Progress;
using heed::TrialProgress;
using heed::results::Status;

// Everything that is printed while it lives.
class Tape {
 public:
  Tape() : file_(std::tmpfile()) {}
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;
  ~Tape() { std::fclose(file_); }
  std::FILE* file() { return file_; }
  std::string text() {
    std::string all;
    std::rewind(file_);
    for (int c; (c = std::fgetc(file_)) != EOF;) all += static_cast<char>(c);
    return all;
  }

 private:
  std::FILE* file_;
};

TrialProgress at_step(heed::Index step) { return {step, 100, 0.5, 0.75, static_cast<double>(step) / 10}; }

}  // namespace

TEST_CASE(
    "progress: in a pipe there is a line for each trial that ends, and one when it was silent for long") {
  Tape tape;
  Progress progress(tape.file(), false, {{"a seed=0", 1}, {"b seed=0", 3}}, 2);
  progress.started(0, 0);
  progress.advanced(0, at_step(100));
  progress.tick(5);
  CHECK(tape.text().empty());
  progress.ended(0, Status::done, "", 10);
  progress.started(1, 10);
  progress.advanced(1, at_step(50));
  progress.tick(45);
  progress.ended(1, Status::diverged, "the loss is not finite", 50);
  CHECK(tape.text() ==
        "[3/4] a seed=0: done in 10 s; left 30 s\n"  // a quarter of the work took 10 s
        "b seed=0  step  50/100  loss 0.5     accuracy 0.750  10 steps/s  left 5.0 s\n"
        "3/4 trials, 1 running, 45 s, left 27 s\n"
        "[4/4] b seed=0: diverged after 50 steps, 40 s: the loss is not finite\n");
}

TEST_CASE("progress: a trial that was stopped and is given up has its own steps and time") {
  Tape tape;
  Progress progress(tape.file(), false, {{"a seed=0", 1}}, 0);
  progress.started(0, 70'000);
  progress.advanced(0, at_step(7));
  progress.dropped(0);
  progress.ended(0, Status::killed, "the time limit of its job is too short", 70'012);
  CHECK(tape.text() ==
        "[1/1] a seed=0: killed after 7 steps, 12 s: the time limit of its job is too short\n");
}

TEST_CASE("progress: what cannot be written is no error") {
  std::FILE* full = std::fopen("/dev/full", "w");
  Progress progress(full, true, {{"a seed=0", 1}}, 0);
  progress.started(0, 0);
  CHECK_NOTHROW(progress.tick(1));
  CHECK_NOTHROW(progress.message("a line"));
  CHECK_NOTHROW(progress.clear());
  std::fclose(full);
}

TEST_CASE("progress: in a terminal a block is drawn again in its place") {
  setenv("LC_ALL", "C", 1);
  Tape tape;
  Progress progress(tape.file(), true, {{"a seed=0", 1}}, 0);
  progress.started(0, 0);
  progress.advanced(0, at_step(50));
  progress.tick(1);
  progress.tick(1.01);  // too early to draw again
  progress.tick(2);
  progress.ended(0, Status::done, "", 3);
  progress.clear();
  const std::string erase = "\033[A\r\033[K", half = "########--------";
  const std::string line =  // no room for a bar in 79 columns
      "  a seed=0  step  50/100  loss 0.5     accuracy 0.750  10 steps/s  left 5.0 s\n";
  CHECK(tape.text() == half + "  0/1 trials, 1 running, 1.0 s, left 1.0 s\n" + line + erase + erase + half +
                           "  0/1 trials, 1 running, 2.0 s, left 2.0 s\n" + line + erase + erase);
}

TEST_CASE("progress: bars have half steps where the terminal has the characters") {
  setenv("LC_ALL", "en_US.UTF-8", 1);
  Tape tape;
  Progress progress(tape.file(), true, {{"a", 1}, {"b", 1}}, 0);
  progress.started(0, 0);
  progress.advanced(0, at_step(20));
  progress.tick(1);
  CHECK(tape.text().starts_with(
      "━╸──────────────  0/2 trials, 1 running, 1.0 s, left 9.0 s\n"));  // 1.6 of 16 columns
}

TEST_CASE("progress: a line that is too long for the terminal is not cut within a character") {
  Tape tape;
  Progress progress(tape.file(), true, {{std::string(76, 'a') + "äöü", 1}}, 0);
  progress.started(0, 0);
  progress.tick(1);
  CHECK(tape.text().ends_with("  " + std::string(76, 'a') + "ä\n"));
}

TEST_CASE("duration_text: uses the units that people use") {
  CHECK(heed::duration_text(0.42) == "0.4 s");
  CHECK(heed::duration_text(12.3) == "12 s");
  CHECK(heed::duration_text(200) == "3 min 20 s");
  CHECK(heed::duration_text(7500) == "2 h 5 min");
}

TEST_CASE("WorkerReport: a report is read back from its line") {
  TrialProgress p{12, 40, 0.25, std::nan(""), 1.5};
  const auto back = heed::read_report(heed::to_line(p)).progress;
  REQUIRE(back);
  CHECK(back->step == 12);
  CHECK(back->steps == 40);
  CHECK(back->loss == 0.25);
  CHECK(std::isnan(back->accuracy));
  CHECK(back->seconds == 1.5);
  const heed::WorkerReport ended = heed::read_report("ended diverged the loss is not finite");
  CHECK(ended.ended == "diverged");
  CHECK(ended.reason == "the loss is not finite");
  CHECK_FALSE(heed::read_report("step x").progress);
  CHECK(heed::read_report("noise").ended.empty());
}
