#include "tests/core/same_name.h"

#include "core/register.h"
#include "tests/catch.h"

namespace heed {
namespace {

// y = 2 x
template <class S>
class SameName final : public Layer<S> {
 public:
  using Options = NoOptions;
  SameName(const Options&, const LayerSpec<S>&, Params<S>&) {}
  void forward(Step<S>&, Seq<const S> x, Seq<const S>, Seq<S> y) override { y.rows() = S(2) * x.rows(); }
  void backward(Step<S>&, Seq<const S> dy, Seq<S> dx, Seq<S>) override { dx.rows() += S(2) * dy.rows(); }
  Cost cost(Index, Index) const override { return {2, 0}; }
};

double factor(const Registry& registry, const std::string& name) {
  Params<double> params;
  return registry.variant(name).make(Config::map(), LayerSpec<double>{}, params)->cost(1, 1).flops;
}

}  // namespace

TEST_CASE("same name: variants of two files whose structs have one name stay two") {
  Registry registry;
  registry.add_layer<SameName>("two", {"Twice x"});
  add_from_another_file(registry);
  CHECK(factor(registry, "two") == 2);
  CHECK(factor(registry, "three") == 3);
}

}  // namespace heed
