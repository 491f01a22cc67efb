// What a mixer shows as its weights is what it mixes with: weights times values is its output.
#include <cmath>
#include <string>
#include <vector>

#include "tests/catch.h"
#include "tests/variants/kernel_run.h"

using namespace heed;
using namespace heed::test;

namespace {

constexpr double kRounding = 1e-12;

// Without what comes behind the weighted sum: norms and gates of the output.
Config of(const std::string& variant) {
  const Config no = Config::boolean(false), none = Config::scalar("none");
  if (variant == "differential") return options({{"head_norm", no}});
  if (variant == "memory") return options({{"vectors", whole(0)}});  // which have no column among the keys
  if (variant == "gla") return options({{"output_norm", no}, {"output_gate", none}});
  if (variant == "retention")
    return options({{"output_norm", no}, {"output_gate", none}, {"expand_value", whole(1)}});
  return Config::map();
}

std::vector<Sizes> shapes_for(const Traits& traits) {
  std::vector<Sizes> shapes;
  for (const bool causal : {true, false}) {
    if (causal ? !traits.causal : !traits.bidirectional) continue;
    for (const Index time : {1, 2, 7, 33, 70})
      shapes.push_back(
          {.heads = 3, .tq = time, .tk = time, .width = 6, .value = 6, .causality = {causal, {}}});
    if (traits.cross && !causal) shapes.push_back({.tq = 5, .tk = 41, .causality = {causal, {}}});
  }
  return shapes;
}

// The largest |w v - o| over all heads.
double off(KernelRun& run, double spoil = 0) {
  const Sizes& s = run.sizes;
  double worst = 0;
  for (Index b = 0; b < s.batch; ++b)
    for (Index h = 0; h < s.heads; ++h) {
      Matd p = run.weights(b, h);
      p(s.tq - 1, 0) += spoil;
      const Matd o = run.head(run.o, s.tq, s.value, b, h);
      worst = std::max(worst, (p * run.head(run.v, s.tk, s.value, b, h) - o).cwiseAbs().maxCoeff());
    }
  return worst;
}

bool shows_weights(const std::string& name) {
  KernelRun run(name, of(name), {.tq = 1, .tk = 1});
  run.forward();
  Matd p(1, 1);
  return run.kernel->weights(run.step, 0, 0, mat(p.data(), 1, 1));
}

// Those that have weights to show.
std::vector<std::string> mixers() {
  std::vector<std::string> names;
  for (const VariantInfo& info : registry().variants())
    if (info.is_mixer() && shows_weights(info.name)) names.push_back(info.name);
  return names;
}

// True for variants whose rows of weights do not sum to one.
bool has_sums_of_its_own(const std::string& name) {
  for (const char* own : {"differential_v2", "fast_weights", "gla", "nsa", "retention", "stick_breaking"})
    if (name == own) return true;
  return false;
}

}  // namespace

TEST_CASE("weights times values is the output of every mixer that has weights") {
  REQUIRE(mixers().size() >= 8);
  for (const std::string& name : mixers()) {
    INFO(name);
    for (const Sizes& s : shapes_for(registry().variant(name).traits(of(name)))) {
      INFO("queries " << s.tq << ", keys " << s.tk << (s.causality.causal ? ", causal" : ""));
      KernelRun run(name, of(name), s);
      run.forward();
      CHECK(off(run) < kRounding);
      CHECK(off(run, 1e-6) > kRounding);  // the check can fail
    }
  }
}

TEST_CASE(
    "weights: rows of weights sum to one; linear attention's to a bit less, differential attention's to 1 - "
    "lambda") {
  for (const std::string& name : mixers()) {
    if (has_sums_of_its_own(name)) continue;  // the tests of these variants check them
    INFO(name);
    for (const Sizes& s : shapes_for(registry().variant(name).traits(of(name)))) {
      KernelRun run(name, of(name), s);
      run.forward();
      const Eigen::VectorXd sums = run.weights(1, 0).rowwise().sum();
      const double expected = name == "differential" ? sums(0) : 1;
      const double slack = name == "linear" ? 1e-5 : kRounding;
      CHECK((sums.array() - expected).abs().maxCoeff() < slack);
      if (name == "linear") CHECK(sums.maxCoeff() < 1);
      if (name == "differential") CHECK(sums(0) < 1 - 0.1);  // lambda starts around 0.2
      if (name != "differential") CHECK(run.weights(1, 0).minCoeff() >= 0);
    }
  }
}
