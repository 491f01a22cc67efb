#include "core/register.h"

namespace {
using namespace heed;

// The peak at every step after warmup.
class Constant final : public Schedule {
 public:
  using Options = NoOptions;
  Constant(const Options&, const ScheduleSpec& spec) : Schedule(spec) {}

 private:
  double after_warmup(Index) const override { return spec_.lr; }
};
}  // namespace

HEED_SCHEDULE(constant, Constant, "The peak at every step after warmup")
