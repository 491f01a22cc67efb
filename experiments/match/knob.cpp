#include "experiments/match/knob.h"

#include <algorithm>
#include <utility>

#include "experiments/sweep/resolve.h"

namespace heed {
namespace {

const std::string kAttention = "attention.", kFeedForward = "model.feed_forward.", kModel = "model.",
                  kTrain = "train.";

void append(std::vector<Knob>& to, const std::string& prefix, const std::vector<OptionInfo>& options) {
  for (const OptionInfo& o : options) {
    const Knob knob{prefix + o.name, o.text};
    const auto same = [&](const Knob& k) { return k.path == knob.path; };
    if (o.type == "integer" && std::none_of(to.begin(), to.end(), same)) to.push_back(knob);
  }
}

// Does no block take the feed-forward that stands in the model's slot?
bool all_bring_their_own(const TrialConfig& trial, const Registry& registry) {
  return std::all_of(trial.attention.begin(), trial.attention.end(), [&](const Choice& c) {
    const BlockStyle style = registry.variant(c.name).block_style(c.options);
    return own_feed_forward(style, trial.feed_forward).has_value();
  });
}

// Choices without such an option, as other layers of a stack may be, stay as they are.
void set_option(Choice& choice, const std::string& option, Index value, const Registry& registry,
                Problems& problems) {
  const VariantInfo& info = registry.variant(choice.name);
  if (std::none_of(info.options.begin(), info.options.end(),
                   [&](const OptionInfo& o) { return o.name == option; }))
    return;
  Config options = choice.options;
  options.set(option, Config::integer(value));
  choice.options = info.resolve(options, choice.name, problems);
}

template <class O>
void set_option(O& options, const std::string& section, const std::string& option, Index value,
                Problems& problems) {
  Config all = write_options(options);
  all.set(option, Config::integer(value));
  read_options(options, all, section, '\'' + section + '\'', problems);
}

}  // namespace

std::vector<Knob> knobs_of(const TrialConfig& trial, const Registry& registry) {
  std::vector<Knob> knobs;
  for (const Choice& c : trial.attention) append(knobs, kAttention, registry.variant(c.name).options);
  if (trial.feed_forward.name != "none" && !all_bring_their_own(trial, registry))
    append(knobs, kFeedForward, registry.variant(trial.feed_forward.name).options);
  append(knobs, kModel, list_options<ModelOptions>());
  for (const OptionInfo& o : list_options<TrainOptions>())
    if (o.name == "steps") append(knobs, kTrain, {o});
  return knobs;
}

const Knob* default_knob(const std::vector<Knob>& knobs) {
  for (const std::string& prefix : {kFeedForward, kAttention})
    for (const Knob& k : knobs)
      if (k.text.size && k.path.starts_with(prefix)) return &k;
  return nullptr;
}

const Knob* find_knob(const std::vector<Knob>& knobs, const std::string& name) {
  const auto at = std::find_if(knobs.begin(), knobs.end(),
                               [&](const Knob& k) { return k.path == name || k.path.ends_with('.' + name); });
  return at == knobs.end() ? nullptr : &*at;
}

Index value_of(const Knob& knob, const TrialConfig& trial) {
  long long value = 0;
  const auto read = [&](const Config& options) {
    const Config* found = options.find(knob.name());
    return found && found->read(value);
  };
  if (knob.path.starts_with(kAttention))
    std::any_of(trial.attention.begin(), trial.attention.end(),
                [&](const Choice& c) { return read(c.options); });
  else
    read(knob.path.starts_with(kFeedForward) ? trial.feed_forward.options
         : knob.path.starts_with(kModel)     ? write_options(trial.model)
                                             : write_options(trial.train));
  return static_cast<Index>(value);
}

TrialConfig with_variant(const TrialConfig& point, const VariantEntry& variant, const Registry& registry,
                         Problems& problems) {
  TrialConfig trial = point;
  set_variant(variant, registry, trial, problems);
  trial.plugins = plugins_of(trial, registry);
  return trial;
}

std::optional<TrialConfig> with_knob(const TrialConfig& point, VariantEntry variant, const Knob& knob,
                                     Index value, const Registry& registry) {
  TrialConfig moved = point;
  Problems problems;
  if (knob.path.starts_with(kAttention))
    for (Choice& c : variant.attention) set_option(c, knob.name(), value, registry, problems);
  else if (knob.path.starts_with(kModel) && !knob.path.starts_with(kFeedForward))
    set_option(moved.model, "model", knob.name(), value, problems);
  else if (knob.path.starts_with(kTrain))
    set_option(moved.train, "train", knob.name(), value, problems), variant.last_steps = 0;
  if (!problems.empty() || moved.model.dim % moved.model.heads != 0) return std::nullopt;
  moved = with_variant(moved, variant, registry, problems);
  // Last, since a variant may have put another feed-forward there.
  if (knob.path.starts_with(kFeedForward))
    set_option(moved.feed_forward, knob.name(), value, registry, problems);
  return problems.empty() ? std::optional(std::move(moved)) : std::nullopt;
}

}  // namespace heed
