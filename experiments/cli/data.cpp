#include <unistd.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "experiments/cli/command.h"
#include "experiments/cli/task_words.h"
#include "experiments/sweep/sections.h"
#include "experiments/system/files.h"
#include "experiments/system/message.h"
#include "experiments/tasks/export.h"
#include "experiments/trial/test_lengths.h"
#include "experiments/trial/train_sequences.h"

namespace heed::cli {
namespace {

Split read_split(const std::string& name) {
  std::vector<std::string> known;
  for (const Split split : {Split::train, Split::validation, Split::test}) {
    if (name == split_name(split)) return split;
    known.emplace_back(split_name(split));
  }
  throw UsageError(fmt::format("unknown split '{}'.{}", name, suggestion(name, known)));
}

// The task's options, from key=value words.
Config read_options(const Input& input, const TaskInfo& task) {
  Problems problems;
  Config given = Config::map({"command line", 0, 0});
  set_task_options(input.all("option"), given, problems);
  problems.throw_if_any();
  for (const char* key : {kTestLengths, kTrainSequences})
    if (given.find(key))
      throw UsageError(
          fmt::format("'{}' is of a training, and changes no sequence. {}", key,
                      key == std::string(kTrainSequences)
                          ? "-n 256 writes the 256 sequences that train_sequences: 256 trains on."
                          : "length=128 writes sequences of another length."));
  Config resolved = task.resolve(given, "task", problems);
  problems.throw_if_any();
  return resolved;
}

// The file is made in memory. Refuses one that the machine cannot hold, and announces a large one.
void check_size(const Task& task, std::int64_t count, const std::string& output) {
  constexpr double kLarge = 1e9;
  const TaskShape shape = task.shape();
  const double labels = shape.labels == Labels::per_sequence ? 1 : static_cast<double>(shape.input.length);
  const bool has_vectors = shape.input.kind == Stream::Kind::vectors;
  const double position =
      has_vectors ? static_cast<double>(shape.input.width) * sizeof(double) : sizeof(Token);
  const double bytes =
      static_cast<double>(count) * (static_cast<double>(shape.input.length) * position +
                                    (static_cast<double>(shape.source.length) + labels) * sizeof(Token));
  const double machine =
      static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
  const auto gigabytes = [](double x) { return fmt::format("{:.3g} GB", x / 1e9); };
  if (bytes > machine)
    throw UsageError(
        fmt::format("-n {}: {} sequences of {} {} are about {}, more than this machine has memory ({}). "
                    "Use a smaller -n.",
                    count, count, shape.input.length, has_vectors ? "vectors" : "tokens", gigabytes(bytes),
                    gigabytes(machine)));
  if (bytes > kLarge) say("{}: about {} before compression.", output, gigabytes(bytes));
}

int run(const Input& input, Registry& registry) {
  const std::string name = input.get<std::string>("task");
  const TaskInfo* task = registry.find_task(name);
  if (!task) throw UsageError(unknown_name("task", name, names(registry.tasks()), registry));
  const Config options = read_options(input, *task);
  const Split split = read_split(input.get<std::string>("split"));
  const auto count = input.get<std::int64_t>("count"), seed = seed_option(input);
  if (count < 1) throw UsageError(fmt::format("-n is {} but must be at least 1.", count));
  const std::string output = input.get<std::string>("output");
  if (output.ends_with(".npz") || output.ends_with(".npy"))
    throw UsageError(
        fmt::format("-o {}: the file is HDF5, which NumPy would not open. Choose a name that "
                    "ends in .h5; the task 'file' reads both kinds.",
                    output));
  refuse_to_replace(output, "data file", [&] { return is_exported_task(output); });
  const auto made = task->make(options, static_cast<std::uint64_t>(seed));
  check_size(*made, count, output);
  export_task(*made, split, count, output,
              {{"task", name}, {"options", options.canonical()}, {"seed", fmt::format("{}", seed)}});
  fmt::print("{}: {} sequences of {}, {} split, seed {}\n", output, count, name, split_name(split), seed);
  return kDone;
}

}  // namespace

Command data_command() {
  Command c;
  c.name = "data";
  c.synopsis = "TASK [key=value ...] -n N -o FILE.h5 [--split NAME] [--seed N]";
  c.summary = "write sequences and labels of a task to a file, for other programs";
  c.details =
      "A trial with this seed uses the same sequences. FILE.h5 has the variables tokens (sequence, position) "
      "and labels,\n"
      "(sequence, position) or (sequence). An unscored label is -100. The task 'file' reads such files. In "
      "place of tokens\n"
      "there may be vectors (sequence, position, component), which it does not read.\n"
      "\n"
      "    heed data mqar length=128 pairs=8 vocab=512 -n 1000 -o mqar.h5 --split test";
  c.options.add_options()("count,n", po::value<std::int64_t>()->required()->value_name("N"),
                          "number of sequences")("output,o",
                                                 po::value<std::string>()->required()->value_name("FILE"),
                                                 "the file; only a data file of heed is replaced")(
      "split", po::value<std::string>()->value_name("NAME")->default_value("train"),
      "train, validation or test")("seed", po::value<std::int64_t>()->value_name("N")->default_value(0),
                                   "the trial's seed");
  c.arguments = {"task", "option..."};
  c.required = 1;
  c.loads_plugins = true;
  c.run = run;
  return c;
}

}  // namespace heed::cli
