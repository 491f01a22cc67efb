// Encoder-decoders and encoders as a user trains them: plan, run, compare, verify and report.
#include <string>

#include "tests/catch.h"
#include "tests/experiments/cli/program.h"
#include "tests/results/temp_folder.h"

namespace {

using heed::test::Ended;
using heed::test::TempFolder;

const std::string kSweep = R"(
name: r
variants: [softmax, bigbird, {stack: [linear, delta]}]
task: {name: translation, length: 9, nouns: 2, adjectives: 2, verbs: 2}
model: {layers: 2, heads: 2, dim: 8}
train: {steps: 6, batch: 4, evaluate_sequences: 4, test_sequences: 8}
sweep: {seeds: 2}
save: [weights, attention, logits, predictions]
)";

Ended heed_in(const TempFolder& folder, const std::vector<std::string>& words) {
  return heed::test::heed(folder.path(), words);
}

}  // namespace

TEST_CASE("heed: an encoder-decoder is planned, trained, compared, reported and verified") {
  const TempFolder folder;
  heed::test::write_file(folder / "s.yaml", kSweep);
  const Ended plan = heed_in(folder, {"plan", "s.yaml"});
  CHECK(plan.code == 0);
  CHECK_THAT(plan.out, ContainsSubstring("variant") && ContainsSubstring("cross-attention"));
  CHECK_THAT(plan.out, Catch::Matchers::Matches("(.|\n)*bigbird +bigbird +bigbird +softmax *\n(.|\n)*"));
  CHECK_THAT(plan.out, Catch::Matchers::Matches(
                           "(.|\n)*linear.delta +linear.delta +linear.softmax +linear.softmax *\n(.|\n)*"));

  const Ended run = heed_in(folder, {"run", "s.yaml", "-o", "r", "-j", "1"});
  INFO(run.err);
  REQUIRE(run.code == 0);
  const Ended compared = heed_in(folder, {"compare", "r"});
  CHECK(compared.code == 0);
  CHECK_THAT(compared.out, ContainsSubstring("Cross-attention is softmax in bigbird."));
  CHECK_THAT(compared.out, ContainsSubstring("Cross-attention is linear+softmax in linear+delta."));
  CHECK_THAT(compared.out, ContainsSubstring("The encoder's attention is linear+softmax in linear+delta."));
  CHECK(heed_in(folder, {"compare", "r", "--metric", "cross_attention_on_answer"}).code == 0);
  const Ended verified = heed_in(folder, {"verify", "r", "-j", "1"});
  INFO(verified.out);
  CHECK(verified.code == 0);
}

TEST_CASE("heed: an encoder and a decoder with a source are trained and verified") {
  const TempFolder folder;
  heed::test::write_file(folder / "s.yaml", kSweep);
  heed::test::write_file(
      folder / "e.yaml",
      "name: e\nvariants: [linear]\ntask: {name: parity, length: 8}\nmodel: {layers: 1, heads: 2, "
      "dim: 8, type: encoder}\ntrain: {steps: 4, batch: 4}\nsave: [attention]\n");
  const Ended joined = heed_in(
      folder, {"run", "s.yaml", "model.type=decoder", "variants=[softmax]", "sweep.seeds=1", "-o", "d"});
  INFO(joined.err);
  CHECK(joined.code == 0);
  CHECK(heed_in(folder, {"verify", "d"}).code == 0);
  CHECK(heed_in(folder, {"run", "e.yaml", "-o", "e"}).code == 0);
  CHECK(heed_in(folder, {"verify", "e"}).code == 0);
}
