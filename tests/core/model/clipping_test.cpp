#include "core/model/clipping.h"

#include <cmath>
#include <limits>
#include <vector>

#include "tests/catch.h"
#include "tests/core/op_bench.h"
#include "tests/core/roles.h"

namespace heed {

using test::Roles;

TEST_CASE("clipping: the gradient norm is that of all gradients together") {
  Roles<double> r(2);
  Step<double> step;
  r.decayed.grad() = matrix<double>({{3, 0}});
  r.undecayed.grad() = matrix<double>({{0, -4}});
  CHECK(gradient_norm(step, r.params) == 5);
  Roles<float> huge(10000);
  Step<float> steps;
  huge.set_gradients(1e30);  // its square overflows float
  CHECK(gradient_norm(steps, huge.params) == Approx(1e30 * std::sqrt(20000.0)));
  huge.decayed.grad()(0, 7777) = std::numeric_limits<float>::quiet_NaN();
  CHECK(std::isnan(gradient_norm(steps, huge.params)));
}

TEST_CASE("clip_gradients: shortens a long gradient and does not change a short one") {
  Roles<double> r(2);
  Step<double> step;
  r.decayed.grad() = matrix<double>({{3, 0}});
  r.undecayed.grad() = matrix<double>({{0, -4}});
  clip_gradients(r.params, 5, 5.1);
  CHECK(r.decayed.grad()(0, 0) == 3);
  clip_gradients(r.params, 5, 1);
  CHECK(r.decayed.grad()(0, 0) == Approx(3 / (5 + 1e-6)).epsilon(1e-15));
  CHECK(r.undecayed.grad()(0, 1) == Approx(-4 / (5 + 1e-6)).epsilon(1e-15));
  CHECK(gradient_norm(step, r.params) == Approx(1).epsilon(1e-6));
}

TEST_CASE("clipping: the gradient norm has the same bits for any number of threads") {
  const auto run = [](int threads) {
    Roles<float> r(10007);
    Step<float> step(threads);
    r.decayed.grad() = normal_matrix<float>(1, 10007, 3, "g");
    return gradient_norm(step, r.params);
  };
  CHECK(run(2) == run(1));
  CHECK(run(5) == run(1));
}

}  // namespace heed
