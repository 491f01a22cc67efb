#include "experiments/trial/trial_config.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <xxhash.h>

#include "core/options.h"
#include "experiments/trial/task_of.h"
#include "experiments/trial/test_lengths.h"
#include "experiments/trial/train_sequences.h"

namespace heed {
namespace {

// Raised when a change makes equal configurations train to other numbers: old results then no longer pass for
// new ones.
constexpr int kResultsVersion = 1;

// A parameter that is newer than the first results, and the value with which trials were trained before there
// was a choice.
struct NewerParameter {
  std::string path;
  Config value;
  bool written;  // Does the resolved configuration say it also if it has this value?
};

const std::vector<NewerParameter>& newer_parameters() {
  static const std::vector<NewerParameter> parameters{
      {"model.linear_bias", Config::boolean(true), false},
      {"model.head_bias", Config::boolean(false), false},
      {"model.type", Config::scalar(to_string(ModelType::decoder)), true},
      {"model.pool", Config::scalar(to_string(Pool::mean)), false},
      {"task.unanswerable", Config::number(0), false},
      {std::string("task.") + kTrainSequences, Config::integer(0), false},
      {"train.context_parallel", Config::integer(1), false},
      {"train.precision", Config::scalar(TrainOptions().precision), false},
      {"train.optimizer", Config::scalar(TrainMethod().optimizer), true},
      {"train.schedule", Config::scalar(TrainMethod().schedule), true},
      {"train.dropout", Config::number(0), true},
      {"save.predictions", Config::boolean(false), false}};
  return parameters;
}

// Removes a newer parameter if it has the value of earlier trials.
void erase_if_before(Config& resolved, const NewerParameter& parameter) {
  const std::size_t dot = parameter.path.find('.');
  Config& section = *resolved.find(parameter.path.substr(0, dot));
  const std::string key = parameter.path.substr(dot + 1);
  const Config* given = section.find(key);
  if (given && given->canonical() == parameter.value.canonical()) section.erase(key);
}

// {name: window, size: 8}
Config choice_config(const Choice& choice) {
  Config out = Config::map();
  out.set("name", Config::scalar(choice.name));
  for (const Config::Entry& e : choice.options.entries()) out.set(e.key, e.value);
  return out;
}

// One choice, or a list of several.
Config choices_config(const std::vector<Choice>& choices) {
  if (choices.size() == 1) return choice_config(choices[0]);
  std::vector<Config> stack;
  for (const Choice& c : choices) stack.push_back(choice_config(c));
  return Config::sequence(std::move(stack));
}

// Writes where else an encoder-decoder has attention; nothing of other models.
void set_places(Config& section, const std::vector<Choice>& encoder, const std::vector<Choice>& cross) {
  if (!encoder.empty()) section.set("encoder_attention", choices_config(encoder));
  if (!cross.empty()) section.set("cross_attention", choices_config(cross));
}

class Tree {
 public:
  explicit Tree(const Config& root) : root_(root) {}

  const Config& at(const std::string& path) const {
    if (const Config* found = root_.find_path(path)) return *found;
    throw ConfigError(fmt::format("{}: the resolved configuration lacks '{}'. Was it written by heed?",
                                  root_.place().to_string(), path));
  }
  static Choice choice(const Config& c) {
    const Config* name = c.find("name");
    if (!name || !name->is_scalar())
      throw ConfigError(
          fmt::format("{}: expected a map with a 'name', found {}.", c.place().to_string(), c.described()));
    Choice out{name->text(), c};
    out.options.erase("name");
    return out;
  }
  static std::vector<Choice> choices(const Config& c) {
    std::vector<Choice> out;
    if (!c.is_sequence()) return {choice(c)};
    for (const Config& item : c.items()) out.push_back(choice(item));
    return out;
  }
  // Returns the choices at a path, or none if there is nothing.
  std::vector<Choice> choices_if_any(const std::string& path) const {
    const Config* found = root_.find_path(path);
    return found ? choices(*found) : std::vector<Choice>();
  }
  // Returns what a string at a path stands for; its default if there is nothing.
  template <class Read, class T>
  T named(const std::string& path, Read read, T by_default) const {
    const Config* found = root_.find_path(path);
    if (!found) return by_default;
    if (const auto value = read(found->text())) return *value;
    throw ConfigError(
        fmt::format("{}: {}: unknown value {}.", found->place().to_string(), path, found->described()));
  }

