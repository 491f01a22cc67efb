#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>
#include <vector>

#include "core/check/checks.h"
#include "core/check/outcome.h"

namespace heed::check {
namespace {

// No coordinate moves by more than 0.05: a variant that ran away would end in NaN, which equals nothing.
void training_step(Bench<double>& bench) {
  bench.run();
  double largest = 1;
  for (const double g : bench.params.grads()) largest = std::max(largest, std::abs(g));
  for (std::size_t i = 0; i < bench.params.values().size(); ++i)
    bench.params.values()[i] -= 0.05 / largest * bench.params.grads()[i];
}

// After one pass, and after ten steps of gradient descent.
std::pair<Outcome<double>, Outcome<double>> trained(const Subject& subject, const Setup& setup, int threads) {
  Bench<double> bench(subject.info, subject.options, setup, threads);
  bench.run();
  Outcome<double> first = outcome_of(bench);
  for (int i = 0; i < 10; ++i) training_step(bench);
  bench.run();
  return {std::move(first), outcome_of(bench)};
}

template <class S>
std::vector<std::byte> bytes_of(const Params<S>& params) {
  std::vector<std::byte> out(params.values().size_bytes());
  std::memcpy(out.data(), params.values().data(), out.size());
  return out;
}

}  // namespace

Finding batch_independence(const Subject& subject, const Setup& setup) {
  Setup many = setup, one = setup;
  many.batch = 3, one.batch = 1;
  Bench<double> together(subject.info, subject.options, many), alone(subject.info, subject.options, one);
  together.run();
  for (Index b = 0; b < many.batch; ++b) {
    const auto part = [&](const Matrix<double>& m) { return m.middleRows(b * m.rows() / 3, m.rows() / 3); };
    alone.x = part(together.x);
    alone.context = part(together.context);
    alone.upstream = part(together.upstream);
    alone.run();
    for (const auto& [name, mine, theirs] :
         {std::tuple("the output", &alone.y, &together.y),
          {"the gradient of x", &alone.dx, &together.dx},
          {"the gradient of the context", &alone.dcontext, &together.dcontext}})
      if (!same_bits(*mine, part(*theirs)))
        return {fmt::format("sequence {} of {} has another result than by itself: {} differs by {:.3g}", b,
                            many.batch, name, (*mine - part(*theirs)).cwiseAbs().maxCoeff())};
  }
  return {};
}

Finding threads(const Subject& subject, const Setup& setup) {
  const auto wanted = trained(subject, setup, 1);
  for (int n : {2, 5}) {
    const auto found = trained(subject, setup, n);
    if (const std::string what = different_bits(found.first, wanted.first); !what.empty())
      return {fmt::format("{} is not the same with 1 and {} threads", what, n)};
    if (const std::string what = different_bits(found.second, wanted.second); !what.empty())
      return {fmt::format("after ten training steps {} is not the same with 1 and {} threads", what, n)};
  }
  return {};
}

Finding repeat(const Subject& subject, const Setup& setup) {
  Bench<double> bench(subject.info, subject.options, setup);
  bench.run();
  const Outcome<double> once = outcome_of(bench);
  bench.run();
  if (const std::string what = different_bits(outcome_of(bench), once); !what.empty())
    return {what + " is not the same when the pass is run again"};

  const Matrix<double> x = bench.x;
  bench.x = normal_matrix<double>(x.rows(), x.cols(), 2, "check x");
  bench.run();
  bench.x = x;
  bench.run();
  if (const std::string what = different_bits(outcome_of(bench), once); !what.empty())
    return {what + " is not the same after another batch went through: something of it is kept"};

  bench.backward();
  Outcome<double> twice = once;
  for (std::size_t i = 1; i < twice.tensors.size(); ++i) twice.tensors[i].second *= 2;
  // Up to rounding: a gradient that is added term by term rounds in other places.
  const Difference d = relative_difference(outcome_of(bench), twice);
  if (d.largest < 1e-13) return {{}, d.largest};
  return {
      fmt::format("a second backward does not add the same again: {} is off by {:.3g}", d.where, d.largest),
      d.largest};
}

Finding save_and_load(const Subject& subject, const Setup& setup) {
  Bench<double> saved(subject.info, subject.options, setup),
      loaded(subject.info, subject.options, setup, 1, 2);
  const std::vector<std::byte> bytes = bytes_of(saved.params);
  HEED_CHECK(bytes.size() == loaded.params.values().size_bytes(), "two instances differ in size");
  std::memcpy(loaded.params.values().data(), bytes.data(), bytes.size());
  loaded.x = saved.x, loaded.context = saved.context, loaded.upstream = saved.upstream;
  saved.run();
  loaded.run();
  const std::string what = different_bits(outcome_of(loaded), outcome_of(saved));
  return {what.empty() ? "" : what + " is not the same in an instance loaded with the parameters of another"};
}

}  // namespace heed::check
