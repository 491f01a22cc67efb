// Sweeps of several tasks.
#include <string>

#include "tests/experiments/sweep/sweep_text.h"
#include "tests/message.h"

using namespace heed::test;

namespace {

using heed::PlannedTrial;
using heed::Sweep;

std::string with_tasks(const std::string& tasks, const std::string& more = "") {
  return "variants: [softmax, linear]\ntasks: " + tasks + '\n' + more;
}

Texts settings(const Sweep& sweep) {
  Texts out;
  for (const PlannedTrial& t : sweep.trials) out.push_back(t.config.variant + ": " + t.setting);
  return out;
}

}  // namespace

TEST_CASE("tasks: every variant is trained on each, with the options of the task") {
  const Sweep sweep = good(with_tasks("[{name: mqar, length: 32, pairs: 2}, {name: text, path: b.txt}]",
                                      "sweep: {parameters: {train.lr: [1, 2]}}\n"));
  CHECK(settings(sweep) == Texts{"softmax: task=mqar lr=1", "linear: task=mqar lr=1",
                                 "softmax: task=mqar lr=2", "linear: task=mqar lr=2",
                                 "softmax: task=text lr=1", "linear: task=text lr=1",
                                 "softmax: task=text lr=2", "linear: task=text lr=2"});
  CHECK(sweep.trials[0].config.task.options.find("length")->text() == "32");
  CHECK(sweep.trials[4].config.task.options.canonical() == "{path: b.txt}");
  CHECK(sweep.compare.by == heed::kTasks);
  // The ids are those of a sweep of one task.
  const Sweep one = good(
      "variants: [softmax, linear]\ntask: {name: mqar, length: 32, pairs: 2}\n"
      "sweep: {parameters: {train.lr: [1, 2]}}\n");
  CHECK(one.compare.by.empty());
  CHECK(ids(one) == Texts{ids(sweep)[0], ids(sweep)[1], ids(sweep)[2], ids(sweep)[3]});
}

TEST_CASE("tasks: lists of options are crossed, and labels show what differs") {
  CHECK(settings(good(with_tasks("[{name: mqar, length: [32, 64], vocab: 16}, text]"))) ==
        Texts{"softmax: task=mqar(length=32)", "linear: task=mqar(length=32)",
              "softmax: task=mqar(length=64)", "linear: task=mqar(length=64)", "softmax: task=text",
              "linear: task=text"});
  // An option that takes a list is one value.
  CHECK(good(with_tasks("[{name: mqar, shares: [0.5, 0.5]}, text]")).trials.size() == 4);
  CHECK(good(with_tasks("[{name: mqar, shares: [[0.5, 0.5], [1]]}, text]")).trials.size() == 6);
}

TEST_CASE("tasks: parameters of the sweep hold for every task that has them") {
  CHECK(settings(good("variants: [softmax]\ntasks: [mqar, {name: mqar, pairs: 2}]\n"
                      "sweep: {parameters: {task.length: [32, 64]}}\n")) ==
        Texts{"softmax: task=mqar length=32", "softmax: task=mqar length=64",
              "softmax: task=mqar(pairs=2) length=32", "softmax: task=mqar(pairs=2) length=64"});
  CHECK(missing(wrong(with_tasks("[mqar, text]", "sweep: {parameters: {task.length: [32, 64]}}\n")),
                {"f.yaml:3:22: tasks[1].length:", "'text'"}) == "");
}

TEST_CASE("tasks: overrides") {
  const std::string text = with_tasks("[{name: mqar, length: 32}, text]");
  CHECK(good(text, {"tasks[0].length=16"}).trials[0].config.task.options.find("length")->text() == "16");
  CHECK(good(text, {"tasks[0].length=[16,32]"}).trials.size() == 6);
  CHECK(good(text, {"tasks=[text]"}).trials.size() == 2);
  CHECK(missing(wrong(text, {"tasks[2].length=16"}),
                {"command line: tasks[2].length: there is no such task; write tasks[0].OPTION=value"}) == "");
  CHECK(missing(wrong(text, {"task.length=16"}),
                {"command line: task.length: the file has several tasks; write tasks[0].length=value"}) ==
        "");
  // One task for several, and the other way round, with a note.
  const auto note = [](const std::string& file, const std::string& override_text, std::size_t trials) {
    heed::Registry registry = fake_registry();
    heed::Problems problems;
    const auto read = heed::parse_sweep_file(file, "f.yaml", {override_text}, registry, problems);
    const Sweep sweep = heed::read_sweep(read->tree, "f", registry, problems);
    CHECK(problems.empty());
    CHECK(sweep.trials.size() == trials);
    return read->notes.empty() ? "" : read->notes[0];
  };
  CHECK(note(text, "task=text", 2) == "task: the command line replaces `tasks` of the file.");
  CHECK(note(kSmall, "tasks=[mqar, text]", 2) == "tasks: the command line replaces `task` of the file.");
}

