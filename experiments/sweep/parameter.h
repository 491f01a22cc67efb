#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/config.h"
#include "core/options.h"
#include "core/rng.h"
#include "experiments/sweep/halton.h"

namespace heed {

// The values of a parameter of the sweep: a list, or a range for a random search.
struct Range {
  double min = 0, max = 0;
  std::string distribution = "uniform";
  void describe(auto& option) {
    option("min", min, {.doc = "smallest value"});
    option("max", max, {.doc = "largest value"});
    option("distribution", distribution,
           {.choices = {"uniform", "log_uniform", "int_uniform"}, .doc = "distribution of the values"});
  }
};

struct Parameter {
  std::string path;
  Place key_place, place;
  std::vector<Config> values = {};
  std::optional<Range> range = {};
};

// Reads `[a, b]`, `{values: [a, b]}`, `{value: a}` or `{min, max, distribution}`. `random`: does the sweep
// draw its points? Only then is a range allowed. `options`: what may be set. Returns nullopt and adds a
// problem if it is wrong.
std::optional<Parameter> read_parameter(const Config::Entry& entry, bool random,
                                        const std::vector<OptionInfo>& options, Problems& problems);

// Returns the value that a source of numbers chooses: random draws, or a coordinate of a low-discrepancy
// sequence.
Config draw(const Parameter& parameter, Draws source);
Config draw(const Parameter& parameter, Coordinate source);

}  // namespace heed
