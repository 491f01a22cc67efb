#include "core/registry.h"

#include <memory>
#include <string>

#include "core/register.h"
#include "tests/catch.h"
#include "tests/core/naive_mixer.h"

namespace heed {
namespace {

// y = scale * x
template <class S>
class Scale final : public Layer<S> {
 public:
  struct Options {
    double scale = 2;
    void describe(auto& option) { option("scale", scale, {.min = 0, .doc = "factor"}); }
  };
  Scale(const Options& options, const LayerSpec<S>&, Params<S>&) : scale_(static_cast<S>(options.scale)) {}
  static Traits traits(const Options& o) { return {.permutation = o.scale > 1, .mixes_time = false}; }
  static BlockStyle block_style(const Options&) { return {.feed_forward = "scale", .norm_gain = false}; }
  void forward(Step<S>&, Seq<const S> x, Seq<const S>, Seq<S> y) override { y.rows() = scale_ * x.rows(); }
  void backward(Step<S>&, Seq<const S> dy, Seq<S> dx, Seq<S>) override { dx.rows() += scale_ * dy.rows(); }
  Cost cost(Index, Index) const override { return {}; }

 private:
  S scale_;
};

template <class S>
struct Nowhere final : Position<S> {
  using Options = NoOptions;
  Nowhere(const Options&, const PositionSpec&, Params<S>&) {}
};

struct Zeros final : TokenTask {
  struct Options {
    Index length = 4;
    void describe(auto& option) { option("length", length, {.min = 1, .doc = "tokens"}); }
  };
  Zeros(const Options& options, std::uint64_t) : length_(options.length) {}
  Index vocabulary() const override { return 1; }
  Index length() const override { return length_; }
  void sequence(Split, std::uint64_t, std::span<Token> tokens, std::span<Token> labels) const override {
    std::ranges::fill(tokens, 0);
    std::ranges::fill(labels, 0);
  }
  Index length_;
};

// As long as its folder's name. Without a folder it computes: 100.
struct Cached final : TokenTask {
  struct Options {
    Index length = 0;
    std::string folder;
    void use_cache(const std::string& cache) { folder = cache; }
    void describe(auto& option) { option("length", length, {.min = 0, .doc = "tokens; filled in"}); }
    void complete() { length = folder.empty() ? 100 : std::ssize(folder); }
  };
  Cached(const Options& options, std::uint64_t) : folder_(options.folder) {}
  Index vocabulary() const override { return 1; }
  Index length() const override { return std::ssize(folder_); }
  void sequence(Split, std::uint64_t, std::span<Token>, std::span<Token>) const override {}
  std::string folder_;
};

Registry filled() {
  Registry registry;
  registry.add_mixer<NaiveMixer>("naive", {"Softmax attention, written out"});
  registry.add_layer<Scale>("scale", {"A factor", "Nobody 1900"});
  registry.add_position<Nowhere>("nowhere", {"No position"});
  registry.add_task<Zeros>("zeros", {"Nothing but zeros"});
  return registry;
}

}  // namespace

TEST_CASE("registry: an entry is found by its name, with its description") {
  const Registry registry = filled();
  CHECK(names(registry.variants()) == std::vector<std::string>{"naive", "scale"});
  CHECK(registry.variant("scale").about.paper == "Nobody 1900");
  CHECK(registry.variant("scale").options.at(0).name == "scale");
  CHECK(registry.position("nowhere").options.empty());
  CHECK(registry.task("zeros").options.size() == 1);
  CHECK(registry.find_variant("naive") != nullptr);
  CHECK(registry.find_variant("zeros") == nullptr);  // a task is no variant
  CHECK(registry.find_position("naive") == nullptr);
  CHECK(registry.find_task("naive") == nullptr);
}

TEST_CASE("registry: a name that is taken is refused, and the first one stays") {
  Registry registry = filled();
  CHECK_THROWS_WITH(registry.add_mixer<NaiveMixer>("scale", {"another"}),
                    ContainsSubstring("variant 'scale'") && ContainsSubstring("registered twice"));
  CHECK_THROWS_WITH(registry.add_position<Nowhere>("nowhere", {"another"}),
                    ContainsSubstring("position 'nowhere'") && ContainsSubstring("registered twice"));
  CHECK_THROWS_WITH(registry.add_task<Zeros>("zeros", {"another"}),
                    ContainsSubstring("task 'zeros'") && ContainsSubstring("registered twice"));
  CHECK(registry.variant("scale").about.summary == "A factor");
  CHECK(registry.variants().size() == 2);
}

TEST_CASE("registry: an unknown name is refused with the nearest") {
  const Registry registry = filled();
  CHECK_THROWS_WITH(registry.variant("naiv"), ContainsSubstring("unknown variant 'naiv'") &&
                                                  ContainsSubstring("Did you mean 'naive'?") &&
                                                  ContainsSubstring("naive, scale"));
  CHECK_THROWS_WITH(registry.position("learned"),
                    ContainsSubstring("position 'learned'") && ContainsSubstring("nowhere"));
  CHECK_THROWS_WITH(registry.task("zeroes"),
                    ContainsSubstring("unknown task 'zeroes'") && ContainsSubstring("Did you mean 'zeros'?"));
  CHECK_THROWS_AS(Registry().variant("x"), Error);
}

TEST_CASE("registry: options are resolved with every default, or refused with their place") {
  const Registry registry = filled();
  Problems problems;
  CHECK(registry.variant("scale").resolve(Config(), "variants[0]", problems).canonical() == "{scale: 2}");
  CHECK(problems.empty());
  Config given = Config::map();
  given.set("scale", Config::scalar("-1", {"f.yaml", 2, 3}));
  registry.variant("scale").resolve(given, "variants[0].scale", problems);
  REQUIRE(problems.lines().size() == 1);
  CHECK_THAT(problems.lines()[0],
             ContainsSubstring("f.yaml:2:3: variants[0].scale.scale: -1") && ContainsSubstring("at least 0"));
}

TEST_CASE("registry: traits and block style depend on the options") {
  const Registry registry = filled();
  Config small = Config::map();
  small.set("scale", Config::number(0.5));
  CHECK(registry.variant("scale").traits(Config()).permutation);
  CHECK_FALSE(registry.variant("scale").traits(small).permutation);
  CHECK_FALSE(registry.variant("scale").traits(small).mixes_time);
  CHECK(registry.variant("scale").block_style(small).feed_forward == "scale");
  CHECK_FALSE(registry.variant("scale").block_style(small).norm_gain);
  CHECK(registry.variant("naive").traits(Config()).causal);
  CHECK(registry.variant("naive").block_style(Config()).feed_forward.empty());
}

TEST_CASE("registry: a registered layer is built for float and for double") {
  const Registry registry = filled();
  const auto twice = [&]<class S>(S number) {
    Params<S> params;
    Step<S> step;
    const auto layer = registry.variant("scale").make<S>(Config(), {.dim = 1, .context_dim = 1}, params);
    const Seq<S> x = step.memory().keep(1, 1, 1), y = step.memory().keep(1, 1, 1);
    x.rows().setConstant(number);
    layer->forward(step, x, x, y);
    return y.rows()(0, 0);
  };
  CHECK(twice(1.5F) == 3.0F);
  CHECK(twice(1.5) == 3.0);
}

TEST_CASE("registry: a mixer has a kernel, a layer has none") {
  const Registry registry = filled();
  Params<double> params;
  CHECK_FALSE(registry.variant("scale").is_mixer());
  CHECK(registry.variant("naive").is_mixer());
  const auto kernel =
      registry.variant("naive").make_kernel(Config(), {.dim = 6, .context_dim = 6, .heads = 3}, params);
  CHECK(kernel->shape().heads == 3);
  CHECK(kernel->shape().key == 2);
}

TEST_CASE("registry: heads that do not divide the width are refused with both numbers") {
  const Registry registry = filled();
  Params<float> params;
  CHECK_THROWS_WITH(
      registry.variant("naive").make<float>(Config(), {.dim = 64, .context_dim = 64, .heads = 3}, params),
      ContainsSubstring("'heads' is 3") && ContainsSubstring("'dim' (64)"));
}

TEST_CASE("registry: a task is built from its options") {
  const Registry registry = filled();
  Config options = Config::map();
  options.set("length", Config::integer(9));
  CHECK(registry.task("zeros").make(options, 1)->shape().input.length == 9);
  CHECK(registry.task("zeros").make(Config(), 1)->shape().input.length == 4);
}

TEST_CASE("registry: tasks find the cache when their options are completed and when they are made") {
  Registry first = filled();
  first.add_task<Cached>("cached", {"A task with a cache"});
  Registry registry = std::move(first);
  Problems problems;
  const auto resolved = [&] {
    return registry.task("cached").resolve(Config(), "task", problems).canonical();
  };
  CHECK(resolved() == "{length: 100}");
  CHECK(registry.task("cached").make(Config(), 1)->shape().input.length == 0);
  registry.set_task_cache("folder");
  CHECK(resolved() == "{length: 6}");
  CHECK(registry.task("cached").make(Config(), 1)->shape().input.length == 6);
  CHECK(registry.task("zeros").make(Config(), 1)->shape().input.length == 4);
  CHECK(problems.empty());
}

}  // namespace heed