TEST_CASE("tasks: each mistake has its place, its key and what would be right") {
  const auto refused = [](const std::string& tasks, const std::string& more = "") {
    return wrong(with_tasks(tasks, more));
  };
  CHECK(missing(refused("[mqar, text]", "task: mqar\n"),
                {"f.yaml:2:8: tasks: the file has `task`, too. List every task here, and remove `task`."}) ==
        "");
  CHECK(missing(refused("[]"), {"f.yaml:2:8: tasks: expected a list of tasks", "found an empty list."}) ==
        "");
  CHECK(missing(refused("{name: mqar}"), {"f.yaml:2:8: tasks: expected a list of tasks", "found a map."}) ==
        "");
  CHECK(missing(refused("[[mqar]]"),
                {"f.yaml:2:9: tasks[0]: expected {name: mqar, length: 64}, found a list of 1."}) == "");
  CHECK(missing(refused("[mqar, txet]"), {"f.yaml:2:15: tasks[1].name:", "Did you mean 'text'?"}) == "");
  CHECK(missing(refused("[{length: 8}]"), {"f.yaml:2:9: tasks[0].name: it is missing."}) == "");
  CHECK(missing(refused("[{mqar: {length: 8}}]"),
                {"f.yaml:2:9: tasks[0].name: it is missing. A task is written as {name: mqar,"}) == "");
  CHECK(missing(refused("[{name: mqar, lenght: 8}]"),
                {"f.yaml:2:22: tasks[0].lenght:", "Did you mean 'length'?"}) == "");
  CHECK(missing(refused("[text, {name: mqar, length: 8, pairs: 4}]"),
                {"f.yaml:2:46: tasks[1].pairs:", "at most length / 4"}) == "");
  CHECK(missing(refused("[text, {name: mqar, length: [64, x]}]"),
                {"f.yaml:2:41: tasks[1].length: expected an integer, found the string 'x'."}) == "");
  CHECK(missing(refused("[text, {name: mqar, train_sequences: -1}]"),
                {"f.yaml:2:45: tasks[1].train_sequences: -1 is out of range"}) == "");
  CHECK(missing(refused("[text, {name: mqar, test_lengths: [3]}]"),
                {"f.yaml:2:42: tasks[1].test_lengths: 3 is no length of this task: tasks[1].length:"}) == "");
  CHECK(missing(refused("[text, {name: mqar, test_lengths: [0]}]"),
                {"f.yaml:2:43: tasks[1].test_lengths[0]: 0 is out of range"}) == "");
  CHECK(missing(wrong(with_tasks("[text, mqar]"), {"tasks[1].lenght=8"}),
                {"command line: tasks[1].lenght: unknown option of 'mqar'. Did you mean 'length'?"}) == "");
  CHECK(missing(refused("[mqar, text, mqar]"),
                {"f.yaml:2:21: tasks[2]: it is the same task as tasks[0]; remove one of them."}) == "");
  CHECK(missing(refused("[{name: mqar, length: [32, 32]}]"),
                {"f.yaml:2:9: tasks[0]: it is the same task as tasks[0]"}) == "");
  CHECK(missing(wrong(kSmall + "taks: [mqar]\n"), {"f.yaml:3:1: taks:", "Did you mean 'task'?"}) == "");
}

TEST_CASE("tasks: a list in `task` is refused once, with what to write") {
  const Texts expected = {"f.yaml:3:3: task: expected {name: mqar, length: 64}, found a list of 2.",
                          "`tasks`"};
  for (const std::string list :
       {"- {name: mqar}\n  - {name: mqar, pairs: 2}\n", "[mqar, {name: mqar, pairs: 2}]\n"}) {
    const std::string text = "variants: [softmax]\ntask:\n  " + list;
    CHECK(missing(wrong(text), expected) == "");
    CHECK(missing(wrong(text, {"train.lr=1"}), expected) == "");
    CHECK(missing(wrong(text + "sweep: {parameters: {task.length: [32, 64]}}\n"), expected) == "");
    // A key of `task` does not replace the list.
    const std::string both = wrong(text, {"task.length=8"});
    const std::size_t end = both.find('\n');
    CHECK(missing(both.substr(0, end), {"command line: task.length:", "tasks[0].length=value"}) == "");
    CHECK(missing(both.substr(end + 1), expected) == "");
  }
  CHECK(missing(wrong(kSmall, {"task=[mqar, text]"}),
                {"command line: task:", "found a list of 2", "`tasks`"}) == "");
  CHECK(missing(wrong("variants: [softmax]\ntask: []\n"), {"f.yaml:2:7: task: expected {name: mqar,"}) == "");
}
