#pragma once

#include <cstdio>
#include <string>

#include <fmt/format.h>

#include "experiments/system/message.h"

namespace heed::cli {

// Shows on a terminal which measurement of `heed bench` runs: long ones take a minute.
class BenchProgress {
 public:
  explicit BenchProgress(std::size_t all) : all_(all) {}
  ~BenchProgress() { show(""); }
  BenchProgress(const BenchProgress&) = delete;
  BenchProgress& operator=(const BenchProgress&) = delete;

  // what: "softmax after 1024 tokens"
  void next(const std::string& what) { show(fmt::format("{} of {}: {}", ++now_, all_, what)); }

 private:
  void show(const std::string& text) const {
    if (terminal_) write_message(stderr, "\r\x1b[K" + text);
  }

  std::size_t all_, now_ = 0;
  bool terminal_ = messages_reach_a_terminal();
};

}  // namespace heed::cli
