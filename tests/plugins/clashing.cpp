#include "tests/plugins/pass.h"

namespace {
template <class S>
class Clashing final : public heed::faulty::Pass<S> {
 public:
  using heed::faulty::Pass<S>::Pass;
};
}  // namespace

HEED_LAYER(softmax, Clashing, "Has a name that is taken")
