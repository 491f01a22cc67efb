#include "experiments/warnings/reach.h"

#include <algorithm>
#include <limits>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "core/model/model.h"
#include "core/model/sequences.h"
#include "core/rng.h"
#include "experiments/trial/known_tasks.h"
#include "experiments/trial/scored_positions.h"
#include "experiments/trial/stages.h"

namespace heed {
namespace {

constexpr double kMostFlops = 2e9;       // of all models together: about half a second
constexpr Index kMostNumbers = 1 << 22;  // logits of one sequence
constexpr Index kExamples = 32;          // in which the distance of the answer is measured
constexpr double kLeastShare = 0.01;
constexpr Index kChanged = 4;             // tokens that are changed, one after the other
constexpr Index kPassesOfDerivative = 3;  // forward and backward

// The logits at every position of a sequence.
class Outputs {
 public:
  Outputs(const ModelSpec& spec, const Registry& registry, const Task& task)
      : model_(untied(spec), registry, params_), example_(task, 1), classes_(spec.shape.classes) {
    params_.freeze();
    params_.initialize(0);
    // Some parts have no effect at their initial values, which may be zero.
    for (const ParamInfo& p : params_.infos()) {
      if (p.role == Role::fixed) continue;
      Draws draws = Rng(1, p.name).at(0);
      for (double& value : params_.values().subspan(static_cast<std::size_t>(p.offset),
                                                    static_cast<std::size_t>(p.rows * p.cols)))
        value += 0.1 * (draws.uniform() - 0.5);
    }
    example_.fill(0, Split::train, 0);
    const Batch batch = example_.first(1);
    time_ = batch.input.length(0);
    tokens_.assign(batch.input.tokens.begin(), batch.input.tokens.end());
    everywhere_.assign(tokens_.size(), kUnscored);
    std::fill_n(everywhere_.begin(), time_, 0);
  }

  Index time() const { return time_; }

  // Returns the logits with another token at one position; with `at` = -1, of the sequence as it is.
  std::vector<double> with_change(Index at) {
    std::vector<Token> tokens = tokens_;
    if (at >= 0) {
      Token& token = tokens[static_cast<std::size_t>(at)];
      token = static_cast<Token>((token + 1) % example_.shape.input.width);
    }
    Batch batch = example_.first(1);
    batch.input.tokens = tokens;
    batch.labels = everywhere_;
    std::vector<double> logits(static_cast<std::size_t>(time_ * classes_));
    Step<double> step(1, false);
    model_.evaluate(step, batch, {}, logits);
    return logits;
  }

  // Does the output at `first` or later have a derivative by the token at the beginning? A decay can make its
  // effect smaller than the rounding of the logits, but not its derivative zero, as a mask does.
  bool derivative_reaches(Index first) {
    std::vector<Token> tokens = tokens_;
    const Token own = tokens[0], other = static_cast<Token>((own + 1) % example_.shape.input.width);
    std::replace(tokens.begin() + 1, tokens.end(), own, other);
    std::vector<Token> labels = everywhere_;
    std::fill_n(labels.begin(), first, kUnscored);
    Batch batch = example_.first(1);
    batch.input.tokens = tokens;
    batch.labels = labels;
    params_.zero_grads();
    Step<double> step;
    model_.accumulate(step, batch);
    return (params_.find("embedding").grad().row(own).array() != 0).any();
  }

 private:
  // A head that is the embedding would give it a derivative of its own.
  static ModelSpec untied(ModelSpec spec) {
    spec.options.tied = false;
    return spec;
  }

