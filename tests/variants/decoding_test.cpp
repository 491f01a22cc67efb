// Decoding token by token, beyond what the conformance check "decoding" proves of every variant.
#include <algorithm>

#include "core/check/bench.h"
#include "core/layer.h"
#include "tests/catch.h"
#include "tests/variants/kernel_run.h"

using namespace heed;
using namespace heed::test;

namespace {

struct Layer8 {
  Layer8(const std::string& variant, const Config& options, Causality causality = {}) {
    const VariantInfo& info = registry().variant(variant);
    const LayerSpec<double> spec{
        .dim = 8, .context_dim = 8, .heads = 2, .length = kTime, .causality = causality};
    Problems problems;
    layer = info.make<double>(info.resolve(options, variant, problems), spec, params);
    params.freeze();
    params.initialize(1);
  }

  static constexpr Index kTime = 21;
  Params<double> params;
  std::unique_ptr<Layer<double>> layer;
  Step<double> step{1, false};
  Matd x = normal_matrix<double>(kTime, 8, 1, "x");

  Matd parallel() {
    Matd y(kTime, 8);
    const Seq<const double> in{x.data(), 1, kTime, 8};
    layer->forward(step, in, in, {y.data(), 1, kTime, 8});
    step.rewind();
    return y;
  }
  Matd token_by_token(LayerDecoder<double>& decoder) {
    Matd y(kTime, 8);
    for (Index t = 0; t < kTime; ++t) {
      decoder.next(step, {x.row(t).data(), 1, 1, 8}, {y.row(t).data(), 1, 1, 8});
      step.rewind();
    }
    return y;
  }
};

}  // namespace

TEST_CASE("decoding: layers that do not mix time give the same bits and keep nothing") {
  for (const char* variant : {"mlp", "swiglu", "pattention"}) {
    Layer8 made(variant, {});
    const auto decoder = made.layer->decoder(1, Layer8::kTime);
    CAPTURE(variant);
    CHECK(made.token_by_token(*decoder) == made.parallel());
    CHECK(decoder->state_bytes() == 0);
  }
}

TEST_CASE("decoding: with tiles of one pair, softmax sums in the same order and gives the same bits") {
  for (const char* variant : {"softmax", "window", "differential", "differential_v2", "forgetting",
                              "knn_memory", "memory", "stick_breaking"}) {
    Layer8 made(variant, options({{"tile", whole(1)}}));
    CAPTURE(variant);
    CHECK(made.token_by_token(*made.layer->decoder(1, Layer8::kTime)) == made.parallel());
  }
}

TEST_CASE("decoding: a window keeps its keys and no more") {
  Layer8 window("window", options({{"size", whole(4)}}));
  CHECK(window.layer->decoder(1, 21)->state_bytes() == 4 * 5 * 2 * 8);
  CHECK(window.layer->decoder(1, 3)->state_bytes() == 4 * 3 * 2 * 8);
  Layer8 with_global("window", options({{"size", whole(4)}, {"global", whole(std::vector<Index>{9})}}));
  CHECK(with_global.layer->decoder(1, 21)->state_bytes() == 4 * 21 * 2 * 8);
  CHECK(distance(with_global.token_by_token(*with_global.layer->decoder(1, 21)), with_global.parallel()) <
        1e-12);
}

TEST_CASE("decoding: linear attention keeps a state that does not grow, softmax all keys and values") {
  CHECK(Layer8("linear", {}).layer->decoder(1, 1000)->state_bytes() == 4 * 2 * (4 * 4 + 4));
  CHECK(Layer8("softmax", {}).layer->decoder(1, 1000)->state_bytes() == 4 * 1000 * 2 * 8);
  CHECK(Layer8("softmax", options({{"key_heads", whole(1)}})).layer->decoder(1, 1000)->state_bytes() ==
        4 * 1000 * 8);
}

TEST_CASE("decoding: recurrent networks keep their state") {
  CHECK(Layer8("rnn", options({{"hidden", whole(5)}})).layer->decoder(1, 1000)->state_bytes() == 4 * 5);
  CHECK(Layer8("lstm", options({{"hidden", whole(5)}})).layer->decoder(1, 1000)->state_bytes() == 4 * 2 * 5);
}

TEST_CASE("decoding: two decoders of one layer do not disturb each other") {
  Layer8 made("linear", {});
  const auto a = made.layer->decoder(1, Layer8::kTime), b = made.layer->decoder(1, Layer8::kTime);
  const Matd wanted = made.parallel();
  CHECK(distance(made.token_by_token(*a), wanted) < 1e-12);
  CHECK(distance(made.token_by_token(*b), wanted) < 1e-12);
}

TEST_CASE("decoding: the default repeats the pass, and is right for every causal layer") {
  Layer8 made("strided", options({{"stride", whole(3)}}));
  RepeatingDecoder<double> decoder(*made.layer, 1, Layer8::kTime);
  CHECK(distance(made.token_by_token(decoder), made.parallel()) < 1e-12);
}

TEST_CASE("decoding: without a causal mask it is refused") {
  CHECK_THROWS_WITH(Layer8("softmax", {}, {.causal = false}).layer->decoder(1, 4),
                    ContainsSubstring("causal"));
}
