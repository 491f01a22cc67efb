#include "experiments/bench/timing.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <limits>

#include "core/ops/product.h"

namespace heed {
namespace {

constexpr Index kSquare = 512;

double processor_seconds() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

}  // namespace

double median(std::vector<double> values) {
  if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

void time_once(Timing& into, const std::function<void()>& work) {
  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  const double cpu = processor_seconds();
  work();
  into.cpu.push_back(1e3 * (processor_seconds() - cpu));
  into.wall.push_back(std::chrono::duration<double, std::milli>(Clock::now() - begin).count());
}

Ceiling::Ceiling() : a_(kSquare * kSquare, 0.5F), b_(kSquare * kSquare, 0.25F), c_(kSquare * kSquare) {}

void Ceiling::measure() {
  const auto view = [](std::vector<float>& m) { return mat(m.data(), kSquare, kSquare); };
  Timing timing;
  for (int i = 0; i < 8; ++i) time_once(timing, [&] { product_ab(view(a_), view(b_), view(c_)); });
  rates_.push_back(2e3 * kSquare * kSquare * kSquare / median(timing.cpu));
}

double Ceiling::flops_per_second() const { return median(rates_); }

double measure_speed() {
  std::vector<float> a(512 * 64, 0.5F), b(64 * 64, 0.25F), c(512 * 64);
  double best = 0;
  for (int i = 0; i < 20; ++i) {
    Timing timing;
    time_once(timing, [&] {
      for (int j = 0; j < 4; ++j)
        product_ab(mat(a.data(), 512, 64), mat(b.data(), 64, 64), mat(c.data(), 512, 64));
    });
    best = std::max(best, 4 * 2.0 * 512 * 64 * 64 / (1e-3 * timing.wall[0]));
  }
  return best;
}

}  // namespace heed
