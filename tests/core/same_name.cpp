#include "tests/core/same_name.h"
#include "core/register.h"

namespace heed {
namespace {

// y = 3 x
template <class S>
class SameName final : public Layer<S> {
 public:
  using Options = NoOptions;
  SameName(const Options&, const LayerSpec<S>&, Params<S>&) {}
  void forward(Step<S>&, Seq<const S> x, Seq<const S>, Seq<S> y) override { y.rows() = S(3) * x.rows(); }
  void backward(Step<S>&, Seq<const S> dy, Seq<S> dx, Seq<S>) override { dx.rows() += S(3) * dy.rows(); }
  Cost cost(Index, Index) const override { return {3, 0}; }
};

}  // namespace

void add_from_another_file(Registry& registry) { registry.add_layer<SameName>("three", {"Three times x"}); }

}  // namespace heed
