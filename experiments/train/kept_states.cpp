#include "experiments/train/kept_states.h"

#include <charconv>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "experiments/train/checkpoint.h"
#include "experiments/trial/first_steps.h"
#include "experiments/trial/task_of.h"

namespace heed {
namespace {

// Returns the steps in "<first>.<steps>.<generation>", or nullopt for other names.
std::optional<Index> steps_in(std::string_view name, const std::string& first) {
  if (!name.starts_with(first + '.')) return std::nullopt;
  name.remove_prefix(first.size() + 1);
  Index steps = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), steps);
  const std::string_view rest = name.substr(static_cast<std::size_t>(end - name.data()));
  if (error != std::errc() || (rest != ".0" && rest != ".1")) return std::nullopt;
  return steps;
}

// Keeps the validations that a trial with another interval has, too. Returns false if one of its own is
// missing.
bool take_validations(TrainLog& log, Index interval) {
  const TrainLog all = log;
  log.evaluated_at.clear();
  log.validation_loss.clear();
  log.validation_accuracy.clear();
  for (std::size_t i = 0; i < all.evaluated_at.size(); ++i) {
    if (all.evaluated_at[i] % interval != 0) continue;
    log.evaluated_at.push_back(all.evaluated_at[i]);
    log.validation_loss.push_back(all.validation_loss[i]);
    log.validation_accuracy.push_back(all.validation_accuracy[i]);
  }
  return std::ssize(log.evaluated_at) == log.steps / interval;
}

}  // namespace

KeptStates::KeptStates(std::filesystem::path folder, const TrialConfig& trial, bool keep,
                       const Registry& registry)
    : folder_(std::move(folder)), trial_(trial), registry_(registry), first_(first_steps_id(trial)) {
  if (keep && refuse_lengthening(trial, *task_of(trial, registry), registry).empty())
    step_ = kept_step(trial, registry);
}

std::string KeptStates::name(Index steps) const { return fmt::format("{}.{}", first_, steps); }

void KeptStates::keep(const TrainState& state) const {
  const std::string id = name(trial_.train.steps);
  Checkpoints kept(folder_ / id, id);
  kept.remove();  // an earlier process may have been killed after it had saved the state
  kept.save(state);
}

std::optional<KeptStates::Shorter> KeptStates::find() const {
  std::optional<Shorter> latest;
  std::error_code error;
  for (std::filesystem::directory_iterator e(folder_, error); !error && e != decltype(e)();
       e.increment(error)) {
    const std::optional<Index> steps = steps_in(e->path().filename().string(), first_);
    if (!steps || *steps < 1) continue;
    const Index step = Checkpoints(folder_ / name(*steps), name(*steps)).latest_step().value_or(0);
    if (step < 1 || step >= trial_.train.steps || (latest && latest->step >= step)) continue;
    if (step <= common_steps(trial_, *steps, registry_)) latest = {step, *steps};
  }
  return latest;
}

std::optional<SavedState> KeptStates::load(const Shorter& shorter, std::vector<std::string>& notes) const {
  const std::string id = name(shorter.steps);
  std::optional<SavedState> saved = Checkpoints(folder_ / id, id).load(notes);
  if (!saved || take_validations(saved->log, trial_.train.evaluation_interval())) return saved;
  notes.push_back(fmt::format(
      "The trial with train.steps={} is not continued, because it was not validated every {} steps. Give "
      "train.evaluate_every one value for both.",
      shorter.steps, trial_.train.evaluation_interval()));
  return std::nullopt;
}

}  // namespace heed
