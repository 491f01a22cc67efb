#include "experiments/warnings/same_models.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "experiments/trial/known_tasks.h"
#include "experiments/trial/stages.h"
#include "experiments/warnings/fingerprint.h"
#include "experiments/warnings/with_default.h"

namespace heed {
namespace {

constexpr double kMostFlops = 4e9;  // of all fingerprints together: about a second

// What decides the model of a trial, as text.
std::string model_key(const TrialConfig& trial) {
  TrialConfig model = trial;
  model.variant.clear();
  model.seed = 0;
  model.train = {};
  model.method = {};
  model.save = {};
  return to_config(model).canonical();
}

// What decides its training, except the model.
std::string training_key(const TrialConfig& trial) {
  const Config all = to_config(trial);
  return fmt::format("{}\n{}", all.find("task")->canonical(), all.find("train")->canonical());
}

class Fingerprints {
 public:
  explicit Fingerprints(const Registry& registry) : registry_(registry), tasks_(registry) {}

  // Returns null for models that grow, come from plugins or cannot be built, and if the time for all of them
  // is used up.
  const Fingerprint* operator()(const TrialConfig& trial) {
    if (!trial.grow.empty()) return nullptr;
    if (!trial.plugins.empty()) return nullptr;  // a plugin may crash: its code trains in workers only
    const auto [at, is_new] = known_.try_emplace(model_key(trial));
    if (is_new) at->second = make(trial);
    return at->second ? &*at->second : nullptr;
  }

 private:
  std::optional<Fingerprint> make(const TrialConfig& trial) {
    try {
      const Task& task = tasks_(trial);
      const ModelSpec spec = model_spec(trial, task);
      const double flops = fingerprint_flops(spec, registry_, task);
      if (flops > left_) return std::nullopt;
      left_ -= flops;
      return fingerprint(spec, registry_, task);
    } catch (const Error&) {
      return std::nullopt;
    }
  }

