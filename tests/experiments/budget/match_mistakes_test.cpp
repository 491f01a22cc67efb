// What is wrong with a budget is said with its place, what was tried, and what would help.
#include <string>

#include "tests/catch.h"
#include "tests/experiments/budget/match_sweep.h"
#include "tests/message.h"

using namespace heed::test;

TEST_CASE("match mistakes: what cannot be reached is refused, with what was tried and what would help") {
  const auto within = [](const std::string& tolerance) {
    return file("[softmax, tokenformer]",
                "{budget: parameters, adjust: tokens, tolerance: " + tolerance + "}");
  };
  const std::string said = wrong(within("0.0001"));
  CHECK_THAT(said, ContainsSubstring("f.yaml:4:18: compare.match: tokenformer cannot be given the 27,008") &&
                       ContainsSubstring(" parameters of softmax within 0.01 %: of ") &&
                       ContainsSubstring(" values of variants.tokenformer.tokens, these come nearest: ") &&
                       ContainsSubstring("Allow a larger tolerance, or name another option in adjust: "
                                         "output_tokens, feed_forward_tokens, layers, dim."));
  CHECK(good(within("0.05")).trials.size() == 2);
  SECTION("every variant and point that misses is named") {
    const std::string all =
        wrong(file("[softmax, {tokenformer: {feed_forward_tokens: 3000}}, {tokenformer: "
                   "{feed_forward_tokens: 4000}}]",
                   "{budget: parameters, adjust: tokens}", "sweep: {parameters: {model.layers: [1, 2]}}\n"));
    for (const char* part : {"tokenformer(feed_forward_tokens=3000) at layers=1", "=3000) at layers=2",
                             "=4000) at layers=1", "=4000) at layers=2"})
      CHECK_THAT(all, ContainsSubstring(part));
  }
}

TEST_CASE("match mistakes: an option that the sweep varies cannot be adjusted too") {
  CHECK(wrong(file("[softmax, {tokenformer: {tokens: [8, 16]}}]", "{budget: parameters, adjust: tokens}")) ==
        "f.yaml:4:47: compare.match: the sweep varies variants.tokenformer.tokens of tokenformer(tokens=8), "
        "so it "
        "cannot be adjusted too. Give it one value, or name another option in adjust.\n"
        "f.yaml:4:47: compare.match: the sweep varies variants.tokenformer.tokens of tokenformer(tokens=16), "
        "so it "
        "cannot be adjusted too. Give it one value, or name another option in adjust.");
  const std::string widths = "sweep: {parameters: {model.dim: [32, 64]}}\n";
  CHECK_THAT(
      wrong(file("[softmax, differential]", "{budget: parameters, tolerance: 0.001, adjust: dim}", widths)),
      ContainsSubstring("the sweep varies model.dim of differential"));
  const std::string both = "[softmax, differential]", tight = "{budget: parameters, tolerance: 0.001}";
  CHECK_THAT(wrong(file(both, tight, "sweep: {parameters: {model.feed_forward.mlp.width: [64, 128]}}\n")),
             ContainsSubstring("the sweep varies model.feed_forward.mlp.width of differential"));
  CHECK_THAT(wrong(file(both, tight,
                        "sweep: {parameters: {model.feed_forward: [{mlp: {width: 64}}, {mlp: "
                        "{width: 128}}]}}\n")),
             ContainsSubstring("the sweep varies model.feed_forward.mlp.width of differential"));
  // A row that states no width, and what is within the tolerance as it is.
  CHECK(good(file(both, "{budget: parameters}", "sweep: {parameters: {model.feed_forward: [mlp, swiglu]}}\n"))
            .trials.size() == 4);
  CHECK(good(file(both, "{budget: parameters}",
                  "sweep: {parameters: {model.feed_forward.mlp.width: [64, 128]}}\n"))
            .trials.size() == 4);
  CHECK(
      good("variants: [softmax, differential]\n" + kTask +
           "model: {dim: 64, feed_forward: none}\ncompare: {match: {budget: parameters, tolerance: 0.05}}\n")
          .trials.size() == 2);
  // Other options of the variant, and of the stage that it grew from, can.
  CHECK(good(file("[softmax, {tokenformer: {tokens: [8, 16]}}]", "{budget: parameters}")).trials.size() == 3);
}

TEST_CASE("match mistakes: each mistake in a match has its place and the nearest name") {
  const std::string both = "[softmax, differential]";
  CHECK(missing(wrong(file(both, "{budget: params}")),
                {"f.yaml:4:27: compare.match.budget:", "Known: none, parameters"}) == "");
  CHECK(missing(wrong(file(both, "{buget: parameters}")),
                {"f.yaml:4:19: compare.match.buget:", "Did you mean 'budget'?"}) == "");
  CHECK(missing(wrong(file(both, "parameters")), {"f.yaml:4:18: compare.match:", "a map", "'parameters'"}) ==
        "");
  CHECK(missing(wrong(file(both, "{budget: parameters, reference: sofmax}")),
                {"f.yaml:4:50: compare.match.reference:", "Did you mean 'softmax'?"}) == "");
  CHECK(missing(wrong(file(both, "{budget: parameters, adjust: {diferential: dim}}")),
                {"f.yaml:4:48: compare.match.adjust:", "Did you mean 'differential'?"}) == "");
  CHECK(missing(wrong(file(both, "{budget: parameters, adjust: widht}")),
                {"f.yaml:4:47: compare.match.adjust:", "Did you mean 'width'?"}) == "");
  CHECK(missing(wrong(file(both, "{budget: parameters, adjust: [dim]}")),
                {"f.yaml:4:47: compare.match.adjust:", "the name of an option", "found a list of 1"}) == "");
  CHECK(missing(wrong(file(both, "{budget: parameters, tolerance: -1}")),
                {"f.yaml:4:50: compare.match.tolerance:", "from 0 to 1"}) == "");
  CHECK(missing(wrong("variants: [softmax, differential]\n" + kTask +
                      "model: {feed_forward: none}\ncompare: {match: "
                      "{budget: parameters, tolerance: 0.001}}\n"),
                {"f.yaml:4:18: compare.match:", "as adjust: {differential: dim}"}) == "");
}
