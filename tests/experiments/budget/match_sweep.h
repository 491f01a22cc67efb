// Sweeps with a budget, as texts that are read; with heed's own variants, whose parameters and FLOPs count,
// and one as a plugin may bring it.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/register.h"
#include "experiments/budget/fit_budgets.h"
#include "experiments/sweep/sweep.h"
#include "experiments/sweep/sweep_file.h"
#include "experiments/tasks/builtin.h"
#include "experiments/trial/estimate.h"
#include "tests/catch.h"

namespace heed::test {

using Texts = std::vector<std::string>;

// What a plugin may bring: parameters of its own, and an integer to move.
template <class S>
class Wide final : public heed::Layer<S> {
 public:
  struct Options {
    heed::Index memory = 3;
    void describe(auto& option) { option("memory", memory, {.min = 1, .doc = "rows"}); }
  };
  Wide(const Options& options, const heed::LayerSpec<S>& spec, heed::Params<S>& params)
      : memory_(options.memory) {
    params.declare("rows", options.memory, spec.dim, heed::Init::zeros(), heed::Role::decayed);
  }
  void forward(heed::Step<S>&, heed::Seq<const S>, heed::Seq<const S>, heed::Seq<S>) override {}
  void backward(heed::Step<S>&, heed::Seq<const S>, heed::Seq<S>, heed::Seq<S>) override {}
  heed::Cost cost(heed::Index, heed::Index) const override { return {0, static_cast<double>(memory_)}; }

 private:
  heed::Index memory_;
};

inline heed::Registry registry() {
  heed::Registry all;
  heed::register_builtin_variants(all);
  heed::register_builtin_tasks(all);
  all.add_layer<Wide>("wide", {"as a plugin has it"});
  return all;
}

inline const heed::Registry& known() {
  static const heed::Registry all = registry();
  return all;
}

inline Sweep read(const std::string& text, const Texts& overrides, heed::Problems& problems,
                  Texts* notes = nullptr) {
  heed::Registry all = known();
  const auto file = heed::parse_sweep_file(text, "f.yaml", overrides, all, problems);
  if (!file) return {};
  if (notes) *notes = file->notes;
  Sweep sweep = heed::read_sweep(file->tree, "f", all, problems);
  return problems.empty() ? heed::fit_budgets(std::move(sweep), all, nullptr, problems) : sweep;
}

inline Sweep good(const std::string& text, const Texts& overrides = {}) {
  heed::Problems problems;
  Sweep sweep = read(text, overrides, problems);
  for (const std::string& line : problems.lines()) FAIL_CHECK(line);
  return sweep;
}

inline std::string wrong(const std::string& text, const Texts& overrides = {}) {
  heed::Problems problems;
  read(text, overrides, problems);
  std::string lines;
  for (const std::string& line : problems.lines()) lines += (lines.empty() ? "" : "\n") + line;
  return lines;
}

inline const std::string kTask = "task: {name: induction, length: 16, vocab: 16}\n";
inline const std::string kModel = "model: {layers: 2, heads: 2, dim: 32}\n";

inline std::string file(const std::string& variants, const std::string& match, const std::string& more = "") {
  return "variants: " + variants + "\n" + kTask + kModel + more + "compare: {match: " + match + "}\n";
}

inline heed::Estimate estimate(const PlannedTrial& trial) { return heed::Estimator(known())(trial.config); }

// The trial of a variant at a setting.
inline const PlannedTrial& of(const Sweep& sweep, const std::string& variant,
                              const std::string& setting = "") {
  for (const PlannedTrial& t : sweep.trials)
    if (t.config.variant == variant && t.setting == setting) return t;
  FAIL("no trial " + variant + ' ' + setting);
  return sweep.trials.at(0);
}

}  // namespace heed::test
