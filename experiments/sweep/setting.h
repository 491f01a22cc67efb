// A key that a point of the sweep, or a variant, sets.
#pragma once

#include <string>
#include <vector>

#include "core/config.h"

namespace heed {

struct Setting {
  std::string path;  // "train.lr"
  Config value;
  Place key_place;
  std::string shown = {};  // the value in tables; empty: short_text(value)
  std::string given = {};  // the key in the file, if it is another one: "tasks[1]" for "task"
};

// The task of a point, as the file gives it, for messages.
struct TaskKey {
  std::string path = "task";  // or "tasks[1]"
  Place place = {};
};

// Returns a value as tables show it: {rope: {fraction: 0.5}} as "rope(fraction=0.5)".
std::string short_text(const Config& value);

// Returns "lr=0.001 positions=rope".
std::string setting_text(const std::vector<Setting>& settings);

}  // namespace heed
