#include "experiments/budget/tunable.h"

#include <algorithm>
#include <utility>

#include "experiments/sweep/resolve.h"

namespace heed {
namespace {

using Part = Tunable::Part;

void append(std::vector<Tunable>& to, Part part, const std::string& prefix,
            const std::vector<OptionInfo>& options) {
  for (const OptionInfo& o : options) {
    const Tunable tunable{part, prefix + o.name, o.text};
    // Layers of one variant in a stack share its options.
    const auto same = [&](const Tunable& k) { return k.path == tunable.path; };
    if (o.type == "integer" && std::none_of(to.begin(), to.end(), same)) to.push_back(tunable);
  }
}

std::string prefix_of(const Choice& attention) { return "variants." + attention.name + '.'; }

// Returns true if the tunable is an option of this variant.
bool is_option_of(const Choice& attention, const Tunable& tunable) {
  return tunable.path == prefix_of(attention) + tunable.name();
}

// Returns true if no block uses the feed-forward in the model's slot.
bool all_bring_their_own(const TrialConfig& trial, const Registry& registry) {
  return std::all_of(trial.attention.begin(), trial.attention.end(), [&](const Choice& c) {
    const BlockStyle style = registry.variant(c.name).block_style(c.options);
    return own_feed_forward(style, trial.feed_forward).has_value();
  });
}

void set_option(Choice& choice, const std::string& option, Index value, const Registry& registry,
                Problems& problems) {
  const VariantInfo& info = registry.variant(choice.name);
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
  for (const Choice& c : trial.attention)
    append(tunables, Part::attention, prefix_of(c), registry.variant(c.name).options);
  if (trial.feed_forward.name != "none" && !all_bring_their_own(trial, registry))
    append(tunables, Part::feed_forward, "model.feed_forward." + trial.feed_forward.name + '.',
           registry.variant(trial.feed_forward.name).options);
  append(tunables, Part::model, "model.", list_options<ModelOptions>());
  // Of the training, only its length: other options change what is compared.
  for (const OptionInfo& o : list_options<TrainOptions>())
    if (o.name == "steps") append(tunables, Part::train, "train.", {o});
  return tunables;
}

const Tunable* default_tunable(const std::vector<Tunable>& tunables) {
  // The feed-forward first: changing its size does not change the attention that is compared.
  for (const Part part : {Part::feed_forward, Part::attention})
    for (const Tunable& k : tunables)
      if (k.text.size && k.part == part) return &k;
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
  switch (tunable.part) {
    case Part::attention:
      for (const Choice& c : trial.attention)
        if (is_option_of(c, tunable) && read(c.options)) break;
      break;
    case Part::feed_forward:
      read(trial.feed_forward.options);
      break;
    case Part::model:
      read(write_options(trial.model));
      break;
    case Part::train:
      read(write_options(trial.train));
  }
  return static_cast<Index>(value);
}

std::optional<TrialConfig> with_value(const TrialConfig& point, VariantEntry variant, const Tunable& tunable,
                                      Index value, const Registry& registry) {
  TrialConfig moved = point;
  Problems problems;
  if (tunable.part == Part::attention) {
    for (Choice& c : variant.attention)
      if (is_option_of(c, tunable)) set_option(c, tunable.name(), value, registry, problems);
  } else if (tunable.part == Part::model) {
    set_option(moved.model, "model", tunable.name(), value, problems);
  } else if (tunable.part == Part::train) {
    set_option(moved.train, "train", tunable.name(), value, problems), variant.last_steps = 0;
  }
  // Many values in a search are impossible; they are skipped without a message.
  if (!problems.empty() || moved.model.dim % moved.model.heads != 0) return std::nullopt;
  moved = with_variant(moved, variant, registry, problems);
  // Last, since a variant may have put another feed-forward there.
  if (tunable.part == Part::feed_forward)
    set_option(moved.feed_forward, tunable.name(), value, registry, problems);
  return problems.empty() ? std::optional(std::move(moved)) : std::nullopt;
}

}  // namespace heed
