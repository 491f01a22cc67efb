#include "core/register.h"

namespace {
using namespace heed;

// A straight line from the peak to min_lr, with x the share of the steps after warmup that are done:
//     lr + (min_lr - lr) x
// torch.optim.lr_scheduler.LinearLR with start_factor 1 and end_factor min_lr / lr
class LinearDecay final : public Schedule {
 public:
  struct Options {
    double min_lr = 0;
    void describe(auto& option) {
      option("min_lr", min_lr, {.min = 0, .doc = "learning rate at the end of the line"});
    }
  };
  LinearDecay(const Options& options, const ScheduleSpec& spec) : Schedule(spec), min_lr_(options.min_lr) {}

 private:
  double after_warmup(Index s) const override {
    return spec_.lr + (min_lr_ - spec_.lr) * share_since(spec_.warmup, s);
  }

  double min_lr_;
};
}  // namespace

HEED_SCHEDULE(linear, LinearDecay, "A straight line from the peak to min_lr")
