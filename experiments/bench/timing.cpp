#include "experiments/bench/timing.h"

#include <fmt/format.h>

#include "core/ops/product.h"
#include "experiments/system/clock.h"

namespace heed {
namespace {

constexpr Index kSquare = 512;

}  // namespace

std::string milliseconds_text(double ms) {
  return ms < 999.5 ? fmt::format("{:.3g} ms", ms) : fmt::format("{:.0f} ms", ms);
}

void time_once(Timing& into, const std::function<void()>& work) {
  const double begin = steady_seconds(), cpu = processor_seconds();
  work();
  into.cpu.push_back(1e3 * (processor_seconds() - cpu));
  into.wall.push_back(1e3 * (steady_seconds() - begin));
}

Ceiling::Ceiling()
    : a_(Matrix<float>::Constant(kSquare, kSquare, 0.5F)),
      b_(Matrix<float>::Constant(kSquare, kSquare, 0.25F)),
      c_(kSquare, kSquare) {}

void Ceiling::measure() {
  const auto view = [](Matrix<float>& m) { return mat(m.data(), kSquare, kSquare); };
  Timing timing;
  for (int i = 0; i < 8; ++i) time_once(timing, [&] { product_ab(view(a_), view(b_), view(c_)); });
  rates_.push_back(2e3 * kSquare * kSquare * kSquare / median(timing.cpu));
}

double Ceiling::flops_per_second() const { return median(rates_); }

}  // namespace heed
