#include <cmath>
#include <vector>

#include "core/model/clipping.h"
#include "tests/catch.h"
#include "tests/core/model/tiny_model.h"
#include "tests/core/optimizer_named.h"

namespace heed {
namespace {

// Sequences that repeat themselves after half their length; the second half is scored.
struct Repeats {
  explicit Repeats(std::uint64_t step) : tokens(kBatch * kTime), labels(kBatch * kTime, kUnscored) {
    Draws draws = Rng(1, "golden run").at(step);
    for (Index b = 0; b < kBatch; ++b)
      for (Index t = 0; t < kTime; ++t) {
        const auto i = static_cast<std::size_t>(b * kTime + t);
        tokens[i] = t < kTime / 2 ? static_cast<Token>(draws.below(kVocabulary)) : tokens[i - kTime / 2];
        if (t >= kTime / 2) labels[i - 1] = tokens[i];
      }
  }
  static constexpr Index kBatch = 16, kTime = 12, kVocabulary = 9;
  std::vector<Token> tokens, labels;
};

template <class S>
std::vector<double> losses_of_a_run() {
  ModelSpec spec = tiny_spec();
  spec.options = {.layers = 2, .heads = 2, .dim = 16};
  spec.shape = token_shape(Repeats::kVocabulary, Repeats::kTime);
  TinyModel<S> tiny(spec, 0.2);
  Step<S> step;
  const auto optimizer =
      test::optimizer_named("adamw", tiny.params, {{"beta2", "0.99"}, {"weight_decay", "0.1"}});
  Config options = Config::map();
  options.set("min_lr", Config::number(2e-3));
  const auto rate = tiny_registry().schedule("cosine").make(options, {.lr = 2e-2, .warmup = 5, .steps = 20});
  std::vector<double> losses;
  for (Index s = 0; s < 20; ++s) {
    const Repeats data(static_cast<std::uint64_t>(s));
    const Score score =
        tiny.learn(step, token_batch(data.tokens, data.labels, Repeats::kBatch, Repeats::kTime));
    losses.push_back(score.mean_loss());
    clip_gradients(tiny.params, gradient_norm(step, tiny.params), 1);
    optimizer->update(step, (*rate)(s));
  }
  return losses;
}

}  // namespace

// A change of these numbers is a change of every result that was ever published: say so in CHANGELOG.md.
// They hold for float and for double: 1e-5 is a hundred times the rounding of float, and a hundredth of what
// a small change of the arithmetic does in twenty steps.
TEMPLATE_TEST_CASE("golden run: twenty training steps have the losses they always had", "", float, double) {
  const std::vector<double> stored = {2.3751892, 2.2584789, 2.2536475, 2.1884688, 2.2217811,
                                      2.1452062, 2.1192590, 2.1241063, 2.1770004, 2.1636393,
                                      2.1541024, 2.0485028, 2.0497758, 2.0867180, 2.0192605,
                                      1.9733388, 2.0586983, 2.0760681, 1.9903123, 2.0179181};
  const std::vector<double> losses = losses_of_a_run<TestType>();
  REQUIRE(losses.size() == stored.size());
  for (std::size_t s = 0; s < stored.size(); ++s) {
    CAPTURE(s, losses[s]);
    CHECK(std::abs(losses[s] - stored[s]) < 1e-5);
  }
}

}  // namespace heed
