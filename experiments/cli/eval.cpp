#include "experiments/cli/eval.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "core/plugin_host.h"
#include "experiments/cli/task_words.h"
#include "experiments/cli/trial_input.h"
#include "experiments/report/compare/table_cells.h"
#include "experiments/report/compare/table_text.h"
#include "experiments/run/run_directory.h"
#include "experiments/sweep/sections.h"
#include "experiments/system/files.h"
#include "experiments/system/message.h"
#include "experiments/tasks/export.h"
#include "experiments/train/evaluate_saved.h"
#include "experiments/trial/test_lengths.h"
#include "experiments/trial/train_sequences.h"
#include "experiments/trial/yaml.h"
#include "results/atomic_file.h"
#include "results/errors.h"
#include "results/trial_file.h"

namespace heed::cli {
namespace {

constexpr const char* kCommandLine = "command line";
constexpr const char* kCsvHeader = "trial,variant,seed,setting,task,split,sequences,accuracy,loss";

// What the command line asks for.
struct Asked {
  std::string task;                // empty: that of each trial
  Config options = Config::map();  // that are given
  Split split = Split::test;
  Index sequences = 0;
};

Split read_split(const std::string& name) {
  std::vector<std::string> known;
  for (const Split split : {Split::train, Split::validation, Split::test}) {
    if (name == split_name(split)) return split;
    known.emplace_back(split_name(split));
  }
  throw UsageError(fmt::format("unknown split '{}'.{}", name, suggestion(name, known)));
}

Asked read_asked(const Input& input, const Registry& registry) {
  Asked asked;
  Problems problems;
  asked.options = Config::map({kCommandLine, 0, 0});
  if (input.has("task")) {
    auto task = parse_yaml_value(input.get<std::string>("task"), kCommandLine, problems);
    problems.throw_if_any();
    const Config* name = task->is_map() ? task->find("name") : &*task;
    if (!name || !name->is_scalar())
      throw UsageError("--task: expected the name of a task, or '{name: mqar, length: 128}'.");
    asked.task = name->text();
    if (!registry.find_task(asked.task))
      throw UsageError(
          fmt::format("--task: {}", unknown_name("task", asked.task, names(registry.tasks()), registry)));
    for (const Config::Entry& e : task->entries())
      if (e.key != "name") asked.options.set(e.key, e.value, e.key_place);
  }
  set_task_options(input.all("option"), asked.options, problems);
  problems.throw_if_any();
  for (const char* key : {kTestLengths, kTrainSequences})
    if (asked.options.find(key))
      throw UsageError(
          fmt::format("'{}' is of a training. `heed eval` takes one length, such as length=128, and "
                      "a number of sequences, as --sequences 1000.",
                      key));
  asked.split = read_split(input.get<std::string>("split"));
  asked.sequences = input.has("sequences") ? integer_option(input, "sequences", 1) : 0;
  return asked;
}

// A value without its position in a file, for messages.
Config from_command_line(const Config& value) {
  const Place place{kCommandLine, 0, 0};
  if (value.is_scalar()) return Config::scalar(value.text(), place, value.quoted());
  if (!value.is_sequence()) return value;
  std::vector<Config> items;
  for (const Config& item : value.items()) items.push_back(from_command_line(item));
  return Config::sequence(std::move(items), place);
}

// Refuses other values of the options that divide the trial's data: a test would read the training part.
void refuse_dividing(const TaskInfo& task, const Config& trained, const Config& tested, Problems& problems) {
  const auto differs = [&](const std::string& option) {
    const Config *a = trained.find(option), *b = tested.find(option);
    return a && b && a->canonical() != b->canonical();
  };
  if (differs(trained.find("content") ? "content" : "path")) return;  // other data
  for (const OptionInfo& o : task.options)
    if (o.text.divides && differs(o.name))
      problems.add(
          {kCommandLine, 0, 0},
          fmt::format("task.{}: it says on which part of the data the trial was trained, so with another "
                      "value it would be tested on that part. Remove it, or give other data.",
                      o.name));
}

// Returns the task to evaluate a trial on: the trial's own with the given options, or another one. Throws:
// ConfigError.
Choice task_for(const TrialConfig& trial, const Asked& asked, const Registry& registry) {
  const bool own = asked.task.empty() || asked.task == trial.task.name;
  const TaskInfo& info = registry.task(own ? trial.task.name : asked.task);
  Config options = Config::map({kCommandLine, 0, 0});
  if (own)
    for (const Config::Entry& e : trial.task.options.entries())
      options.set(e.key, from_command_line(e.value), {kCommandLine, 0, 0});
  // Hashes belong to the file at the trial's path.
  if (asked.options.find("path"))
    for (const char* hash : {"content", "subwords"}) options.erase(hash);
  for (const Config::Entry& e : asked.options.entries()) options.set(e.key, e.value, e.key_place);
  Problems problems;
  Choice out{info.name, info.resolve(options, "task", problems)};
  if (own) refuse_dividing(info, trial.task.options, out.options, problems);
  problems.throw_if_any();
  return out;
}

struct Row {
  PlanLine trial;
  Choice task;
  SavedEvaluation found;
  double recorded = 0;  // test_accuracy
};

// Trials that could not be evaluated, by the reason.
using LeftOut = std::map<std::string, std::vector<std::string>>;

// Returns the plan's lines, or those of --trial.
std::vector<PlanLine> chosen(const RunDirectory& directory, const Input& input) {
  return input.has("trial") ? lines_of(directory, input.all("trial")) : directory.read_plan();
}

// Evaluates one trial. Throws: heed::Error with the reason if it cannot be evaluated.
Row evaluated(const RunDirectory& directory, const PlanLine& line, const Asked& asked, int threads,
              Registry& registry) {
  const TrialConfig trial = trial_with_weights(directory, line, registry);
  Row row{line, task_for(trial, asked, registry), {}, 0};
  row.found = evaluate_saved(trial, results::read_trial_arrays(directory.trial(line.id), "weights"),
                             {row.task, asked.split, asked.sequences}, registry, threads);
  for (const results::Metric& m : results::read_trial_summary(directory.trial(line.id)).metrics)
    if (m.name == "test_accuracy") row.recorded = m.value;
  return row;
}

// Returns "mqar (length=128, pairs=8)": the options that differ from their defaults.
std::string task_text(const Choice& task, const Registry& registry) {
  std::string out;
  for (const OptionInfo& o : registry.task(task.name).options) {
    const Config* value = task.options.find(o.name);
    if (value && o.name != "content" && value->canonical() != o.value)
      out += fmt::format("{}{}={}", out.empty() ? "" : ", ", o.name, value->canonical());
  }
  return out.empty() ? task.name : fmt::format("{} ({})", task.name, out);
}

std::string table(const std::vector<Row>& rows, const Registry& registry) {
  std::vector<Cells> cells = {{"trial", "variant", "setting", "seed", "task", "sequences", "accuracy", "loss",
                               "sequence_accuracy", "bits_per_byte", "recorded"}};
  std::string title;
  bool same_task = true;
  for (const Row& r : rows) {
    const Evaluation& e = r.found.quality;
    const std::string task = task_text(r.task, registry);
    const bool has_source = registry.task(r.task.name).make(r.task.options, 0)->shape().source.length > 0;
    if (title.empty()) title = task;
    same_task = same_task && title == task;
    cells.push_back({r.trial.id, r.trial.variant, r.trial.setting, r.trial.seed, task,
                     count(static_cast<std::size_t>(r.found.sequences)), rounded(e.accuracy), rounded(e.loss),
                     has_source ? rounded(e.sequence_accuracy) : "",
                     r.found.bits_per_byte ? rounded(*r.found.bits_per_byte) : "", rounded(r.recorded)});
  }
  if (!same_task) return "several tasks\n" + aligned(cells);
  for (std::size_t i = 1; i < cells.size(); ++i) cells[i][4].clear();
  return title + '\n' + aligned(cells);
}

// Quotes a cell for CSV.
std::string quoted(std::string cell) {
  if (cell.find_first_of(",\"\n") == std::string::npos) return cell;
  for (std::size_t q = 0; (q = cell.find('"', q)) != std::string::npos; q += 2) cell.insert(q, 1, '"');
  return fmt::format("\"{}\"", cell);
}

std::string csv(const std::vector<Row>& rows, Split split) {
  std::string out = fmt::format("{},accuracy_macro,sequence_accuracy,bits_per_byte,recorded\n", kCsvHeader);
  for (const Row& r : rows) {
    const Evaluation& e = r.found.quality;
    const Config task = [&] {
      Config c = Config::map();
      c.set("name", Config::scalar(r.task.name));
      for (const Config::Entry& option : r.task.options.entries()) c.set(option.key, option.value);
      return c;
    }();
    out += fmt::format("{},{},{},{},{},{},{},{},{},{},{},{},{}\n", r.trial.id, quoted(r.trial.variant),
                       r.trial.seed, quoted(r.trial.setting), quoted(task.canonical()), split_name(split),
                       r.found.sequences, e.accuracy, e.loss, e.accuracy_macro, e.sequence_accuracy,
                       r.found.bits_per_byte ? fmt::format("{}", *r.found.bits_per_byte) : "", r.recorded);
  }
  return out;
}

void refuse_output(const Input& input) {
  if (!input.has("output")) return;
  const std::string path = input.get<std::string>("output");
  refuse_to_replace(path, "table", [&] { return results::read_text(path).starts_with(kCsvHeader); });
}

int run(const Input& input, Registry& registry) {
  const RunDirectory directory(input.get<std::string>("directory"));
  registry.set_task_cache(directory.subwords());
  const Asked asked = read_asked(input, registry);
  const int threads = threads_option(input);
  refuse_output(input);
  std::vector<Row> rows;
  LeftOut left_out;
  for (const PlanLine& line : chosen(directory, input)) try {
      rows.push_back(evaluated(directory, line, asked, threads, registry));
    } catch (const PluginError&) {
      throw;
    } catch (const results::DamagedFile& e) {
      left_out[fmt::format("{} {}", e.what(), kDamageRemedy)].push_back(
          fmt::format("{}  {}", line.id, line.to_string()));
    } catch (const Error& e) {
      left_out[e.what()].push_back(fmt::format("{}  {}", line.id, line.to_string()));
    }
  if (rows.empty() && left_out.size() == 1)
    throw Error(
        fmt::format("{}: no trial can be evaluated: {}", directory.root().string(), left_out.begin()->first));
  if (!rows.empty())
    fmt::print("{} split of {}\nrecorded: test_accuracy at the end of the training\n",
               split_name(asked.split), table(rows, registry));
  for (const auto& [reason, trials] : left_out)
    fmt::print("{}{} is not evaluated: {}\n", trials[0],
               trials.size() > 1 ? fmt::format(" and {} more", trials.size() - 1) : "", reason);
  if (rows.empty()) return kRefusedConfiguration;
  if (input.has("output")) results::write_text(input.get<std::string>("output"), csv(rows, asked.split));
  return left_out.empty() ? kDone : kSomeFailed;
}

}  // namespace

Command eval_command() {
  Command c;
  c.name = "eval";
  c.synopsis =
      "DIR [--task NAME] [key=value ...] [--split NAME] [--sequences N] [--trial ID ...] [-o FILE.csv]";
  c.summary = "evaluate the saved weights of a run on another length, split or task";
  c.details =
      "Trains nothing and does not change the run directory. The trials must have saved their weights (save: "
      "[weights]\n"
      "in the sweep file). Without --task, each trial is evaluated on its own task, with the given options "
      "in place of its\n"
      "own. Another task needs the same vocabulary. Prints a row for each trial; -o writes them with all "
      "digits. The exit\n"
      "code is 1 if some trials could not be evaluated.\n"
      "\n"
      "    heed eval runs/recall length=128";
  c.options.add_options()("task", po::value<std::string>()->value_name("NAME"),
                          "another task, or '{name: mqar, length: 128}'")(
      "split", po::value<std::string>()->value_name("NAME")->default_value("test"),
      "train, validation or test")("sequences", po::value<int>()->value_name("N"),
                                   "how many sequences; default: the whole split, or train.test_sequences")(
      "trial", po::value<std::vector<std::string>>()->value_name("ID"),
      "evaluate only this trial; may be repeated")("output,o",
                                                   po::value<std::string>()->value_name("FILE.csv"),
                                                   "also write the rows to this file, with all digits")(
      "threads", po::value<int>()->value_name("N"), "threads (1); they change no bit");
  c.arguments = {"directory", "option..."};
  c.required = 1;
  c.loads_plugins = true;
  c.run = run;
  return c;
}

}  // namespace heed::cli
