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
#include "experiments/trial/quantity.h"
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

// What decides its training, except the model. How often it is evaluated, and on how many sequences, does
// not.
std::string training_key(TrialConfig trial) {
  const TrainOptions defaults;
  trial.train.micro_batch = defaults.micro_batch;
  trial.train.evaluate_every = defaults.evaluate_every;
  trial.train.evaluate_sequences = defaults.evaluate_sequences;
  trial.train.test_sequences = defaults.test_sequences;
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

// "a, b and c"
std::string listed(std::vector<std::string> names) {
  const std::string last = std::move(names.back());
  names.pop_back();
  return names.empty() ? last : fmt::format("{} and {}", fmt::join(names, ", "), last);
}

// A row of the sweep: a variant at a setting, for all seeds.
struct Row {
  const PlannedTrial* trial;
  std::string model;  // its key
  const Fingerprint* fingerprint;
};

// Names without duplicates, in the order in which they come.
class Names {
 public:
  void add(const std::string& name) {
    if (known_.insert(name).second) list_.push_back(name);
  }
  std::size_t size() const { return list_.size(); }
  const std::vector<std::string>& list() const { return list_; }

 private:
  std::vector<std::string> list_;
  std::set<std::string> known_;
};

// Rows that are the same model.
class SameRows {
 public:
  // Rows that differ only in the model.
  void add(std::vector<Row> rows) {
    while (rows.size() > 1) {
      const Fingerprint& first = *rows.front().fingerprint;
      const auto others = std::stable_partition(rows.begin(), rows.end(),
                                                [&](const Row& r) { return first.same_as(*r.fingerprint); });
      add_same({rows.begin(), others});
      rows.erase(rows.begin(), others);
    }
  }

  // Returns a warning for each set of rows. Requires: the settings that each variant has.
  std::vector<std::string> warnings(const std::map<std::string, Names>& settings_of) const {
    std::vector<std::string> out;
    for (const Variants& same : variants_) {
      const auto& [variants, settings] = same;
      const bool everywhere = std::ranges::all_of(
          variants, [&](const std::string& v) { return settings_of.at(v).size() <= same.second.size(); });
      out.push_back(text(variants, everywhere ? "" : at(settings.list())));
    }
    for (const std::vector<std::string>& rows : rows_) out.push_back(text(rows, ""));
    return out;
  }

 private:
  void add_same(const std::vector<Row>& rows) {
    std::set<std::string> models;
    Names variants, settings;
    std::vector<std::string> names;
    for (const Row& r : rows) {
      models.insert(r.model);
      variants.add(r.trial->config.variant);
      settings.add(r.trial->setting);
      names.push_back(row_name(*r.trial, true));
    }
    if (models.size() < 2) return;
    if (rows.size() == variants.size() * settings.size() && variants.size() > 1) {  // each at each setting
      auto known = std::ranges::find(variants_, variants.list(), &Variants::first);
      if (known == variants_.end()) known = variants_.insert(known, {variants.list(), {}});
      for (const std::string& s : settings.list()) known->second.add(s);
    } else if (reported_.insert(models).second) {  // whatever else the sweep varies
      rows_.push_back(std::move(names));
    }
  }

  // " at lr=0.1, lr=0.2 and 3 other settings"
  static std::string at(const std::vector<std::string>& settings) {
    constexpr std::size_t kShown = 3;
    if (settings.size() <= kShown) return " at " + listed(settings);
    return fmt::format(" at {} and {}", fmt::join(settings.begin(), settings.begin() + kShown, ", "),
                       count_text(settings.size() - kShown, "other setting"));
  }

  static std::string text(const std::vector<std::string>& names, const std::string& where) {
    return fmt::format("{} are the same model{}: their results can differ by chance and by speed only.",
                       listed(names), where);
  }

  using Variants = std::pair<std::vector<std::string>, Names>;  // the same model at these settings
  std::vector<Variants> variants_;
  std::vector<std::vector<std::string>> rows_;  // of several settings
  std::set<std::set<std::string>> reported_;    // by the keys of their models
};

void add_same_rows(const Sweep& sweep, Fingerprints& fingerprint, std::vector<std::string>& out) {
  constexpr std::size_t kMostRows = 1000;  // of one training; more are compared with those only
  std::map<std::string, std::vector<Row>> trainings;
  std::map<std::string, Names> settings_of;  // each variant
  for (const PlannedTrial& t : sweep.trials) {
    if (t.config.seed != sweep.trials.front().config.seed) continue;
    settings_of[t.config.variant].add(t.setting);
    std::vector<Row>& rows = trainings[training_key(t.config)];
    if (rows.size() == kMostRows) continue;
    if (const Fingerprint* found = fingerprint(t.config)) rows.push_back({&t, model_key(t.config), found});
  }
  SameRows same;
  for (auto& [key, rows] : trainings) same.add(std::move(rows));
  const std::vector<std::string> warnings = same.warnings(settings_of);
  out.insert(out.end(), warnings.begin(), warnings.end());
}

// ---- options without effect

// What an option of a trial is called and what the trial would be with its default.
struct Given {
  std::string path, value;             // "window: size", "2"
  std::optional<TrialConfig> without;  // nullopt: the default is refused here
};

// Adds the options of a choice that are not at their default. `set` puts other options into a trial.
template <class Set>
void add_given(const TrialConfig& trial, const Entry* entry, const Config& options, const std::string& path,
               Set&& set, std::vector<Given>& out) {
  if (!entry) return;
  for (const OptionInfo& o : entry->options) {
    if (o.text.speed) continue;
    const WithDefault changed = with_default(*entry, options, o.name);
    if (!changed.given) continue;
    Given given{fmt::format("{}: {}", path, o.name), options.find(o.name)->canonical(), std::nullopt};
    if (changed.options) set(given.without.emplace(trial), *changed.options);
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
    Given given{"model: " + e.key, e.value.canonical(), std::nullopt};
    TrialConfig without = trial;
    Config changed = model;
    changed.set(e.key, *defaults.find(e.key));
    Problems problems;
    read_options(without.model, changed, "model", "'model'", problems);
    if (problems.empty()) given.without = std::move(without);
    out.push_back(std::move(given));
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
      const Fingerprint* with = fingerprint(t.config);
      const Fingerprint* without = given.without ? fingerprint(*given.without) : nullptr;
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
