#include "core/ops/product_precision.h"

#include <vector>

#include "core/ops/product.h"
#include "core/step.h"
#include "tests/catch.h"

namespace heed {
namespace {

template <class S>
S product(double a, double b) {
  S left = static_cast<S>(a), right = static_cast<S>(b), out = 0;
  product_ab<S>(mat(&left, 1, 1), mat(&right, 1, 1), mat(&out, 1, 1));
  return out;
}

bool is_rounded() {
  const double x = 1 + 0x1p-9;  // 1, rounded to bfloat16
  CHECK(product<double>(x, 1) == x);
  const float y = product<float>(x, 1);
  CHECK((y == 1 || y == static_cast<float>(x)));
  return y == 1;
}

}  // namespace

TEST_CASE("ProductPrecision: products of float round their operands during its lifetime, of double never") {
  CHECK_FALSE(is_rounded());
  {
    const ProductPrecision precision(Precision::bfloat16);
    CHECK(is_rounded());
    {
      const ProductPrecision inner(Precision::float32);
      CHECK_FALSE(is_rounded());
    }
    CHECK(is_rounded());
  }
  CHECK_FALSE(is_rounded());
}

TEST_CASE("Step: tasks multiply at the precision of the calling thread") {
  Step<float> step(4);
  const auto precisions = [&] {
    std::vector<Precision> out(16);
    step.parallel_for(
        16, [&](Index i, Memory<float>&) { out[static_cast<std::size_t>(i)] = product_precision(); });
    return out;
  };
  {
    const ProductPrecision precision(Precision::bfloat16);
    CHECK(precisions() == std::vector<Precision>(16, Precision::bfloat16));
  }
  CHECK(precisions() == std::vector<Precision>(16, Precision::float32));
}

}  // namespace heed
