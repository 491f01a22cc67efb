// Attention variants whose weights train.dropout does not drop.
#include "experiments/warnings/attention_dropout.h"

#include <string>

#include "tests/experiments/warnings/warned.h"

using namespace heed;
using namespace heed::test;

namespace {

std::string warned(const std::string& variants, const std::string& train) {
  Registry registry = builtin();
  const Planned p = planned("variants: " + variants + "\ntask: mqar\ntrain: {" + train + "}\n", registry);
  return joined(attention_dropout_warnings(p.sweep, registry));
}

}  // namespace

TEST_CASE("attention_dropout_warnings: names the variants that drop no attention weights, once each") {
  const std::string text = warned("[softmax, {linear: {chunk: [4, 8]}}]", "dropout: 0.1");
  CHECK_THAT(text, ContainsSubstring("train.dropout") && ContainsSubstring(" of linear:"));
}

TEST_CASE("attention_dropout_warnings: a layer of a stack is found") {
  CHECK_THAT(warned("[{stack: [softmax, linear]}]", "dropout: 0.1"), ContainsSubstring(" of linear:"));
}

TEST_CASE("attention_dropout_warnings: variants with the softmax kernel drop weights") {
  CHECK(warned("[softmax, window, strided, fixed, bigbird, topk, differential, forgetting, tokenformer]",
               "dropout: 0.1")
            .empty());
}

TEST_CASE("attention_dropout_warnings: none without dropout") {
  CHECK(warned("[linear]", "steps: 9").empty());
}
