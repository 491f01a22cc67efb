// Comparisons of variants with settings of their own, and of types of models.
#include <string>

#include "experiments/report/compare/comparison.h"
#include "tests/catch.h"
#include "tests/experiments/report/compared_sample.h"

using namespace heed::test;

namespace {

// Variant a at one rate, b at two rates and with another number of heads; two seeds each.
Results own_trials() {
  const auto column = [](const char* name, const char* parameter, Role role, std::vector<Value> values) {
    return Column{name, parameter, role, std::move(values), "", "", false};
  };
  Results r;
  for (int i = 0; i < 6; ++i) r.trial.push_back(i);
  const std::string done = "done";
  r.columns = {
      column("variant", "variant", Role::parameter, {"a", "a", "b", "b", "b", "b"}),
      column("seed", "seed", Role::parameter, {0, 1, 0, 1, 0, 1}),
      column("lr", "train.lr", Role::parameter, {0.1, 0.1, 0.1, 0.1, 0.2, 0.2}),
      column("heads", "model.heads", Role::parameter, {2, 2, 4, 4, 4, 4}),
      column("status", "", Role::trial, {done, done, done, done, done, done}),
      column("test_accuracy", "", Role::metric, {0.5, 0.7, 0.6, 0.7, 0.9, 0.9}),
      column("final_validation_accuracy", "", Role::metric, {0.5, 0.5, 0.6, 0.6, 0.7, 0.7}),
  };
  return r;
}

heed::CompareOptions own_options() {
  heed::CompareOptions options;
  options.own = {"train.lr", "model.heads"};
  return options;
}

}  // namespace

TEST_CASE("compare: settings that variants have for themselves may differ from the reference") {
  // Swept, the number of heads would be a column, and no row of a would have the setting of b.
  const Comparison swept = heed::compare(own_trials(), {});
  CHECK(swept.varied == Texts{"lr", "heads"});
  CHECK(swept.rows.at(1).against.verdict.empty());

  const Comparison c = heed::compare(own_trials(), own_options());
  CHECK(c.varied == Texts{"lr"});
  REQUIRE(c.rows.size() == 3);
  CHECK(c.rows[1].against.test.difference == Approx(0.05));  // the same rate
  CHECK(c.rows[2].against.test.difference == Approx(0.3));   // the only rate of a
  CHECK(has_note(c, "model.heads is 2 in a; 4 in b."));
}

TEST_CASE("compare: an own place of attention is noted once, and not for models without it") {
  Results r = own_trials();
  r.columns.push_back({"name",
                       "model.cross_attention.name",
                       Role::parameter,
                       {"softmax", "softmax", "linear", "linear", "", ""},
                       "",
                       "",
                       false});
  r.columns[0].values[4] = r.columns[0].values[5] = "c";
  heed::CompareOptions options = own_options();
  options.own.emplace_back("model.cross_attention");
  const Comparison c = heed::compare(r, options);
  CHECK(has_note(c, "model.cross_attention is softmax in a; linear in b."));
  CHECK(std::ranges::none_of(c.notes,
                             [](const std::string& n) { return n.starts_with("Cross-attention is"); }));
}

TEST_CASE("compare: while trials are missing, the reference may have other settings of its own") {
  heed::CompareOptions options = own_options();
  options.planned = 8;
  const Comparison c = heed::compare(own_trials(), options);
  CHECK_FALSE(c.rows.at(1).against.verdict.empty());
  CHECK(c.rows.at(2).against.verdict.empty());
}

TEST_CASE("compare: a setting of one variant is selected on validation") {
  heed::CompareOptions options = own_options();
  options.select = "train.lr";
  const Comparison c = heed::compare(own_trials(), options);
  REQUIRE(c.rows.size() == 2);
  CHECK(c.rows[1].setting == Texts{"0.2"});
  CHECK(c.rows[1].against.test.difference == Approx(0.3));
}

TEST_CASE("compare: the pool of decoders is not shown, because it has no effect") {
  Results r = eight_trials();
  const std::string decoder, encoder = "encoder", none, first = "first", last = "last";
  r.columns[2].values.assign(8, 0.1);
  r.columns.push_back({"type",
                       "model.type",
                       Role::parameter,
                       {decoder, decoder, encoder, encoder, decoder, decoder, encoder, encoder},
                       "",
                       "",
                       false});
  r.columns.push_back({"pool",
                       "model.pool",
                       Role::parameter,
                       {last, last, none, none, last, last, none, none},
                       "",
                       "",
                       false});
  CHECK(heed::compare(r, {}).varied == Texts{"type"});
  r.columns.back().values = {last, last, none, none, last, last, first, first};
  const Comparison c = heed::compare(r, {});
  REQUIRE(c.varied == Texts{"type", "pool"});
  Texts pools;
  for (const auto& row : c.rows) pools.push_back(row.setting.at(1));
  CHECK(pools == Texts{"-", "mean", "-", "first"});
}