  Params<double> params_;
  Model<double> model_;
  Sequences example_;
  Index classes_, time_ = 0;
  std::vector<Token> tokens_, everywhere_;
};

bool differs(const std::vector<double>& a, const std::vector<double>& b, Index row, Index width) {
  const auto from = row * width;
  return !std::equal(a.begin() + from, a.begin() + from + width, b.begin() + from);
}

// How far back the nearest answer is of each scored position that has one.
std::vector<Index> answer_distances(const Task& task) {
  std::vector<Index> out;
  visit_scored(task, kExamples, [&](Index query, std::span<const Relevance> keys) {
    const auto nearest = std::find(keys.rend() - query - 1, keys.rend(), Relevance::answer);
    if (nearest != keys.rend()) out.push_back(query - (keys.rend() - nearest - 1));
    return true;
  });
  return out;
}

bool can_be_checked(const TrialConfig& trial, const TaskShape& shape) {
  return trial.plugins.empty() && trial.grow.empty() && trial.type == ModelType::decoder &&
         shape.input.kind == Stream::Kind::tokens && shape.input.width > 1 &&
         shape.labels == Labels::per_position && shape.input.length * shape.classes <= kMostNumbers;
}

double flops_of(const ModelSpec& spec, const Registry& registry, const Task& task) {
  Params<double> params;
  const Model<double> model(spec, registry, params);
  const Index length = task.shape().input.length;
  return static_cast<double>(1 + kChanged + kPassesOfDerivative) * model.cost(length, length, 0).flops +
         1000 * static_cast<double>(params.size());
}

// What one model cannot see: at the same reach in all tasks of a name.
struct Blind {
  std::string task;  // with its options, or how many of them
  Index tasks = 0;
  double least = 1, most = 0;  // share of the scored positions whose answer is farther away
};

double share_beyond(Index reach, const std::vector<Index>& distances) {
  const auto beyond = std::ranges::count_if(distances, [&](Index d) { return d > reach; });
  return static_cast<double>(beyond) / static_cast<double>(distances.size());
}

// Returns "window(size=4): its only layer sees 4 positions back" with the name of the task.
std::string seen_by(const TrialConfig& trial, Index reach) {
  const std::string layers = trial.model.layers == 1
                                 ? "its only layer sees"
                                 : fmt::format("its {} layers together see", trial.model.layers);
  return fmt::format("{}: {} {} position{} back, but in {}", trial.variant, layers, reach,
                     reach == 1 ? "" : "s", trial.task.name);
}

std::string sentence(const std::string& seen, const Blind& blind) {
  const std::string least = fmt::format("{:.0f}", 100 * blind.least),
                    most = fmt::format("{:.0f}", 100 * blind.most);
  return fmt::format(
      "{} the answer is farther away at {} % of the scored positions. The variant can only guess there. Use "
      "more layers, or an option that sees farther. The task is {}.",
      seen, least == most ? least : fmt::format("{} to {}", least, most),
      blind.tasks == 1 ? blind.task : fmt::format("that of {} settings", blind.tasks));
}

}  // namespace

Index reach_of(const ModelSpec& spec, const Registry& registry, const Task& task) {
  Outputs outputs(spec, registry, task);
  const Index time = outputs.time(), classes = spec.shape.classes;
  const std::vector<double> before = outputs.with_change(-1);
  Index reach = 0;
  for (Index i = 0; i < kChanged; ++i) {
    const Index at = i * time / kChanged;
    const std::vector<double> after = outputs.with_change(at);
    Index last = at;
    for (Index t = at; t < time; ++t)
      if (differs(before, after, t, classes)) last = t;
    reach = std::max(reach, last - at);
  }
  if (reach + 1 < time && outputs.derivative_reaches(reach + 1)) return time - 1;
  return reach;
}

std::vector<std::string> reach_warnings(const Sweep& sweep, const Registry& registry) {
  std::map<std::string, Blind> blinds;
  std::vector<std::string> order;  // of their first trials
  std::set<std::string> seen;
  KnownTasks tasks(registry);
  std::map<std::string, std::vector<Index>> distances;  // by task
  double left = kMostFlops;
  for (const PlannedTrial& t : sweep.trials) {
    TrialConfig model = t.config;
    model.seed = 0;
    model.train = {};
    model.method = {};
    if (!seen.insert(to_config(model).canonical()).second) continue;
    try {
      const Task& task = tasks(model);
      if (!can_be_checked(model, task.shape())) continue;
      const auto [at, is_new] =
          distances.insert({model.task.name + ' ' + model.task.options.canonical(), {}});
      if (is_new) at->second = answer_distances(task);
      if (at->second.empty()) continue;
      const ModelSpec spec = model_spec(model, task);
      const double flops = flops_of(spec, registry, task);
      if (flops > left) continue;
      left -= flops;
      const Index reach = reach_of(spec, registry, task);
      const double share = share_beyond(reach, at->second);
      if (share < kLeastShare) continue;
      const std::string key = seen_by(model, reach), name = at->first;
      Blind& blind = blinds[key];
      if (blind.tasks == 0) order.push_back(key);
      if (blind.task != name) ++blind.tasks;
      blind.task = name;
      blind.least = std::min(blind.least, share), blind.most = std::max(blind.most, share);
    } catch (const Error&) {
      continue;  // refused elsewhere
    }
  }
  std::vector<std::string> out;
  for (const std::string& key : order) out.push_back(sentence(key, blinds.at(key)));
  return out;
}

}  // namespace heed