  const Registry& registry_;
  double left_ = kMostFlops;
  KnownTasks tasks_;
  std::map<std::string, std::optional<Fingerprint>> known_;
};

// ---- rows that are the same model

// Returns "softmax", or with the setting "window (lr=0.1)" if rows of several settings are named.
std::string row_name(const PlannedTrial& t, bool with_setting) {
  return with_setting && !t.setting.empty() ? fmt::format("{} ({})", t.config.variant, t.setting)
                                            : t.config.variant;
}

std::string rows_text(const std::vector<const PlannedTrial*>& rows) {
  std::set<std::string> settings;
  for (const PlannedTrial* t : rows) settings.insert(t->setting);
  std::vector<std::string> names;
  for (const PlannedTrial* t : rows) names.push_back(row_name(*t, settings.size() > 1));
  const std::string last = std::move(names.back());
  names.pop_back();
  const std::string at =
      settings.size() == 1 && !settings.begin()->empty() ? fmt::format(" at {}", *settings.begin()) : "";
  return fmt::format("{} and {} are the same model{}", fmt::join(names, ", "), last, at);
}

// A row of the sweep: a variant at a setting, for all seeds.
struct Row {
  const PlannedTrial* trial;
  std::string model;  // its key
  const Fingerprint* fingerprint;
};

// Adds a warning for rows with the same model function, among rows that differ only in the model.
void add_same_rows(std::vector<Row> rows, std::set<std::set<std::string>>& said,
                   std::vector<std::string>& out) {
  while (rows.size() > 1) {
    const Fingerprint& first = *rows.front().fingerprint;
    const auto others = std::stable_partition(rows.begin(), rows.end(),
                                              [&](const Row& r) { return first.same_as(*r.fingerprint); });
    std::vector<const PlannedTrial*> same;
    std::set<std::string> models;
    for (auto r = rows.begin(); r != others; ++r) same.push_back(r->trial), models.insert(r->model);
    // Reported once, whatever else the sweep varies (for example the learning rate).
    if (models.size() > 1 && said.insert(models).second)
      out.push_back(rows_text(same) + ": their results can differ by chance and by speed only.");
    rows.erase(rows.begin(), others);
  }
}

void add_same_rows(const Sweep& sweep, Fingerprints& fingerprint, std::vector<std::string>& out) {
  constexpr std::size_t kMostRows = 1000;  // of one training; more are compared with those only
  std::map<std::string, std::vector<Row>> trainings;
  for (const PlannedTrial& t : sweep.trials) {
    if (t.config.seed != sweep.trials.front().config.seed) continue;
    std::vector<Row>& rows = trainings[training_key(t.config)];
    if (rows.size() == kMostRows) continue;
    if (const Fingerprint* found = fingerprint(t.config)) rows.push_back({&t, model_key(t.config), found});
  }
  std::set<std::set<std::string>> said;  // by the keys of the models
  for (auto& [key, rows] : trainings) add_same_rows(std::move(rows), said, out);
}

// ---- options without effect

// What an option of a trial is called and what the trial would be with its default.
struct Given {
  std::string path, value;  // "window: size", "2"
  TrialConfig without;
};

// Adds the options of a choice that are not at their default. `set` puts other options into a trial.
template <class Set>
void add_given(const TrialConfig& trial, const Entry* entry, const Config& options, const std::string& path,
               Set&& set, std::vector<Given>& out) {
  if (!entry) return;
  for (const OptionInfo& o : entry->options) {
    if (o.text.speed) continue;
    const std::optional<Config> changed = with_default(*entry, options, o.name);
    if (!changed) continue;
    Given given{fmt::format("{}: {}", path, o.name), options.find(o.name)->canonical(), trial};
    set(given.without, *changed);
    out.push_back(std::move(given));
  }
}

// Are the feed-forward's options those of the attention variant, which has brought it?
bool brings_feed_forward(const TrialConfig& trial, const Registry& registry) {
  const Choice& attention = trial.attention.front();
  const BlockStyle style = registry.variant(attention.name).block_style(attention.options);
  return style.feed_forward == trial.feed_forward.name && !style.feed_forward_options.entries().empty();
}

std::vector<Given> given_options(const TrialConfig& trial, const Registry& registry) {
  std::vector<Given> out;
  for (std::size_t i = 0; i < trial.attention.size(); ++i) {
    const Choice& c = trial.attention[i];
    add_given(
        trial, registry.find_variant(c.name), c.options, trial.variant,
        [&](TrialConfig& t, const Config& options) { t.attention[i].options = options; }, out);
  }
  if (!brings_feed_forward(trial, registry))
    add_given(
        trial, registry.find_variant(trial.feed_forward.name), trial.feed_forward.options,
        "model.feed_forward." + trial.feed_forward.name,
        [](TrialConfig& t, const Config& options) { t.feed_forward.options = options; }, out);
  add_given(
      trial, registry.find_position(trial.positions.name), trial.positions.options,
      "model.positions." + trial.positions.name,
      [](TrialConfig& t, const Config& options) { t.positions.options = options; }, out);
  const Config model = write_options(trial.model), defaults = write_options(ModelOptions());
  for (const Config::Entry& e : model.entries()) {
    if (e.key == "layers" || e.key == "dim") continue;  // another number of parameters, at once
    if (e.value.canonical() == defaults.find(e.key)->canonical()) continue;
    Given given{"model: " + e.key, e.value.canonical(), trial};
    Config changed = model;
    changed.set(e.key, *defaults.find(e.key));
    Problems problems;
    read_options(given.without.model, changed, "model", "'model'", problems);
    if (problems.empty()) out.push_back(std::move(given));
  }
  return out;
}

// An option has no effect if it has none in any of the trials that are given it.
void add_options_without_effect(const Sweep& sweep, Fingerprints& fingerprint, const Registry& registry,
                                std::vector<std::string>& out) {
  constexpr std::size_t kMostModels = 200;
  std::map<std::string, bool> has_effect;  // or may have one
  std::set<std::string> models;
  for (const PlannedTrial& t : sweep.trials) {
    if (!t.config.grow.empty() || models.size() == kMostModels || !models.insert(model_key(t.config)).second)
      continue;
    for (const Given& given : given_options(t.config, registry)) {
      bool& effect = has_effect[fmt::format("{}={}", given.path, given.value)];
      if (effect) continue;
      const Fingerprint *with = fingerprint(t.config), *without = fingerprint(given.without);
      effect = !with || !without || !with->same_as(*without);
    }
  }
  for (const auto& [option, effect] : has_effect)
    if (!effect) out.push_back(option + " has no effect here: the model is the same with the default.");
}

// ---- parameters without effect

// "attention.gate_logit" of "blocks.0.attention.gate_logit".
std::string without_block(const std::string& name) {
  constexpr std::string_view kBlocks = "blocks.";
  const std::size_t at = name.find(kBlocks);
  return at == std::string::npos ? name : name.substr(name.find('.', at + kBlocks.size()) + 1);
}

// A part of a variant that never acts on sequences of this length trains as if it were not there.
void add_unused_parameters(const Sweep& sweep, Fingerprints& fingerprint, std::vector<std::string>& out) {
  std::set<std::string> models;
  for (const PlannedTrial& t : sweep.trials) {
    const Fingerprint* found = models.insert(model_key(t.config)).second ? fingerprint(t.config) : nullptr;
    if (!found || found->unused.empty()) continue;
    std::set<std::string> names;
    for (const std::string& name : found->unused) names.insert(without_block(name));
    out.push_back(fmt::format(
        "{}: the model's output does not depend on the parameter{} {} here: a part of the variant "
        "does nothing. Perhaps an option is as large as the sequence is long, or larger.",
        row_name(t, true), names.size() > 1 ? "s" : "", fmt::join(names, ", ")));
  }
}

}  // namespace

std::vector<std::string> same_model_warnings(const Sweep& sweep, const Registry& registry) {
  std::vector<std::string> out;
  if (sweep.trials.empty()) return out;
  Fingerprints fingerprint(registry);
  add_same_rows(sweep, fingerprint, out);
  add_options_without_effect(sweep, fingerprint, registry, out);
  add_unused_parameters(sweep, fingerprint, out);
  return out;
}

}  // namespace heed
