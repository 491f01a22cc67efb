#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/config.h"
#include "core/model/model_spec.h"
#include "core/registry.h"
#include "experiments/trial/train_options.h"

namespace heed {

// What of a trained model is kept beyond the metrics (`save:` in a sweep file).
struct SaveOptions {
  bool weights = false, attention = false, logits = false, predictions = false;
  bool operator==(const SaveOptions&) const = default;
};

// A smaller model that a trial trains first; it then grows into the next one.
struct EarlierStage {
  Choice attention, feed_forward;
  std::vector<Choice> encoder_attention = {}, cross_attention = {};  // as in TrialConfig
  Index steps = 0;                                                   // of this stage
};

// How a model is trained: what `train` names, and the options of both in one map, as `train` has them.
struct TrainMethod {
  std::string optimizer = "adamw", schedule = "cosine";
  Config options = Config::map();
};

// One training run with everything resolved: no default left unsaid. Equal text, equal id, equal experiment.
struct TrialConfig {
  std::string variant;            // its label in tables: "softmax", "window(size=16)", "window+softmax"
  std::vector<Choice> attention;  // one choice, or the stack that the blocks take in turn
  Choice feed_forward = {"mlp", Config::map()}, positions = {"learned", Config::map()}, task;
  std::vector<EarlierStage> grow;  // before this model is reached; most trials have none
  std::vector<Index>
      test_lengths;           // other lengths of the task at which the trained model is tested; ascending
  Index train_sequences = 0;  // of the task's training split that are used; 0: all of them
  ModelOptions model;
  ModelType type = ModelType::decoder;
  Pool pool = Pool::mean;  // of a task with one label per sequence
  // Of an encoder-decoder, in turn as `attention`, which is the decoder's self-attention. Empty: it is not
  // one.
  std::vector<Choice> encoder_attention, cross_attention;
  TrainOptions train;
  TrainMethod method;
  SaveOptions save;
  std::uint64_t seed = 0;
  std::vector<PluginOrigin> plugins;  // that it uses; of the id only their hashes are part
  std::vector<std::string> swept;     // paths that the sweep sets, "train.lr"; not part of the id
};

// The plugins that a trial's attention, feed-forward, positions and task come from, each once.
std::vector<PluginOrigin> plugins_of(const TrialConfig& trial, const Registry& registry);

// The resolved configuration as a tree, and back. `swept` is not in it.
Config to_config(const TrialConfig& trial);
TrialConfig trial_from_config(const Config& resolved);

// Returns what trials were trained with whose resolved configuration does not say a parameter
// ("train.precision": "float32"): it is newer than they are, or left out at this value. Empty: always said.
std::string value_before(const std::string& path);

// Does a parameter ("train.checkpoint") change no number of a trial? Then it is no part of its id.
bool is_outside_of_id(const std::string& path);

// Is a parameter ("task.path") the place of a file or folder, with its content's hash beside it
// ("task.content")? Then it changes no number either, and is no part of the id.
bool is_place_of_content(const Config& resolved, const std::string& path);

// 16 hex digits: xxHash64 of the canonical text of the resolved configuration.
std::string trial_id(const TrialConfig& trial);

}  // namespace heed
