#include <cmath>
#include <numbers>

#include "core/register.h"

namespace {
using namespace heed;

// Half a cosine from the peak down to min_lr, with x the share of the steps after warmup that are done:
//     min_lr + (lr - min_lr) (1 + cos(pi x)) / 2
// Loshchilov and Hutter 2017, without restarts; torch.optim.lr_scheduler.CosineAnnealingLR
class Cosine final : public Schedule {
 public:
  struct Options {
    double min_lr = 0;
    void describe(auto& option) {
      option("min_lr", min_lr, {.min = 0, .doc = "learning rate at the end of the cosine"});
    }
  };
  Cosine(const Options& options, const ScheduleSpec& spec) : Schedule(spec), min_lr_(options.min_lr) {}

 private:
  double after_warmup(Index s) const override {
    if (s >= spec_.steps) return min_lr_;  // exactly, without the cosine's rounding
    const double x = share_since(spec_.warmup, s);
    return min_lr_ + 0.5 * (spec_.lr - min_lr_) * (1 + std::cos(std::numbers::pi * x));
  }

  double min_lr_;
};
}  // namespace

HEED_SCHEDULE(cosine, Cosine, "Half a cosine from the peak to min_lr", "Loshchilov and Hutter 2017 (SGDR)")
