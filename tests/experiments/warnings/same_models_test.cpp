// Models that compute the same, found by what they compute.
#include "experiments/warnings/same_models.h"

#include <string>

#include "tests/experiments/warnings/warned.h"

using namespace heed;
using namespace heed::test;

namespace {

const std::string kTask = "task: {name: mqar, length: 16, pairs: 2, vocab: 32}\n";

// Warnings of a sweep of some variants, with a small model and whatever else the file says.
std::string warned(const std::string& variants, const std::string& model = "", const std::string& more = "") {
  Registry registry = builtin();
  const Planned p = planned(
      "variants: " + variants + '\n' + kTask + "model: {layers: 1, heads: 2, dim: 8" + model + "}\n" + more,
      registry);
  return joined(same_model_warnings(p.sweep, registry));
}

}  // namespace

TEST_CASE("same_model_warnings: a window as long as the input is softmax") {
  CHECK_THAT(warned("[softmax, {window: {size: 64}}]"),
             ContainsSubstring("softmax and window are the same model"));
  CHECK(warned("[softmax, {window: {size: 4}}]").empty());
  CHECK_THAT(warned("[softmax, linear, {topk: {k: 16}}, {window: {size: [4, 15]}}]"),
             ContainsSubstring("softmax, topk and window(size=15) are the same model"));
}

TEST_CASE("same_model_warnings: options without effect in their setting") {
  // Causal, and `left` given: neither `size` nor `right` is read.
  const std::string rows = warned("[{window: {size: [1, 2], left: 4}}]");
  CHECK_THAT(rows, ContainsSubstring("window(size=1) and window(size=2) are the same model"));
  CHECK_THAT(rows, ContainsSubstring("window(size=1): size=1 has no effect here"));
  CHECK_THAT(warned("[{window: {size: 3, right: 2}}]"),
             ContainsSubstring("window: right=2 has no effect here"));
  CHECK_THAT(warned("[{differential: {head_norm: false, gain: false}}]"),
             ContainsSubstring("differential: gain=false has no effect here"));
  CHECK_THAT(warned("[{tokenformer: {feed_forward: mlp, feed_forward_tokens: 9}}]"),
             ContainsSubstring("tokenformer: feed_forward_tokens=9 has no effect here"));
  CHECK(warned("[{window: {size: 3}}, {differential: {gain: false}}, {topk: {k: 2}}]").empty());
  // Somewhere it has one.
  CHECK(warned("[{window: {size: 20}}]", "", "sweep: {parameters: {task.length: [16, 30]}}\n").empty());
}

TEST_CASE("same_model_warnings: parameters without effect in their setting") {
  // One segment and one chunk: nothing is stored and nothing is learned.
  CHECK_THAT(warned("[{knn_memory: {segment: 16}}]"),
             ContainsSubstring("does not depend on the parameter attention.gate_logit here"));
  CHECK_THAT(warned("[softmax]", ", feed_forward: {in_place_ttt: {chunk: 16}}"),
             ContainsSubstring("does not depend on the parameters feed_forward."));
  CHECK(warned("[{knn_memory: {segment: 8}}]", ", feed_forward: {in_place_ttt: {chunk: 8}}").empty());
}

TEST_CASE("same_model_warnings: a mini-batch that is longer than the sequences is named") {
  // The last of the 16 positions has no label.
  CHECK_THAT(warned("[{ttt_linear: {mini_batch: 24}}]"),
             ContainsSubstring("ttt_linear: the model's output does not depend on the parameter") &&
                 ContainsSubstring("scale (the last 9 of 24 numbers)") &&
                 ContainsSubstring("Perhaps an option is as large as the sequence is long, or larger."));
  CHECK(warned("[{ttt_linear: {mini_batch: 16}}, softmax]").empty());
}

