#include "core/params.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "tests/catch.h"

namespace heed {
namespace {

std::vector<double> numbers(const Param<double>& p) {
  const Mat<double> m = p.value();
  return {m.data(), m.data() + m.size()};
}

}  // namespace

TEST_CASE("params: a parameter is called by its scopes and its name") {
  Params<float> params;
  {
    const auto block = params.scope("blocks.0");
    {
      const auto attention = params.scope("attention");
      CHECK(params.declare("query", 2, 3, Init::zeros(), Role::decayed).name() == "blocks.0.attention.query");
    }
    CHECK(params.declare("gain", 1, 3, Init::ones(), Role::undecayed).name() == "blocks.0.gain");
  }
  CHECK(params.declare("head", 3, 5, Init::zeros(), Role::decayed).name() == "head");
  CHECK(params.find("blocks.0.gain").cols() == 3);
  CHECK_FALSE(params.find("gain"));
  CHECK_FALSE(Param<float>());
}

TEST_CASE("params: a model far larger than the machine can be counted") {
  Params<float> params;
  params.declare("weight", Index{1} << 20, Index{1} << 20, Init::normal(1), Role::decayed);
  params.declare("gain", 1, 7, Init::ones(), Role::undecayed);
  CHECK(count(params) == (Index{1} << 40) + 7);
}

TEST_CASE("params: fixed values are saved but are no parameters") {
  Params<double> params;
  params.declare("weight", 2, 3, Init::zeros(), Role::decayed);
  const Param<double> tau = params.declare("tau", 1, 1, Init::constant(2.5), Role::fixed);
  CHECK(count(params) == 6);
  params.freeze();
  params.initialize(1);
  CHECK(tau.value()(0, 0) == 2.5);
}

TEST_CASE("params: parameters do not overlap, and each starts on a cache line") {
  Params<float> params;
  std::vector<Param<float>> all;
  for (Index i = 1; i < 30; ++i)
    all.push_back(params.declare(std::to_string(i), i, i % 7 + 1, Init::zeros(), Role::decayed));
  params.freeze();
  for (const Param<float>& p : all) {
    CHECK(reinterpret_cast<std::uintptr_t>(p.value().data()) % kAlignment == 0);
    CHECK(reinterpret_cast<std::uintptr_t>(p.grad().data()) % kAlignment == 0);
    p.value().array() += static_cast<float>(p.index() + 1);
    p.grad().array() -= static_cast<float>(p.index() + 1);
  }
  for (const Param<float>& p : all) {
    CHECK((p.value().array() == static_cast<float>(p.index() + 1)).all());
    CHECK((p.grad().array() == -static_cast<float>(p.index() + 1)).all());
  }
}

TEST_CASE("params: gaps between parameters stay zero") {
  Params<double> params;
  params.declare("a", 1, 3, Init::ones(), Role::decayed);
  params.declare("b", 1, 3, Init::ones(), Role::decayed);
  params.freeze();
  params.initialize(1);
  CHECK(params.size() == 16);  // two cache lines of eight
  CHECK(std::ranges::count(params.values(), 1.0) == 6);
  CHECK(std::ranges::count(params.values(), 0.0) == 10);
}

TEST_CASE("params: initial values do not depend on other parameters") {
  Params<double> few, more;
  const auto weight = [](Params<double>& p) {
    return p.declare("weight", 5, 7, Init::normal(0.3), Role::decayed);
  };
  const Param<double> single = weight(few);
  more.declare("before", 3, 3, Init::normal(0.3), Role::decayed);
  const Param<double> among = weight(more);
  more.declare("after", 3, 3, Init::uniform(0.3), Role::decayed);
  few.freeze(), more.freeze();
  few.initialize(11), more.initialize(11);
  CHECK(numbers(single) == numbers(among));
  few.initialize(12);
  CHECK(numbers(single) != numbers(among));
}

TEST_CASE("params: initial values follow the initializer") {
  Params<double> params;
  const Param<double> normal = params.declare("normal", 100, 100, Init::normal(0.02), Role::decayed);
  const Param<double> uniform = params.declare("uniform", 100, 100, Init::uniform(0.5), Role::decayed);
  const Param<double> constant = params.declare("constant", 2, 2, Init::constant(-3), Role::decayed);
  params.freeze();
  params.initialize(5);
  // Means of 10,000 draws: four standard deviations wide.
  CHECK(std::abs(normal.value().mean()) < 4 * 0.02 / 100);
  CHECK(std::sqrt(normal.value().array().square().mean()) == Approx(0.02).epsilon(0.03));
  CHECK(std::abs(uniform.value().mean()) < 4 * 0.5 / std::sqrt(3.0) / 100);
  CHECK(uniform.value().minCoeff() >= -0.5);
  CHECK(uniform.value().minCoeff() < -0.49);
  CHECK(uniform.value().maxCoeff() < 0.5);
  CHECK(uniform.value().maxCoeff() > 0.49);
  CHECK((constant.value().array() == -3).all());
}

TEST_CASE("params: float parameters start at the rounded numbers of double ones") {
  Params<float> single;
  Params<double> twice;
  const auto f = single.declare("w", 4, 9, Init::normal(0.1), Role::decayed);
  const auto d = twice.declare("w", 4, 9, Init::normal(0.1), Role::decayed);
  single.freeze(), twice.freeze();
  single.initialize(3), twice.initialize(3);
  CHECK((f.value().array() == d.value().cast<float>().array()).all());
}

TEST_CASE("params: gradients start at zero and go back there") {
  Params<float> params;
  const Param<float> p = params.declare("w", 3, 3, Init::ones(), Role::decayed);
  params.freeze();
  CHECK((p.grad().array() == 0).all());
  p.grad().setOnes();
  params.zero_grads();
  CHECK((p.grad().array() == 0).all());
}

TEST_CASE("params: use in the wrong order is reported as a bug") {
  Params<float> params;
  const Param<float> p = params.declare("w", 1, 1, Init::ones(), Role::decayed);
  CHECK_THROWS_WITH(params.declare("w", 1, 1, Init::ones(), Role::decayed),
                    ContainsSubstring("two parameters are called w"));
  CHECK_THROWS_WITH(p.value(), ContainsSubstring("before Params::freeze"));
  CHECK_THROWS_WITH(p.grad(), ContainsSubstring("before Params::freeze"));
  CHECK_THROWS_AS(params.initialize(1), Bug);
  params.freeze();
  CHECK_THROWS_WITH(params.declare("late", 1, 1, Init::ones(), Role::decayed),
                    ContainsSubstring("declared after Params::freeze"));
  CHECK_THROWS_WITH(params.freeze(), ContainsSubstring("called twice"));
}

TEST_CASE("params: a model without parameters can be frozen") {
  Params<double> params;
  params.freeze();
  params.initialize(1);
  CHECK(params.values().empty());
  CHECK(count(params) == 0);
}

TEST_CASE("Params: a parameter is of the component of the scope around it") {
  Params<float> params;
  const auto declare = [&](const char* name) {
    params.declare(name, 1, 1, Init::zeros(), Role::undecayed);
    return params.infos().back().component;
  };
  CHECK(declare("a") == Component::attention);
  {
    const auto outer = params.scope("outer", Component::feed_forward);
    CHECK(declare("b") == Component::feed_forward);
    {
      const auto inner = params.scope("inner");
      const auto biases = params.component(Component::biases);
      CHECK(declare("c") == Component::biases);
    }
    CHECK(declare("d") == Component::feed_forward);
  }
  CHECK(declare("e") == Component::attention);
  CHECK(params.infos()[2].name == "outer.inner.c");
}

}  // namespace heed
