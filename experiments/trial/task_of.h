// The task of a trial, for the type of model that it trains.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>

#include "core/registry.h"
#include "core/task.h"
#include "core/task_traits.h"
#include "experiments/trial/trial_config.h"

namespace heed {

// The values of `model.type`, in the order of ModelType.
inline constexpr std::array<const char*, 3> kModelTypes = {"decoder", "encoder", "encoder_decoder"};
// The values of `model.pool`, in the order of Pool.
inline constexpr std::array<const char*, 3> kPools = {"mean", "first", "last"};

inline const char* to_string(ModelType type) { return kModelTypes[static_cast<std::size_t>(type)]; }
inline const char* to_string(Pool pool) { return kPools[static_cast<std::size_t>(pool)]; }
std::optional<ModelType> model_type_of(const std::string& text);  // nullopt: there is no such type
std::optional<Pool> pool_of(const std::string& text);

// Returns the task with the shape that a model of another type reads. A decoder reads a source before the
// input, in one sequence, and is scored only on the input's labels. Requires: suits(*task, type).
std::unique_ptr<Task> for_model(std::unique_ptr<Task> task, ModelType type);

// Returns the task that for_model was given, or the task itself.
const Task& own_task(const Task& task);

// Returns the task of a trial, made from its options and seed. Throws: heed::Error if it cannot be made, or
// does not suit the trial's type of model.
std::unique_ptr<Task> task_of(const TrialConfig& trial, const Registry& registry);

}  // namespace heed
