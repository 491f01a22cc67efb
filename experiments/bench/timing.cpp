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

}  // namespace heed
