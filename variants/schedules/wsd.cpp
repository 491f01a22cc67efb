#include <cmath>

#include <fmt/format.h>

#include "core/error.h"
#include "core/register.h"

namespace {
using namespace heed;

// Warmup, stable, decay: the peak until the last n = round(decay * steps) steps, which go down to min_lr.
// With x the share of these n steps that are done:
//     lr + (min_lr - lr) f(x),   f(x) = x (linear) or sqrt(x) (sqrt; "1 - sqrt" in the second paper)
// Hu et al. 2024 (MiniCPM, arXiv 2404.06395); shapes: Haegele et al. 2024 (arXiv 2405.18392)
class Wsd final : public Schedule {
 public:
  struct Options {
    double decay = 0.2, min_lr = 0;
    std::string shape = "linear";
    void describe(auto& option) {
      option("decay", decay, {.min = 0, .max = 1, .doc = "share of all steps in which the rate goes down"});
      option("shape", shape,
             {.choices = {"linear", "sqrt"}, .doc = "of the decay: in proportion to x or to sqrt(x)"});
      option("min_lr", min_lr, {.min = 0, .doc = "learning rate at the end of the decay"});
    }
  };
  Wsd(const Options& options, const ScheduleSpec& spec)
      : Schedule(spec),
        o_(options),
        begin_(spec.steps - std::lround(options.decay * static_cast<double>(spec.steps))) {
    if (begin_ == spec.steps)
      throw Error(fmt::format("decay: {} of {} steps is no step; choose constant, or a larger share.",
                              options.decay, spec.steps));
    if (begin_ < spec.warmup)
      throw Error(fmt::format("warmup ({}) and decay ({} of {}) together are more than all steps.",
                              spec.warmup, spec.steps - begin_, spec.steps));
  }

 private:
  double after_warmup(Index s) const override {
    if (s < begin_) return spec_.lr;
    const double x = share_since(begin_, s), drop = o_.shape == "sqrt" ? std::sqrt(x) : x;
    return spec_.lr + (o_.min_lr - spec_.lr) * drop;
  }

  Options o_;
  Index begin_;  // the first step of the decay
};
}  // namespace

HEED_SCHEDULE(wsd, Wsd, "Warmup, stable, decay: the peak, then down to min_lr in the last steps",
              "Hu et al. 2024 (MiniCPM)")
