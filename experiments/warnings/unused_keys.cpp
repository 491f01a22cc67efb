#include "experiments/warnings/unused_keys.h"

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "core/model/model.h"
#include "core/model/sequences.h"
#include "core/task_traits.h"
#include "experiments/sweep/overridden.h"
#include "experiments/sweep/overrides.h"
#include "experiments/sweep/sections.h"
#include "experiments/trial/known_tasks.h"
#include "experiments/trial/stages.h"
#include "experiments/warnings/with_default.h"

namespace heed {
namespace {

using Warnings = std::vector<std::string>;

// What the checks below read.
struct Planned {
  const Config& tree;
  const Sweep& sweep;
  const Registry& registry;
  KnownTasks& tasks;

  bool given(const std::string& path) const { return tree.find_path(path) || is_swept(tree, path); }
  bool every(const std::function<bool(const TrialConfig&)>& holds) const {
    return std::all_of(sweep.trials.begin(), sweep.trials.end(),
                       [&](const PlannedTrial& t) { return holds(t.config); });
  }
};

// Requires: a fitted sweep.
void check_match(const Planned& p, Warnings& out) {
  if (p.sweep.variants.size() == 1) {
    out.push_back("compare.match has no effect: the sweep has one variant, which is the reference.");
    return;
  }
  std::map<std::string, bool> has_effect;  // by label
  for (const auto& [label, option] : p.sweep.match.adjust) has_effect[label] = false;
  for (const PlannedTrial& t : p.sweep.trials)
    if (!t.matched.option.empty() && has_effect.contains(t.config.variant))
      has_effect[t.config.variant] = true;
  if (const Config* adjust = p.tree.find_path("compare.match.adjust"); !adjust || !adjust->is_map())
    if (std::ranges::any_of(has_effect, [](const auto& e) { return e.second; })) return;
  for (const auto& [label, effect] : has_effect)
    if (!effect)
      out.push_back(fmt::format(
          "compare.match.adjust ({}) has no effect on {}, which {}.", p.sweep.match.adjust.at(label), label,
          label == p.sweep.match.options.reference ? "is the reference" : "meets the budget as it is"));
}

void check_compare(const Planned& p, Warnings& out) {
  if (p.sweep.match.on()) check_match(p, out);
  for (const char* key : {"reference", "tolerance", "adjust"})
    if (p.given(fmt::format("compare.match.{}", key)) && !p.sweep.match.on())
      out.push_back(fmt::format("compare.match.{} has no effect without compare.match.budget.", key));
  // A list of one variant on the command line is no mistake of the file.
  const bool one_row = p.sweep.variants.size() == 1 &&
                       (p.sweep.compare.reference_values.empty() || p.sweep.points.size() == 1);
  if (p.given("compare.reference") && one_row && p.tree.find("variants")->place().file != kCommandLine.file)
    out.push_back("compare.reference has no effect: the sweep has one variant, so nothing is compared.");
  const std::string& select = p.sweep.compare.select;
  std::set<std::string> values;
  const auto add_values = [&](const std::vector<Setting>& settings) {
    for (const Setting& s : settings)
      if (s.path == select) values.insert(s.value.canonical());
  };
  for (const SweepPoint& point : p.sweep.points) add_values(point.set);
  for (const VariantEntry& v : p.sweep.variants) add_values(v.settings);
  if (!select.empty() && values.size() == 1)
    out.push_back(fmt::format("compare.select has no effect: {} has one value.", select));
}

void check_train(const Planned& p, Warnings& out) {
  if (p.given("train.evaluate_every") &&
      p.every([](const TrialConfig& t) { return t.train.evaluate_every > t.train.steps; }))
    out.push_back("train.evaluate_every is larger than train.steps: only the last step is validated.");
  const auto whole = [&](Split split, Index TrainOptions::*sequences) {
    return p.every([&](const TrialConfig& t) {
      const std::optional<Index> size = p.tasks(t).size(split);
      return size && *size <= t.train.*sequences;
    });
  };
  if (p.given("train.test_sequences") &&
      p.every([&](const TrialConfig& t) { return p.tasks(t).size(Split::test).has_value(); }))
    out.push_back(
        p.every([&](const TrialConfig& t) { return p.tasks(t).size(Split::test) == Index{0}; })
            ? "train.test_sequences has no effect: the data have no test part."
            : "train.test_sequences has no effect: the test takes the whole test part of the data.");
  if (p.given("train.evaluate_sequences") && whole(Split::validation, &TrainOptions::evaluate_sequences))
    out.push_back("train.evaluate_sequences has no effect: the validation part has no more sequences.");
}

// Adds a warning if a variant brings its own feed-forward instead of the file's. (If the sweep varies it, the
// sweep is refused.)
void check_overridden(const Planned& p, Warnings& out) {
  for (const VariantEntry& v : p.sweep.variants)
    for (const SweepPoint& point : p.sweep.points) {
      const Choice& slot = point.trial.feed_forward;
      const auto brought = brought_feed_forward(v.attention, slot, p.registry);
      const Config* given = p.tree.find_path("model.feed_forward");
      if (!brought || !given || (given->is_scalar() && given->text() == "mlp")) continue;
      out.push_back(fmt::format("model.feed_forward ({}) has no effect on {}, which brings {}.", slot.name,
                                v.label, *brought));
      break;
    }
  if (p.tree.find_path("train.steps") && std::all_of(p.sweep.variants.begin(), p.sweep.variants.end(),
                                                     [](const VariantEntry& v) { return v.last_steps > 0; }))
    out.push_back("train.steps has no effect: the stages of every variant have their own.");
}

// Does no layer of a trial's model have attention weights to show?
bool has_no_weights(const TrialConfig& trial, const Task& task, const Registry& registry) {
  Params<float> params;
  Model<float> model(model_spec(trial, task), registry, params);
  for (const AttentionPlace place : {AttentionPlace::self, AttentionPlace::encoder, AttentionPlace::cross})
    for (Index i = 0; i < model.blocks(place); ++i)
      if (model.attention(i, place).weight_heads() > 0) return false;
  return true;
}

void check_save(const Planned& p, Warnings& out) {
  std::set<std::string> seen;
  for (const PlannedTrial& t : p.sweep.trials)
    if (t.config.save.attention && seen.insert(t.config.variant).second &&
        has_no_weights(t.config, p.tasks(t.config), p.registry))
      out.push_back(fmt::format("save: attention has no effect on {}, which has no weights to show.",
                                t.config.variant));
}

// Does training read the sequences of both tasks in the same orders?
bool same_orders(const Task& a, const Task& b) {
  const std::optional<Annealing> one = annealing(a), other = annealing(b);
  if (!one || !other) return one.has_value() == other.has_value();
  return one->start == other->start && one->end == other->end;
}

// Does another task make the same first sequences?
bool same_sequences(const Task& a, const Task& b) {
  constexpr Index kTokens = Index{1} << 18;
  const TaskShape shape = a.shape();
  if (shape != b.shape() || !same_orders(a, b)) return false;
  Sequences one(a, 1), other(b, 1);
  for (const Split split : {Split::train, Split::validation, Split::test}) {
    if (a.size(split) != b.size(split)) return false;
    const Index most = std::clamp<Index>(kTokens / shape.input.length, 1, 1024);
    for (Index i = 0; i < std::min(most, a.size(split).value_or(most)); ++i) {
      one.fill(0, split, static_cast<std::uint64_t>(i));
      other.fill(0, split, static_cast<std::uint64_t>(i));
      if (!one.same_examples(other)) return false;
    }
  }
  return true;
}

void check_task(const Planned& p, Warnings& out) {
  std::map<std::string, bool> has_effect;
  std::set<const Task*> seen;
  for (const PlannedTrial& t : p.sweep.trials) {
    const Task& task = p.tasks(t.config);
    if (!seen.insert(&task).second) continue;
    const Choice& choice = t.config.task;
    const TaskInfo& info = p.registry.task(choice.name);
    for (const OptionInfo& o : info.options) {
      const WithDefault changed = with_default(info, choice.options, o.name);
      if (!changed.given) continue;
      bool& effect =
          has_effect[fmt::format("task.{} ({})", o.name, choice.options.find(o.name)->canonical())];
      effect = effect || !changed.options;
      if (effect) continue;
      try {
        TrialConfig other = t.config;
        other.task.options = *changed.options;
        effect = !same_sequences(task, p.tasks(other));
      } catch (const Error&) {
        effect = true;
      }
    }
  }
  for (const auto& [option, effect] : has_effect)
    if (!effect) out.push_back(option + " has no effect here: the sequences are those of the default.");
}

// Adds a warning for tasks of the sweep that make the same sequences.
void check_same_tasks(const Planned& p, Warnings& out) {
  constexpr std::size_t kMostTasks = 64;
  std::vector<const PlannedTrial*> different;
  std::set<const Task*> seen;
  for (const PlannedTrial& t : p.sweep.trials) {
    const Task& task = p.tasks(t.config);
    if (!seen.insert(&task).second || different.size() == kMostTasks) continue;
    const auto same = std::ranges::find_if(different, [&](const PlannedTrial* d) {
      return d->config.type == t.config.type && d->config.task.name == t.config.task.name &&
             same_sequences(p.tasks(d->config), task);
    });
    if (same == different.end())
      different.push_back(&t);
    else
      out.push_back(fmt::format("the rows of {} and of {} have the same data.", (*same)->setting, t.setting));
  }
}

}  // namespace

std::vector<std::string> unused_key_warnings(const Config& tree, const Sweep& sweep,
                                             const Registry& registry) {
  Warnings out;
  if (sweep.trials.empty()) return out;
  KnownTasks tasks(registry);
  const Planned p{tree, sweep, registry, tasks};
  check_compare(p, out);
  check_train(p, out);
  check_overridden(p, out);
  check_save(p, out);
  check_task(p, out);
  check_same_tasks(p, out);
  return out;
}

}  // namespace heed
