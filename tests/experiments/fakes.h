// A registry of things that can be configured but not run, so that messages which list what is known stay the
// same when heed learns more.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/register.h"

namespace heed::test {

template <class S>
struct FakeLayer : Layer<S> {
  void forward(Step<S>&, Seq<const S>, Seq<const S>, Seq<S>) override {}
  void backward(Step<S>&, Seq<const S>, Seq<S>, Seq<S>) override {}
  Cost cost(Index, Index) const override { return {}; }
};

template <class S>
struct FakeSoftmax : FakeLayer<S> {
  struct Options {
    double temperature = 1;
    void describe(auto& option) { option("temperature", temperature, {.min = 0.001, .max = 1000}); }
  };
  FakeSoftmax(const Options&, const LayerSpec<S>& spec, Params<S>& params) {
    params.declare("query", spec.dim, spec.dim, Init::zeros(), Role::decayed);
  }
};

template <class S>
struct FakeLinear : FakeLayer<S> {
  struct Options {
    std::string features = "elu";
    void describe(auto& option) { option("features", features, {.choices = {"elu", "relu"}}); }
  };
  FakeLinear(const Options&, const LayerSpec<S>&, Params<S>&) {}
};

template <class S>
struct FakeWindow : FakeLayer<S> {
  struct Options {
    Index size = 16, dilation = 1;
    std::vector<Index> global = {};
    void describe(auto& option) {
      option("size", size, {.min = 1});
      option("dilation", dilation, {.min = 1});
      option("global", global, {.min = 0});
    }
  };
  FakeWindow(const Options& options, const LayerSpec<S>& spec, Params<S>&) {
    if (options.size > spec.length) throw Error("'size' is more than the sequence is long.");
  }
};

// Cannot hide the future.
template <class S>
struct FakeMean : FakeLayer<S> {
  using Options = NoOptions;
  FakeMean(const Options&, const LayerSpec<S>&, Params<S>&) {}
  static Traits traits(const Options&) { return {.causal = false}; }
};

template <class S>
struct FakeTokenformer : FakeLayer<S> {
  struct Options {
    Index tokens = 64;
    void describe(auto& option) { option("tokens", tokens, {.min = 1}); }
  };
  FakeTokenformer(const Options& options, const LayerSpec<S>& spec, Params<S>& params) {
    params.declare("tokens", options.tokens, spec.dim, Init::zeros(), Role::decayed, NewRows::zero);
  }
  static BlockStyle block_style(const Options& o) {
    BlockStyle style{.feed_forward = "pattention"};
    style.feed_forward_options.set("tokens", Config::integer(4 * o.tokens));
    return style;
  }
};

template <class S>
struct FakePattention : FakeLayer<S> {
  struct Options {
    Index tokens = 256;
    std::string norm = "gelu_l2";
    void describe(auto& option) {
      option("tokens", tokens, {.min = 1});
      option("norm", norm, {.choices = {"gelu_l2", "softmax"}});
    }
  };
  FakePattention(const Options&, const LayerSpec<S>&, Params<S>&) {}
  static Traits traits(const Options&) { return {.mixes_time = false}; }
};

template <class S>
struct FakeMlp : FakeLayer<S> {
  struct Options {
    Index width = 0;
    void describe(auto& option) { option("width", width, {.min = 0}); }
  };
  FakeMlp(const Options&, const LayerSpec<S>&, Params<S>&) {}
  static Traits traits(const Options&) { return {.mixes_time = false}; }
};

template <class S>
struct FakeLearned : Position<S> {
  using Options = NoOptions;
  FakeLearned(const Options&, const PositionSpec&, Params<S>&) {}
};

template <class S>
struct FakeRope : Position<S> {
  struct Options {
    double base = 10000;
    void describe(auto& option) { option("base", base, {.min = 1}); }
  };
  FakeRope(const Options&, const PositionSpec&, Params<S>&) {}
};

struct FakeMqar : TokenTask {
  struct Options {
    Index length = 64, pairs = 4, vocab = 256;
    std::vector<double> shares = {0.9, 0.1};
    void describe(auto& option) {
      option("length", length, {.min = 4});
      option("pairs", pairs, {.min = 1});
      option("vocab", vocab, {.min = 6});
      option("shares", shares, {.min = 0});
    }
    void check(const Refuse& refuse) const {
      if (4 * pairs > length) refuse("pairs", "it must be at most length / 4");
    }
  };
  FakeMqar(const Options& o, std::uint64_t) : options(o) {}
  Index vocabulary() const override { return options.vocab; }
  Index length() const override { return options.length; }
  void sequence(Split, std::uint64_t, std::span<Token>, std::span<Token>) const override {}
  Options options;
};

struct FakeText : FakeMqar {
  struct Options {
    std::string path = "a.txt";
    void describe(auto& option) { option("path", path, {}); }
  };
  FakeText(const Options& o, std::uint64_t seed) : FakeMqar({}, seed), path(o.path) {
    if (o.path == "gone.txt") throw Error("gone.txt: No such file or directory.");
  }
  std::optional<Index> size(Split split) const override {
    return split == Split::test && path == "untested.txt" ? std::optional<Index>(0) : std::nullopt;
  }
  std::string path;
};

template <class S>
struct FakeAdamW : Optimizer<S> {
  struct Options {
    double beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0.1;
    void describe(auto& option) {
      option("beta1", beta1, {.min = 0, .max = 0.999999});
      option("beta2", beta2, {.min = 0, .max = 0.999999});
      option("eps", eps, {.min = 1e-16});
      option("weight_decay", weight_decay, {.min = 0});
    }
  };
  FakeAdamW(const Options&, Params<S>& params) : Optimizer<S>(params) {
    this->add_state("first_moment");
    this->add_state("second_moment");
  }
  void apply(Step<S>&, double) override {}
};

template <class S>
struct FakeSgd : Optimizer<S> {
  struct Options {
    double momentum = 0, weight_decay = 0;
    void describe(auto& option) {
      option("momentum", momentum, {.min = 0, .max = 1});
      option("weight_decay", weight_decay, {.min = 0});
    }
  };
  FakeSgd(const Options&, Params<S>& params) : Optimizer<S>(params) {}
  void apply(Step<S>&, double) override {}
};

// Its option has the name of one of `train`.
template <class S>
struct FakeClash : Optimizer<S> {
  struct Options {
    double clip = 1;
    void describe(auto& option) { option("clip", clip, {.min = 0}); }
  };
  FakeClash(const Options&, Params<S>& params) : Optimizer<S>(params) {}
  void apply(Step<S>&, double) override {}
};

struct FakeCosine : Schedule {
  struct Options {
    double min_lr = 0;
    void describe(auto& option) { option("min_lr", min_lr, {.min = 0}); }
  };
  FakeCosine(const Options&, const ScheduleSpec& spec) : Schedule(spec) {}
  double after_warmup(Index) const override { return spec_.lr; }
};

struct FakeConstant : Schedule {
  using Options = NoOptions;
  FakeConstant(const Options&, const ScheduleSpec& spec) : Schedule(spec) {
    if (spec.steps == 13) throw Error("thirteen steps are too few.");
  }
  double after_warmup(Index) const override { return spec_.lr; }
};

inline Registry fake_registry() {
  Registry r;
  r.add_layer<FakeSoftmax>("softmax", {"scores"});
  r.add_layer<FakeLinear>("linear", {"features"});
  r.add_layer<FakeWindow>("window", {"near keys"});
  r.add_layer<FakeMean>("mean", {"everything"});
  r.add_layer<FakeTokenformer>("tokenformer", {"tokens"});
  r.add_layer<FakePattention>("pattention", {"tokens"});
  r.add_layer<FakeMlp>("mlp", {"two maps"});
  r.add_position<FakeLearned>("learned", {"a table"});
  r.add_position<FakeRope>("rope", {"turns"});
  r.add_optimizer<FakeAdamW>("adamw", {"two moments"});
  r.add_optimizer<FakeSgd>("sgd", {"steps downhill"});
  r.add_optimizer<FakeClash>("clash", {"a name twice"});
  r.add_schedule<FakeCosine>("cosine", {"down"});
  r.add_schedule<FakeConstant>("constant", {"straight on"});
  r.add_task<FakeMqar>("mqar", {"recall"});
  r.add_task<FakeText>("text", {"bytes"});
  return r;
}

}  // namespace heed::test