TEST_CASE("same_model_warnings: a convolution that is longer than the sequences is named") {
  CHECK_THAT(warned("[{ssd: {conv: [16, 17, 100]}}]"),
             ContainsSubstring("ssd(conv=17): the model's output does not depend on the parameter") &&
                 ContainsSubstring("ssd(conv=100): the model's output does not depend on the parameter") &&
                 ContainsSubstring("of 100 rows)") && !ContainsSubstring("ssd(conv=16)"));
  CHECK_THAT(warned("[{delta: {convolution: 64}}]"), ContainsSubstring("of 64 rows)"));
  CHECK(warned("[{delta: {convolution: 4}}, {ssd: {conv: 4}}]").empty());
}

TEST_CASE("same_model_warnings: options of the model, its feed-forward and its positions") {
  CHECK(warned("[softmax]",
               ", norm: rms, norm_eps: 1e-3, bias: false, tied: true, positions: {rope: {base: 50}}, "
               "feed_forward: {mlp: {activation: gelu_erf}}")
            .empty());
  CHECK_THAT(warned("[softmax]", ", feed_forward: {mlp: {width: 32}}"),
             ContainsSubstring("model.feed_forward.mlp: width=32 has no effect here"));
}

TEST_CASE("same_model_warnings: every option of every kind of position has an effect") {
  for (const char* positions : {"{rope: {base: 9}}", "{rope: {layout: half}}", "{rope: {fraction: 0.5}}",
                                "{sinusoidal: {base: 9}}"}) {
    CAPTURE(positions);
    CHECK(warned("[softmax]", std::string(", positions: ") + positions).empty());
  }
}

TEST_CASE("same_model_warnings: options that only change speed are no options without effect") {
  CHECK(warned("[{softmax: {tile: 4}}, {linear: {chunk: 3}}]").empty());
  CHECK_THAT(
      warned("[{softmax: {tile: [4, 5]}}]"),
      ContainsSubstring("softmax(tile=4) and softmax(tile=5) are the same model: their results can differ by "
                        "chance and by speed only"));
}

TEST_CASE("same_model_warnings: each set of rows is reported once, and training options make no new ones") {
  const std::string rows = warned("[softmax, {window: {size: 64}}]", "",
                                  "sweep: {seeds: 3, parameters: {train.lr: [0.1, 0.2, 0.3]}}\n");
  CHECK(rows.find("are the same model") == rows.rfind("are the same model"));
  CHECK_THAT(rows, ContainsSubstring("softmax and window are the same model: their"));  // at every rate
  CHECK(warned("[softmax]", "", "sweep: {parameters: {train.lr: [0.1, 0.2]}}\n").empty());
}

TEST_CASE(
    "same_model_warnings: the settings at which rows are the same model are named if there are others") {
  const auto at = [](const std::string& lengths) {
    return warned("[softmax, {window: {size: 20}}]", "",
                  "sweep: {parameters: {task.length: [" + lengths + "]}}\n");
  };
  CHECK_THAT(at("16, 30"), ContainsSubstring("softmax and window are the same model at length=16: their"));
  CHECK_THAT(at("14, 16, 18, 20, 30"),
             ContainsSubstring("at length=14, length=16, length=18 and 1 other setting: their"));
  CHECK_THAT(at("14, 16"), ContainsSubstring("softmax and window are the same model: their"));
}

TEST_CASE("same_model_warnings: how often one of two models is evaluated hides nothing") {
  for (const char* own : {"train.evaluate_sequences: 4", "train.evaluate_every: 3", "train.test_sequences: 4",
                          "train.micro_batch: 2"}) {
    CAPTURE(own);
    CHECK_THAT(warned("[{softmax: {}, " + std::string(own) + ", label: few}, {window: {size: 15}}]"),
               ContainsSubstring("window are the same model"));
  }
  CHECK_THAT(warned("[{softmax: {}, train.lr: 0.1, label: fast}, {window: {size: 15}}]"),
             !ContainsSubstring("are the same model"));
}

TEST_CASE("same_model_warnings: models that are too large to be tried are left out") {
  Registry registry = builtin();
  const Planned p = planned(
      "variants: [softmax, {window: {size: 9000}}]\ntask: {name: mqar, length: 8192, vocab: "
      "8194}\nmodel: {dim: 512}\n",
      registry);
  CHECK(same_model_warnings(p.sweep, registry).empty());
}