 private:
  const Config& root_;
};

// SaveOptions in the words of a resolved configuration.
struct SaveFlags : SaveOptions {
  void describe(auto& option) {
    option("weights", weights, {.doc = "trained parameters by name"});
    option("attention", attention, {.doc = "attention weights of a few test sequences"});
    option("logits", logits, {.doc = "logits of a few test sequences"});
    option("predictions", predictions, {.doc = "targets decoded from the sources of the test split"});
  }
};

// {steps: 1000, ..., optimizer: sgd, schedule: cosine, momentum: 0.9, min_lr: 0}
Config train_config(const TrialConfig& trial) {
  Config out = write_options(trial.train);
  out.set("optimizer", Config::scalar(trial.method.optimizer));
  out.set("schedule", Config::scalar(trial.method.schedule));
  for (const Config::Entry& e : trial.method.options.entries()) out.set(e.key, e.value);
  return out;
}

// Takes optimizer, schedule and their options out of a resolved `train` section. Trials from before there was
// a choice name neither.
TrainMethod take_method(Config& train) {
  TrainMethod method;
  for (const auto& [key, name] : {std::pair{"optimizer", &method.optimizer}, {"schedule", &method.schedule}})
    if (const Config* found = train.find(key)) *name = found->text(), train.erase(key);
  const std::vector<OptionInfo> own = list_options<TrainOptions>();
  const auto is_own = [&](const Config::Entry& e) {
    return std::any_of(own.begin(), own.end(), [&](const OptionInfo& o) { return o.name == e.key; });
  };
  for (const Config::Entry& e : train.entries())
    if (!is_own(e)) method.options.set(e.key, e.value);
  std::erase_if(train.entries(), [&](const Config::Entry& e) { return !is_own(e); });
  return method;
}

Config plugins_config(const std::vector<PluginOrigin>& plugins) {
  std::vector<Config> out;
  for (const PluginOrigin& p : plugins) {
    Config c = Config::map();
    c.set("name", Config::scalar(p.name, {}, true));
    c.set("version", Config::scalar(p.version, {}, true));
    c.set("hash", Config::scalar(p.hash, {}, true));
    c.set("path", Config::scalar(p.path, {}, true));
    c.set("stamp", Config::scalar(p.stamp, {}, true));
    out.push_back(std::move(c));
  }
  return Config::sequence(std::move(out));
}

std::vector<PluginOrigin> read_plugins(const Config& resolved) {
  std::vector<PluginOrigin> out;
  const Config* list = resolved.find("plugins");
  if (!list) return out;
  for (const Config& c : list->items()) {
    const auto text = [&](const char* key) {
      const Config* found = c.find(key);
      return found ? found->text() : std::string();
    };
    out.push_back({text("name"), text("version"), text("path"), text("stamp"), text("hash")});
  }
  return out;
}

template <class O>
void read_resolved(O& options, Config section, const char* name) {
  Problems problems;
  read_options(options, section, name, fmt::format("'{}'", name), problems);
  problems.throw_if_any();
}

}  // namespace

Config to_config(const TrialConfig& trial) {
  Config out = Config::map();
  out.set("variant", Config::scalar(trial.variant));
  out.set("seed", Config::integer(static_cast<long long>(trial.seed)));
  out.set("attention", choices_config(trial.attention));
  if (!trial.grow.empty()) {
    std::vector<Config> stages;
    for (const EarlierStage& s : trial.grow) {
      Config stage = Config::map();
      stage.set("attention", choice_config(s.attention));
      stage.set("feed_forward", choice_config(s.feed_forward));
      set_places(stage, s.encoder_attention, s.cross_attention);
      stage.set("steps", Config::integer(s.steps));
      stages.push_back(std::move(stage));
    }
    out.set("grow", Config::sequence(std::move(stages)));
  }
  Config model = write_options(trial.model);
  model.set("type", Config::scalar(to_string(trial.type)));
  model.set("pool", Config::scalar(to_string(trial.pool)));
  model.set("positions", choice_config(trial.positions));
  model.set("feed_forward", choice_config(trial.feed_forward));
  set_places(model, trial.encoder_attention, trial.cross_attention);
  out.set("model", std::move(model));
  Config task = choice_config(trial.task);
  if (!trial.test_lengths.empty()) task.set(kTestLengths, detail::to_config(trial.test_lengths));
  task.set(kTrainSequences, Config::integer(trial.train_sequences));
  out.set("task", std::move(task));
  out.set("train", train_config(trial));
  out.set("save", write_options(SaveFlags{trial.save}));
  for (const NewerParameter& p : newer_parameters())
    if (!p.written) erase_if_before(out, p);
  if (!trial.plugins.empty()) out.set("plugins", plugins_config(trial.plugins));
  return out;
}

TrialConfig trial_from_config(const Config& resolved) {
  const Tree tree(resolved);
  TrialConfig trial;
  trial.variant = tree.at("variant").text();
  long long seed = 0;
  if (!tree.at("seed").read(seed) || seed < 0)
    throw ConfigError(fmt::format("{}: seed: expected an integer, found {}.",
                                  tree.at("seed").place().to_string(), tree.at("seed").described()));
  trial.seed = static_cast<std::uint64_t>(seed);
  trial.attention = Tree::choices(tree.at("attention"));
  if (const Config* stages = resolved.find("grow"))
    for (const Config& c : stages->items()) {
      const Tree stage(c);
      long long steps = 0;
      if (!stage.at("steps").read(steps) || steps < 1)
        throw ConfigError(fmt::format("{}: steps: expected an integer above 0, found {}.",
                                      stage.at("steps").place().to_string(), stage.at("steps").described()));
      trial.grow.push_back({Tree::choice(stage.at("attention")), Tree::choice(stage.at("feed_forward")),
                            stage.choices_if_any("encoder_attention"),
                            stage.choices_if_any("cross_attention"), steps});
    }
  trial.positions = Tree::choice(tree.at("model.positions"));
  trial.feed_forward = Tree::choice(tree.at("model.feed_forward"));
  Config task = tree.at("task");
  Problems problems;
  trial.test_lengths = take_test_lengths(task, "task", problems);
  trial.train_sequences = take_train_sequences(task, "task", problems);
  problems.throw_if_any();
  trial.task = Tree::choice(task);
  trial.type = tree.named("model.type", model_type_of, trial.type);
  trial.pool = tree.named("model.pool", pool_of, trial.pool);
  trial.encoder_attention = tree.choices_if_any("model.encoder_attention");
  trial.cross_attention = tree.choices_if_any("model.cross_attention");
  Config model = tree.at("model");
  for (const char* slot :
       {"positions", "feed_forward", "type", "pool", "encoder_attention", "cross_attention"})
    model.erase(slot);
  read_resolved(trial.model, std::move(model), "model");
  Config train = tree.at("train");
  trial.method = take_method(train);
  read_resolved(trial.train, std::move(train), "train");
  SaveFlags save;
  read_resolved(save, tree.at("save"), "save");
  trial.save = save;
  trial.plugins = read_plugins(resolved);
  return trial;
}

std::vector<PluginOrigin> plugins_of(const TrialConfig& trial, const Registry& registry) {
  std::vector<PluginOrigin> out;
  const auto add = [&](const Entry* entry) {
    if (!entry || !entry->plugin) return;
    const auto same = [&](const PluginOrigin& p) { return p.hash == entry->plugin->hash; };
    if (std::none_of(out.begin(), out.end(), same)) out.push_back(*entry->plugin);
  };
  for (const auto* place : {&trial.attention, &trial.encoder_attention, &trial.cross_attention})
    for (const Choice& c : *place) add(registry.find_variant(c.name));  // stages have the same
  add(registry.find_variant(trial.feed_forward.name));
  add(registry.find_position(trial.positions.name));
  add(registry.find_optimizer(trial.method.optimizer));
  add(registry.find_schedule(trial.method.schedule));
  add(registry.find_task(trial.task.name));
  return out;
}

std::string value_before(const std::string& path) {
  const auto& parameters = newer_parameters();
  const auto found = std::ranges::find(parameters, path, &NewerParameter::path);
  return found == parameters.end() ? "" : found->value.text();
}

bool is_outside_of_id(const std::string& path) { return path == "variant" || path == "train.checkpoint"; }

bool is_place_of_content(const Config& resolved, const std::string& path) {
  const Config* content = resolved.find_path("task.content");
  return path == "task.path" && content && !content->text().empty();
}

namespace {

// The options of linear attention when elu was its only feature map. Options of other maps have no effect.
void restore_linear(Config& linear) {
  for (const char* option : {"feature_map", "cosformer_length", "performer_features", "hedgehog_softmax",
                             "hedgehog_map", "hedgehog_multiplier"})
    linear.erase(option);
  if (linear.find("key_width")->canonical() == "0") linear.erase("key_width");
  if (linear.find("eps_rule")->text() == "add") linear.erase("eps_rule");
  linear.set("features", Config::scalar("elu"));
}

void erase_defaults_of_softmax(Config& softmax) {
  for (const auto& [option, value] : {std::pair("key_heads", Config::integer(0)),
                                      {"qk_norm", Config::scalar("none")},
                                      {"qk_norm_gain", Config::scalar("shared")},
                                      {"qk_norm_eps", Config::number(1e-6)},
                                      {"cap", Config::number(0)},
                                      {"sink", Config::scalar("none")},
                                      {"gate", Config::scalar("none")}}) {
    const Config* given = softmax.find(option);
    if (given && given->canonical() == value.canonical()) softmax.erase(option);
  }
}

// Removes options that were added after the first results, if they have their defaults, so that ids of
// earlier trials do not change. attention: one choice or a stack of them.
void erase_newer_defaults(Config& attention) {
  if (attention.is_sequence())
    for (Config& choice : attention.items()) erase_newer_defaults(choice);
  const Config* name = attention.find("name");
  if (name && name->text() == "softmax") erase_defaults_of_softmax(attention);
  const Config* feature_map = attention.find("feature_map");
  if (name && name->text() == "linear" && feature_map && feature_map->text() == "elu")
    restore_linear(attention);
}

// The same for the options of texts, pairs and images.
void erase_newer_task_options(Config& task) {
  const std::string& name = task.find("name")->text();
  if (name == "images")
    for (const char* option : {"noise_patches", "distractor_patches"})
      if (const Config* given = task.find(option); given && given->canonical() == "0") task.erase(option);
  if (name != "text" && name != "pairs") return;
  for (const char* option : {"train_bytes", "vocab"})
    if (const Config* given = task.find(option); given && given->canonical() == "0") task.erase(option);
  if (const Config* subwords = task.find("subwords"); subwords && subwords->text().empty())
    task.erase("subwords");
  if (const Config* order = task.find("order"); order && order->text() == "none")
    for (const char* option : {"order", "anneal"}) task.erase(option);
}

}  // namespace

// What changes no number is left out: the label in a table, how often checkpoints are written, the place of a
// plugin or of a text. So are newer parameters that have the value of the first trials: trials had ids before
// there was a choice.
std::string trial_id(const TrialConfig& trial) {
  Config config = to_config(trial);
  std::erase_if(config.entries(), [](const Config::Entry& e) { return is_outside_of_id(e.key); });
  Config& train = *config.find("train");
  std::erase_if(train.entries(), [](const Config::Entry& e) { return is_outside_of_id("train." + e.key); });
  for (const NewerParameter& p : newer_parameters()) erase_if_before(config, p);
  erase_newer_defaults(*config.find("attention"));
  Config& task = *config.find("task");
  if (is_place_of_content(config, "task.path")) task.erase("path");
  erase_newer_task_options(task);
  if (Config* plugins = config.find("plugins"))
    for (Config& p : plugins->items())
      for (const char* key : {"version", "path", "stamp"}) p.erase(key);
  const std::string text = fmt::format("heed trial {}\n{}", kResultsVersion, config.canonical());
  return fmt::format("{:016x}", static_cast<std::uint64_t>(XXH64(text.data(), text.size(), 0)));
}

}  // namespace heed
