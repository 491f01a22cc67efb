// Reads files that may be damaged: lines "KIND PATH" come in, and for each one a line goes out, "refused:
// REASON" or "read HASH", a hash of all that was read. A program of its own, since a crash must not end the
// test.
#include <cstring>
#include <functional>
#include <iostream>
#include <map>
#include <string>

#include <fmt/format.h>
#include <xxhash.h>

#include "experiments/budget/step_times.h"
#include "experiments/run/run_directory.h"
#include "experiments/train/checkpoint.h"
#include "results/h5_reader.h"
#include "results/merge.h"
#include "results/table.h"
#include "results/trial_file.h"

namespace {

namespace fs = std::filesystem;
using heed::results::H5Reader;

// A hash of texts and numbers, to the bit and in order.
class Hash {
 public:
  void add(const std::string& text) { add(text.data(), text.size()); }
  template <class T>
  void add(const std::vector<T>& numbers) {
    add(numbers.data(), numbers.size() * sizeof(T));
  }
  std::string text() const { return fmt::format("{:016x}", value_); }

 private:
  void add(const void* bytes, std::size_t size) { value_ = XXH64(bytes, size, value_ ^ size); }
  std::uint64_t value_ = 0;
};

void add_variable(const H5Reader& file, const std::string& name, Hash& hash) {
  hash.add(name + file.text_or_empty(name, "units") + file.text_or_empty(name, "role"));
  switch (file.kind(name)) {
    case H5Reader::Kind::integer:
      return hash.add(file.read<std::int64_t>(name));
    case H5Reader::Kind::number:
      return hash.add(file.read<double>(name));
    case H5Reader::Kind::text:
      for (const std::string& text : file.strings(name)) hash.add(text);
  }
}

// Every variable of the file.
void add_all(const fs::path& path, Hash& hash) {
  const H5Reader file(path);
  for (const std::string& name : file.variables("/")) add_variable(file, name, hash);
  for (const std::string& group : file.groups("/"))
    for (const std::string& name : file.variables(group)) add_variable(file, group + "/" + name, hash);
}

void read_trial(const fs::path& path, Hash& hash) {
  const heed::results::Record record = heed::results::read_trial(path);
  const auto outcome = heed::results::read_outcome(path);
  hash.add(record.id + record.config + record.reason + to_string(record.status) + outcome.id +
           to_string(outcome.status));
  add_all(path, hash);
}

// What `heed status` reads of a trial: its last bytes alone.
void read_outcome(const fs::path& path, Hash& hash) {
  const auto outcome = heed::results::read_outcome(path);
  hash.add(outcome.id + to_string(outcome.status));
}

void read_results(const fs::path& path, Hash& hash) {
  for (const auto& column : heed::results::read_results(path).columns) hash.add(column.name + column.unit);
  add_all(path, hash);
}

// The folder of a trial's file, merged: a damaged file is reported and left out.
void merge(const fs::path& path, Hash& hash) {
  const fs::path merged = path.parent_path() / "merged";
  const auto report = heed::results::merge(heed::results::trial_files(path.parent_path()), merged, {});
  if (report.damaged.size() > 1) throw std::runtime_error("more than one file is reported");
  if (report.damaged.size() == 1) hash.add("one is reported");
  add_all(merged, hash);
}

void read_plan(const fs::path& path, Hash& hash) {
  for (const heed::PlanLine& line : heed::RunDirectory(path.parent_path()).read_plan())
    hash.add(line.id + '\t' + line.to_string());
}

void read_step_times(const fs::path& path, Hash& hash) {
  const heed::StepTimes times(path, {});
  for (const std::string key : {"a", "b", "c"}) {
    const heed::Matched* m = times.find(key);
    if (!m) throw std::runtime_error("a size is gone, and nothing said so");
    hash.add(m->option);
    hash.add(std::vector{static_cast<double>(m->value), m->target, m->reached});
  }
}

// As it is continued from: BASE.0, written by damage_test.cpp for a model of 100 numbers.
void read_checkpoint(const fs::path& path, Hash& hash) {
  std::vector<std::string> notes;
  const auto state = heed::Checkpoints(path.parent_path() / path.stem(), path.stem()).load(notes);
  if (!state) throw std::runtime_error(notes.empty() ? "there is none" : notes[0]);
  hash.add(state->values);
  for (const heed::SavedState::Vector& v : state->optimizer) {
    hash.add(v.name);
    hash.add(v.values);
  }
  const heed::TrainLog& log = state->log;
  for (const auto* curve : {&log.loss, &log.gradient_norm, &log.validation_loss, &log.validation_accuracy})
    hash.add(*curve);
  hash.add(log.evaluated_at);
}

// A further kind of file needs a reader here, and an original in damage_test.cpp.
const std::map<std::string, void (*)(const fs::path&, Hash&)> kReaders = {
    {"trial", read_trial}, {"outcome", read_outcome},       {"results", read_results},       {"merge", merge},
    {"plan", read_plan},   {"checkpoint", read_checkpoint}, {"step_times", read_step_times},
};

std::string answer(const std::string& kind, const fs::path& path) {
  try {
    Hash hash;
    kReaders.at(kind)(path, hash);
    return "read " + hash.text();
  } catch (const std::exception& e) {
    std::string reason = e.what();
    for (char& c : reason)
      if (c == '\n') c = ' ';
    return "refused: " + reason;
  }
}

}  // namespace

int main() {
  std::string kind, path;
  while (std::cin >> kind >> path) std::cout << answer(kind, path) << std::endl;
}
