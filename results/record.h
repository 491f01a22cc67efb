// What one trial leaves behind, as plain data. This folder knows nothing of variants, tasks or models: it
// stores names, numbers and text.
//
// What differs between two runs of one trial (times, host, memory) is marked `varies`; everything else must
// come out the same to the bit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <variant>
#include <vector>

namespace heed::results {

// Raised when a file's layout changes its meaning; results/README.md describes it.
inline constexpr std::int64_t kSchema = 2;

// stopped: a rule of the sweep ended it before its last step (docs/sweeps.md).
enum class Status { done, diverged, failed, killed, stopped };

using Value = std::variant<std::int64_t, double, bool, std::string>;

struct Parameter {
  std::string name;  // the dotted path in the resolved configuration: "train.lr", "variant", "seed"
  Value value;
  bool varies = false;  // no number depends on it: where a file lies
};

struct Metric {
  std::string name;  // a Python name: "test_accuracy"
  double value = std::numeric_limits<double>::quiet_NaN();
  std::string unit;  // "1", "s", "ms", "byte", "flop" ...; empty means not stated
  std::string doc;   // one sentence
  bool varies = false;
};

// A dimension with values that curves run along: "step", or "eval" with the step of each evaluation.
// Ascending.
struct Axis {
  std::string name;
  std::vector<std::int64_t> at;
};

struct Curve {
  std::string name;  // a Python name: "train_loss"
  std::string axis;
  std::vector<double> values;  // one per value of the axis
  std::string unit, doc;
  bool varies = false;
};

using Numbers = std::variant<std::vector<float>, std::vector<double>, std::vector<std::int64_t>>;

// An array in a group of the trial's file: weights/<parameter>, attention/weights, logits/logits ... . The
// groups `attention`, `probes` and `samples` are merged into results.h5, the others stay in the trial's file.
struct Array {
  std::string group;  // a Python name
  std::string name;   // any name without '/': "blocks.0.attention.query.weight"
  std::vector<std::size_t> shape;
  std::vector<std::string>
      dims;        // Python names, one per axis and all different; left empty, "axis<k>_<length>"
  Numbers values;  // C order
  std::string unit, doc;
};

// How the sweep wants to be compared; "" if it does not say. A results file carries it, so that a reader
// who has only the file sees the same table.
struct CompareSettings {
  std::string metric, reference, select;
  std::string reference_setting = {};  // lines "model.positions.name=rope", if the reference is one setting
  std::string by = {};                 // "task": one table for each task
  std::string own = {};                // parameters that variants set for themselves, "model.heads train.lr"
};

// Who wrote a file, where, when, and from which build.
struct Provenance {
  std::string heed_version;
  std::string build;  // the build stamp
  std::string host;
  std::string command;
  std::string created;  // ISO 8601, UTC
};

struct Record {
  std::string id;               // 16 lower-case hex digits: the hash of the resolved configuration
  std::int64_t plan_index = 0;  // the trial's number in the plan
  Status status = Status::done;
  std::string reason;  // empty when done
  std::int64_t last_step = 0;
  double seconds = 0;  // wall time of the trial; varies
  // What times depend on besides the machine; they vary. Trials that ran side by side, this one included,
  // when it was started: 0 where several processes ran parts of it. Negative: not known, as in older files.
  std::int64_t jobs = -1, threads = -1;
  std::string run;     // the `heed run` that trained it: its start and process id; varies. Empty: not known
  std::string config;  // the resolved configuration as YAML
  Provenance provenance;
  std::vector<Parameter> parameters;
  std::vector<Metric> metrics;
  std::vector<Axis> axes;
  std::vector<Curve> curves;
  std::vector<Array> arrays;
};

std::string to_string(Status status);
Status status_from(const std::string& text);  // throws std::invalid_argument

bool is_id(const std::string& text);

// Throws std::invalid_argument naming the first thing that cannot be stored: a name that is not of the form
// above or that two things share, an array or curve whose size is wrong, a unit that xarray would take for a
// time span.
void check(const Record& record);

}  // namespace heed::results
