#include "experiments/budget/tunable.h"

#include <algorithm>
#include <utility>

#include "experiments/sweep/resolve.h"

namespace heed {
namespace {

const std::string kAttention = "attention.", kFeedForward = "model.feed_forward.", kModel = "model.",
                  kTrain = "train.";

void append(std::vector<Tunable>& to, const std::string& prefix, const std::vector<OptionInfo>& options) {
  for (const OptionInfo& o : options) {
    const Tunable tunable{prefix + o.name, o.text};
    // Layers of one stack may share an option; it is one tunable, set in all of them.
    const auto same = [&](const Tunable& k) { return k.path == tunable.path; };
    if (o.type == "integer" && std::none_of(to.begin(), to.end(), same)) to.push_back(tunable);
  }
}

// Returns true if no block uses the feed-forward in the model's slot.
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

std::vector<Tunable> tunables_of(const TrialConfig& trial, const Registry& registry) {
  std::vector<Tunable> tunables;
  for (const Choice& c : trial.attention) append(tunables, kAttention, registry.variant(c.name).options);
  if (trial.feed_forward.name != "none" && !all_bring_their_own(trial, registry))
    append(tunables, kFeedForward, registry.variant(trial.feed_forward.name).options);
  append(tunables, kModel, list_options<ModelOptions>());
  // Of the training, only its length: other options change what is compared.
  for (const OptionInfo& o : list_options<TrainOptions>())
    if (o.name == "steps") append(tunables, kTrain, {o});
  return tunables;
}

const Tunable* default_tunable(const std::vector<Tunable>& tunables) {
  // The feed-forward first: changing its size does not change the attention that is compared.
  for (const std::string& prefix : {kFeedForward, kAttention})
    for (const Tunable& k : tunables)
      if (k.text.size && k.path.starts_with(prefix)) return &k;
  return nullptr;
}

const Tunable* find_tunable(const std::vector<Tunable>& tunables, const std::string& name) {
  const auto at = std::find_if(tunables.begin(), tunables.end(), [&](const Tunable& k) {
    return k.path == name || k.path.ends_with('.' + name);
  });
  return at == tunables.end() ? nullptr : &*at;
}

Index value_of(const Tunable& tunable, const TrialConfig& trial) {
  long long value = 0;
  const auto read = [&](const Config& options) {
    const Config* found = options.find(tunable.name());
    return found && found->read(value);
  };
  if (tunable.path.starts_with(kAttention))
    std::any_of(trial.attention.begin(), trial.attention.end(),
                [&](const Choice& c) { return read(c.options); });
  else
    read(tunable.path.starts_with(kFeedForward) ? trial.feed_forward.options
         : tunable.path.starts_with(kModel)     ? write_options(trial.model)
                                                : write_options(trial.train));
  return static_cast<Index>(value);
}

std::optional<TrialConfig> with_value(const TrialConfig& point, VariantEntry variant, const Tunable& tunable,
                                      Index value, const Registry& registry) {
  TrialConfig moved = point;
  Problems problems;
  if (tunable.path.starts_with(kAttention))
    for (Choice& c : variant.attention) set_option(c, tunable.name(), value, registry, problems);
  else if (tunable.path.starts_with(kModel) && !tunable.path.starts_with(kFeedForward))
    set_option(moved.model, "model", tunable.name(), value, problems);
  else if (tunable.path.starts_with(kTrain))
    set_option(moved.train, "train", tunable.name(), value, problems), variant.last_steps = 0;
  // Many values in a search are impossible; they are skipped without a message.
  if (!problems.empty() || moved.model.dim % moved.model.heads != 0) return std::nullopt;
  moved = with_variant(moved, variant, registry, problems);
  // Last, since a variant may have put another feed-forward there.
  if (tunable.path.starts_with(kFeedForward))
    set_option(moved.feed_forward, tunable.name(), value, registry, problems);
  return problems.empty() ? std::optional(std::move(moved)) : std::nullopt;
}

}  // namespace heed
