// The trials of several sweeps as those of one.
#include "experiments/report/compare/joined_results.h"

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "experiments/report/compare/comparison.h"
#include "tests/catch.h"
#include "tests/experiments/report/compared_sample.h"

using namespace heed::test;
using heed::joined;

namespace {

// Trials of the variants a and b with ids of their own.
Results sweep(const std::string& name, double accuracy) {
  Results r = trials_of({{accuracy, accuracy}, {accuracy / 2, accuracy / 2}});
  Column id{"id", "", Role::trial, {}, "", "", false};
  for (std::size_t i = 0; i < r.trial.size(); ++i) id.values.emplace_back(name + std::to_string(i));
  r.columns.push_back(id);
  return r;
}

void add(Results& r, const char* name, const char* path, std::vector<Value> values) {
  r.columns.push_back({name, path, Role::parameter, std::move(values), "", "", false});
}

}  // namespace

TEST_CASE("joined: a parameter that one sweep lacks is missing in its trials, and rows stay apart") {
  Results one = sweep("x", 0.8), two = sweep("y", 0.6);
  add(one, "lr", "train.lr", {0.1, 0.1, 0.1, 0.1});
  add(two, "lr", "train.lr", {0.2, 0.2, 0.2, 0.2});
  add(two, "size", "model.size", {std::int64_t{8}, std::int64_t{8}, std::int64_t{8}, std::int64_t{8}});
  const heed::JoinedResults all = joined({one, two});
  CHECK(all.notes.empty());
  CHECK(all.results.trial == std::vector<std::int64_t>{0, 1, 2, 3, 4, 5, 6, 7});
  CHECK(std::isnan(all.results.numbers("model.size")[0]));
  CHECK(all.results.numbers("model.size")[4] == 8);
  const Comparison c = heed::compare(all.results, {});
  CHECK(c.varied == Texts{"lr", "size"});
  CHECK(c.rows.size() == 4);
  CHECK(c.rows[3].against.test.difference == Approx(-0.3));  // with the reference of its own setting
}

TEST_CASE("joined: a trial of several sweeps is returned once, with a note if its results differ") {
  Results one = sweep("x", 0.8), two = sweep("x", 0.8);
  CHECK(joined({one, two}).results.trial.size() == 4);
  CHECK(joined({one, two}).notes.empty());
  two.columns[3].values[1] = 0.7;
  REQUIRE(joined({one, two}).notes.size() == 1);
  CHECK_THAT(joined({one, two}).notes[0], ContainsSubstring("1 trial is in several"));
  CHECK(joined({one, two}).results.numbers("test_accuracy")[1] == 0.8);
  // A result takes the place of a failure.
  one.columns[2].values[1] = std::string("failed");
  CHECK(joined({one, two}).results.numbers("test_accuracy")[1] == 0.7);
  CHECK(joined({one, two}).results.texts("status")[1] == "done");
}

TEST_CASE("joined: a label with different options gets the options") {
  Results one = sweep("x", 0.8), two = sweep("y", 0.6);
  add(one, "size", "attention.size", {kNaN, kNaN, 8.0, 8.0});
  add(two, "size", "attention.size", {kNaN, kNaN, 16.0, 16.0});
  const Comparison c = heed::compare(joined({one, two}).results, {});
  REQUIRE(c.rows.size() == 3);
  CHECK(c.rows[1].variant == "b(size=8)");
  CHECK(c.rows[2].variant == "b(size=16)");
}

TEST_CASE("joined: a label is called after what the sweeps have differently, and the reference follows it") {
  Results one = sweep("x", 0.8), two = sweep("y", 0.6);
  const std::string softmax = "softmax", linear = "linear", window = "window", none;
  add(one, "attention_name", "attention.name", {softmax, softmax, window, window});
  add(two, "attention_name", "attention.name", {linear, linear, window, window});
  add(one, "attention_scale", "attention.scale", {3.0, 3.0, kNaN, kNaN});
  add(two, "attention_eps", "attention.eps", {1e-6, 1e-6, kNaN, kNaN});
  const heed::JoinedResults all = joined({one, two});
  CHECK(all.renamed("a") == "a(name=softmax)");
  CHECK(all.renamed("b") == "b");
  CHECK(all.renamed("c") == "c");
  heed::CompareOptions options;
  options.reference = all.renamed("a");
  const Comparison c = heed::compare(all.results, options);
  REQUIRE(c.rows.size() == 3);
  CHECK(c.rows[0].is_reference);
  CHECK_FALSE(has_note(c, "no trial of the reference"));
  CHECK(all.results.texts("variant")[4] == "a(name=linear)");
}

TEST_CASE("joined: the layers of a stack are named once, and their options by layer") {
  Results one = sweep("x", 0.8), two = sweep("y", 0.6);
  for (Results* r : {&one, &two})
    for (const char* layer : {"0", "1", "2", "3"}) {
      const std::string path = std::string("attention.") + layer;
      const std::string name = *layer % 2 == 0 ? "softmax" : "window";
      add(*r, path.c_str(), (path + ".name").c_str(), {name, name, name, name});
    }
  const std::string name = "softmax";
  Results three = sweep("z", 0.4);
  add(three, "attention_name", "attention.name", {name, name, name, name});
  add(one, "attention_1_size", "attention.1.size", {8.0, 8.0, 8.0, 8.0});
  add(two, "attention_1_size", "attention.1.size", {4.0, 4.0, 4.0, 4.0});
  const std::vector<std::string> labels = joined({one, two, three}).results.texts("variant");
  CHECK(labels[0] == "a(name=softmax+window,1.size=8)");
  CHECK(labels[4] == "a(name=softmax+window,1.size=4)");
  CHECK(labels[8] == "a(name=softmax)");
}

TEST_CASE("joined: options that differ within each sweep alike do not change a label") {
  Results one = sweep("x", 0.8), two = sweep("y", 0.6);
  for (Results* r : {&one, &two}) add(*r, "attention_size", "attention.size", {8.0, 16.0, 8.0, 8.0});
  CHECK(joined({one, two}).results.texts("variant") == Texts{"a", "a", "b", "b", "a", "a", "b", "b"});
}
