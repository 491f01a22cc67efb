// Notes on what makes a comparison misleading, and on missing values.
#include "experiments/report/compare/warnings.h"

#include <string>
#include <utility>
#include <vector>

#include "tests/catch.h"
#include "tests/experiments/report/compared_sample.h"

using namespace heed::test;

namespace {

// Adds a metric with one value for each variant.
void add(Results& r, const std::string& name, const std::vector<double>& of_variants) {
  Column column{name, "", Role::metric, {}, "", "", false};
  const std::size_t seeds = r.trial.size() / of_variants.size();
  for (const double value : of_variants) column.values.insert(column.values.end(), seeds, value);
  r.columns.push_back(std::move(column));
}

std::string note_with(const Comparison& c, const std::string& begin) {
  for (const std::string& note : c.notes)
    if (note.starts_with(begin)) return note;
  return "";
}

// Three variants of two seeds, with a training accuracy and the step at which each left the plateau.
Comparison learned(const std::vector<double>& train, const std::vector<double>& plateau,
                   const std::vector<double>& validation = {0.25, 0.25, 0.25}) {
  Results r = trials_of({{0.25, 0.24}, {0.25, 0.26}, {0.9, 0.9}});
  add(r, "final_train_accuracy", train);
  add(r, "plateau_step", plateau);
  add(r, "final_validation_accuracy", validation);
  return compare(r, "test_accuracy");
}

}  // namespace

TEST_CASE("warnings: names variants that know their training set and guess on validation") {
  const std::string note = note_with(learned({0.99, 0.5, 0.99}, {kNaN, kNaN, 10}), "Memorized");
  CHECK_THAT(note, ContainsSubstring("for a (2 of 2 trials).") && ContainsSubstring("task.train_sequences"));
  CHECK_THAT(note_with(learned({0.9, 0.99, 0.99}, {kNaN, kNaN, 10}), "Memorized"),
             ContainsSubstring("for a (2 of 2 trials), b (2 of 2 trials)."));
}

TEST_CASE("warnings: nothing was memorized if validation left the plateau or is not known") {
  CHECK(note_with(learned({0.99, 0.99, 0.99}, {5, 5, 10}), "Memorized").empty());
  CHECK(note_with(learned({0.89, 0.8, 0.5}, {kNaN, kNaN, kNaN}), "Memorized").empty());
  CHECK(note_with(learned({0.99, 0.99, 0.99}, {kNaN, kNaN, kNaN}, {kNaN, kNaN, kNaN}), "Memorized").empty());
  CHECK(note_with(compare(trials_of({{0.5, 0.5}, {0.5, 0.5}}), "test_accuracy"), "Memorized").empty());
}

TEST_CASE("warnings: names variants whose parameters or FLOPs are not those of the reference") {
  Results r = trials_of({{0.5, 0.6}, {0.5, 0.6}, {0.5, 0.6}, {0.5, 0.6}});
  add(r, "parameters", {1000, 1090, 1250, 2500});
  add(r, "training_flops", {1e9, 0.6e9, 1e9, 1.05e9});
  const Comparison c = compare(r, "test_accuracy");
  CHECK(note_with(c, "Unequal budgets") ==
        "Unequal budgets, more than 10 % from a: b (training_flops -40 %), c (parameters +25 %), "
        "d (parameters x 2.5). compare.match makes budgets equal (docs/sweeps.md).");
}

TEST_CASE("warnings: a cost that is itself compared is not named as unequal") {
  Results r = trials_of({{1000, 1000}, {2000, 2000}}, "parameters");
  CHECK(note_with(compare(r, "parameters"), "Unequal").empty());
  r = trials_of({{0.5, 0.6}, {0.5, 0.6}});
  add(r, "parameters", {1000, 1099});
  CHECK(note_with(compare(r, "test_accuracy"), "Unequal").empty());
}

TEST_CASE("warnings: of a matched budget, only that budget is checked") {
  Results r = trials_of({{0.5, 0.6}, {0.5, 0.6}, {0.5, 0.6}});
  add(r, "parameters", {1000, 1000, 1200});
  add(r, "training_flops", {1e9, 3e9, 1e9});
  add(r, "parameters_mismatch", {0, 0, 0.2});
  CHECK(note_with(compare(r, "test_accuracy"), "Unequal budgets") ==
        "Unequal budgets, more than 10 % from a: c (parameters +20 %). The budget could not be met there.");
}

TEST_CASE("compare: a trial without a metric has the reason, where one is known") {
  Results r = trials_of({{0.5, 0.6}, {0.5, 0.6}}, "attention_head_divergence");
  r.columns.back().values[1] = kNaN;
  r.columns[2].values[1] = std::string("done");
  CHECK(has_note(
      compare(r, "attention_head_divergence"),
      "1 trial that is done has no attention_head_divergence: it compares the heads of a layer, so a "
      "layer needs at least two heads with attention weights."));
  r.columns.back().name = "attention_entropy";
  CHECK(has_note(compare(r, "attention_entropy"),
                 "no attention_entropy: its variant has no attention weights"));
}
