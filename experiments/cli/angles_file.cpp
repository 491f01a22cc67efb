#include <functional>
#include <map>
#include <string>
#include <vector>

#include "experiments/cli/angles.h"
#include "experiments/train/provenance.h"
#include "results/atomic_file.h"
#include "results/checksum.h"
#include "results/errors.h"
#include "results/h5_reader.h"
#include "results/h5_writer.h"

namespace heed::cli {
namespace {

using directions::SearchEnd;
using directions::Setting;

constexpr const char* kFormat = "heed angles";

struct Variable {
  const char *name, *units, *description;
  std::function<double(const AnglesRow&)> value;
};

std::vector<Variable> variables() {
  return {{"pair_fits", "1", "probability that a random pair is nearly orthogonal",
           [](const AnglesRow& r) { return directions::random_pair_fits(r.setting); }},
          {"pair_fails", "1", "probability that it is not",
           [](const AnglesRow& r) { return directions::random_pair_fails(r.setting); }},
          {"random_expected", "1",
           "expected number of random directions before one is not nearly orthogonal to an earlier one, by "
           "formula",
           [](const AnglesRow& r) { return directions::expected_random_vectors(r.setting); }},
          {"random_simulated", "1", "the same number, mean over simulations; NaN if not simulated",
           [](const AnglesRow& r) { return r.simulated.mean; }},
          {"random_standard_error", "1", "standard error of random_simulated",
           [](const AnglesRow& r) { return r.simulated.standard_error; }},
          {"certainly_fit", "1", "a number of directions that certainly fit",
           [](const AnglesRow& r) { return directions::certainly_fit(r.setting); }},
          {"most_that_fit", "1", "a number of directions that no set exceeds",
           [](const AnglesRow& r) { return directions::most_that_fit(r.setting); }}};
}

std::vector<std::byte> build(const AnglesTable& table, const std::filesystem::path& path) {
  results::H5Writer file(path);
  file.attribute("/", "format", kFormat);
  file.attribute("/", "heed_version", heed_version());
  file.attribute("/", "seed", table.seed);
  file.attribute("/", "work", table.tflop);
  file.dimension("angle", table.within.size());
  file.coordinate("dim", std::vector<std::int64_t>(table.dims.begin(), table.dims.end()));
  file.variable<double>("within", table.within, {"angle"});
  file.attribute("within", "units", "degree");
  file.attribute("within", "description",
                 "how far the angle of a nearly orthogonal pair is from 90, at most");
  const auto describe = [&](const char* name, const char* units, const char* description) {
    file.attribute(name, "units", units);
    file.attribute(name, "description", description);
  };
  for (const Variable& v : variables()) {
    std::vector<double> values;
    for (const AnglesRow& row : table.rows) values.push_back(v.value(row));
    file.variable<double>(v.name, values, {"angle", "dim"});
    describe(v.name, v.units, v.description);
  }
  const auto integers = [&](const char* name, const char* description, const auto& value) {
    std::vector<std::int64_t> values;
    for (const AnglesRow& row : table.rows) values.push_back(value(row));
    file.variable<std::int64_t>(name, values, {"angle", "dim"});
    describe(name, "1", description);
  };
  integers("simulations", "how often random_simulated was simulated",
           [](const AnglesRow& r) { return r.simulated.repetitions; });
  integers("found", "directions that a basis or gradient descent found",
           [](const AnglesRow& r) { return r.packing.reached; });
  integers(
      "search_end",
      "why not more: 0 found is the most that fit, 1 a larger number was tried in vain, 2 the work ended",
      [](const AnglesRow& r) { return static_cast<std::int64_t>(r.packing.end); });
  return file.finish();
}

}  // namespace

void write_angles(const AnglesTable& table, const std::filesystem::path& path) {
  std::vector<std::byte> bytes = results::built_twice(path, [&] { return build(table, path); });
  results::add_checksum(bytes, "angles");
  results::write_file(path, bytes, results::IfExists::replace);
}

bool is_angles_file(const std::filesystem::path& path) {
  try {
    return results::H5Reader(path).text_or_empty("/", "format") == kFormat;
  } catch (const results::DamagedFile&) {
    return false;
  }
}

}  // namespace heed::cli
