// Keys of an entry of `variants` beside the variant itself.
#include <string>

#include "tests/experiments/sweep/sweep_text.h"
#include "tests/message.h"

using namespace heed::test;

namespace {

using heed::PlannedTrial;
using heed::Sweep;

Texts labels(const Sweep& sweep) {
  Texts out;
  for (const PlannedTrial& t : sweep.trials) out.push_back(t.config.variant);
  return out;
}

Texts ids(const Sweep& sweep) {
  Texts out;
  for (const PlannedTrial& t : sweep.trials) out.push_back(t.id);
  return out;
}

std::string with_variants(const std::string& variants, const std::string& more = "") {
  return "task: mqar\nvariants: " + variants + '\n' + more;
}

}  // namespace

TEST_CASE("label: it names the rows of an entry and is no part of a trial's id") {
  const auto named = [](const std::string& variants) { return labels(good(with_variants(variants))); };
  CHECK(named("[softmax, {window: {size: 8}, label: near}]") == Texts{"softmax", "near"});
  CHECK(named("[{label: full, softmax: }]") == Texts{"full"});
  CHECK(named("[softmax, {window: {size: [8, 16]}, label: near}]") ==
        Texts{"softmax", "near(size=8)", "near(size=16)"});
  CHECK(named("[softmax, {stack: [softmax, {window: {size: [8, 16]}}], label: hybrid}]") ==
        Texts{"softmax", "hybrid(size=8)", "hybrid(size=16)"});
  CHECK(
      named(
          "[{grow: [{tokenformer: {tokens: 16}, steps: 500}, {tokenformer: {tokens: 64}}], label: grown}]") ==
      Texts{"grown"});
  // the variant's own name, and two rows of one variant
  CHECK(named("[{softmax: {temperature: 2}, label: softmax}]") == Texts{"softmax"});
  CHECK(named("[softmax, {softmax: {temperature: 2}, label: hot}]") == Texts{"softmax", "hot"});
  CHECK(ids(good(with_variants("[softmax, {window: {size: 8}, label: near}]"))) ==
        ids(good(with_variants("[softmax, {window: {size: 8}}]"))));
}

TEST_CASE("label: it is the name in the sections and overrides that name a variant") {
  const std::string variants = "[softmax, {window: {size: 8}, label: near}]";
  CHECK(good(with_variants(variants, "compare: {reference: near}\n")).compare.reference == "near");
  CHECK(missing(wrong(with_variants(variants, "compare: {reference: window}\n")),
                {"f.yaml:3:22: compare.reference:", "'window'", "Known: softmax, near."}) == "");
  CHECK(labels(good(with_variants(variants), {"variants.window.size=9"})) == Texts{"softmax", "near"});
  // An override of the list removes the reference.
  CHECK(good(with_variants(variants, "compare: {reference: near, match: {budget: none, reference: near}}\n"),
             {"variants=[linear, softmax]"})
            .compare.reference == "linear");
}

TEST_CASE("label: a name that is not unique is refused with its place") {
  const auto refused = [](const std::string& variants) { return wrong(with_variants(variants)); };
  CHECK(missing(refused("[{softmax: , label: a}, {linear: , label: a}]"),
                {"f.yaml:2:53: variants[1].label: 'a' is also variants[0].label; choose another label."}) ==
        "");
  CHECK(missing(
            refused("[softmax, {linear: , label: softmax}]"),
            {"f.yaml:2:39: variants[1].label: 'softmax' is the name of another row, variants[0].softmax;"}) ==
        "");
  CHECK(missing(refused("[{linear: , label: softmax}, {softmax: {temperature: [1, 2]}}]"),
                {"f.yaml:2:30: variants[0].label: 'softmax' is the name of another variant;"}) == "");
  CHECK(missing(refused("[{window: {size: [8, 9]}}, {linear: , label: window(size=9)}]"),
                {"f.yaml:2:56: variants[1].label: 'window(size=9)' is the name of another row, "
                 "variants[0].window;"}) == "");
  // Other rows with one of the labels would be ambiguous, too.
  CHECK(missing(refused("[{window: {size: [8, 9]}, label: a}, {window: {size: [4, 5]}, label: a}]"),
                {"f.yaml:2:80: variants[1].label: 'a' is also variants[0].label;"}) == "");
}

TEST_CASE("label: anything but a short name beside a variant is refused") {
  const auto refused = [](const std::string& variants) { return wrong(with_variants(variants)); };
  CHECK(missing(refused("[{softmax: , label: }]"),
                {"f.yaml:2:24: variants[0].label: expected a name of 1 to 40 characters, found null."}) ==
        "");
  CHECK(missing(refused("[{softmax: , label: [a, b]}]"),
                {"f.yaml:2:31: variants[0].label:", "found a list of 2."}) == "");
  CHECK(missing(refused("[{softmax: , label: " + std::string(41, 'a') + "}]"),
                {"f.yaml:2:31: variants[0].label: expected a name of 1 to 40 characters"}) == "");
  CHECK(missing(refused("[{softmax: , label: \"a\\tb\"}]"),
                {"f.yaml:2:31: variants[0].label:", "1 to 40 characters"}) == "");
  CHECK(missing(refused("[{label: a}]"),
                {"f.yaml:2:12: variants[0]: the variant is missing; write {softmax: {}, label: a}."}) == "");
}
