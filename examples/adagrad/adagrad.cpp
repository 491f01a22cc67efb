#include <algorithm>
#include <cmath>

#include "core/register.h"

namespace {
using namespace heed;

// AdaGrad: each number has a learning rate of its own, which falls as its squared gradients add up.
//     v += g^2,   p -= lr g / (sqrt(v) + eps)
// Duchi et al. 2011, section 1.1; torch.optim.Adagrad without weight decay
template <class S>
class Adagrad final : public Optimizer<S> {
 public:
  struct Options {
    double eps = 1e-10;
    void describe(auto& option) { option("eps", eps, {.min = 1e-16, .doc = "added to the root"}); }
  };
  Adagrad(const Options& options, Params<S>& params)
      : Optimizer<S>(params), eps_(static_cast<S>(options.eps)), v_(this->add_state("squares")) {}

 private:
  void apply(Step<S>& step, double lr) override {
    const S rate = static_cast<S>(lr);
    this->for_each_block(step, [&](auto block) {
      auto v = block.of(v_);
      v += block.grad.square();
      block.value -= rate * block.grad / (v.sqrt() + eps_);
    });
  }

  S eps_;
  std::span<S> v_;
};

// lr sqrt(w / (s + 1)) at step s, with w = max(warmup, 1). Vaswani et al. 2017, section 5.3
class InverseSqrt final : public Schedule {
 public:
  using Options = NoOptions;
  InverseSqrt(const Options&, const ScheduleSpec& spec) : Schedule(spec) {}

 private:
  double after_warmup(Index s) const override {
    const Index w = std::max<Index>(spec_.warmup, 1);
    return spec_.lr * std::sqrt(static_cast<double>(w) / static_cast<double>(s + 1));
  }
};
}  // namespace

HEED_OPTIMIZER(adagrad, Adagrad, "Learning rates that fall with the sum of squared gradients",
               "Duchi et al. 2011")
HEED_SCHEDULE(inverse_sqrt, InverseSqrt, "Falls with the square root of the step", "Vaswani et al. 2017")
