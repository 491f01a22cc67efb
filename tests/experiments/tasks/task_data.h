// What the tests of the tasks share: a task made as a user makes it, its data, and their hash.
#pragma once

#include <xxhash.h>

#include <algorithm>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/registry.h"
#include "experiments/tasks/builtin.h"

namespace heed::test {

using Given = std::vector<std::pair<std::string, std::string>>;  // option and value

inline Config task_config(const Given& given) {
  Config config = Config::map();
  for (const auto& [key, value] : given) config.set(key, Config::scalar(value));
  return config;
}

inline std::unique_ptr<Task> make_task(const std::string& name, const Config& config,
                                       std::uint64_t seed = 1) {
  Registry registry;
  register_builtin_tasks(registry);
  return registry.task(name).make(config, seed);
}

inline std::unique_ptr<Task> make_task(const std::string& name, const Given& given = {},
                                       std::uint64_t seed = 1) {
  return make_task(name, task_config(given), seed);
}

// Returns the problems of wrong options, a line each.
inline std::vector<std::string> refusals(const std::string& name, const Config& config) {
  Registry registry;
  register_builtin_tasks(registry);
  Problems problems;
  registry.task(name).resolve(config, "task", problems);
  return problems.lines();
}

inline std::vector<std::string> refusals(const std::string& name, const Given& given) {
  return refusals(name, task_config(given));
}

using Lines = std::vector<std::string>;

// Returns true if there are as many lines as starts, and each line begins with its start. Tests compare the
// place, key and value of a message, not its whole wording.
inline bool begin_with(const Lines& lines, const Lines& starts) {
  return std::equal(
      lines.begin(), lines.end(), starts.begin(), starts.end(),
      [](const std::string& line, const std::string& start) { return line.starts_with(start); });
}

// The tokens of a sequence, and a label for each of them or one for all.
struct Sequence {
  std::vector<Token> tokens, labels;
  std::vector<Token> source = {};  // of a task with two streams
  bool operator==(const Sequence&) const = default;
};

// Room for the longest example of a task with tokens.
inline Sequence room_of(const Task& task) {
  // Neither a token nor a label: a place that a task forgets to write is seen.
  constexpr Token unwritten = -7;
  const auto room = [&](Index n) { return std::vector<Token>(static_cast<std::size_t>(n), unwritten); };
  const TaskShape shape = task.shape();
  return {room(shape.input.length), room(shape.labels == Labels::per_sequence ? 1 : shape.input.length),
          room(shape.source.length)};
}

inline Example example_in(Sequence& room) {
  return {{.tokens = room.tokens, .length = std::ssize(room.tokens)},
          room.labels,
          {.tokens = room.source, .length = std::ssize(room.source)}};
}

// Returns an example without padding.
inline Sequence draw(const Task& task, Split split, std::uint64_t index) {
  Sequence s = room_of(task);
  Example example = example_in(s);
  task.fill(split, index, example);
  s.tokens.resize(static_cast<std::size_t>(example.input.length));
  s.source.resize(static_cast<std::size_t>(example.source.length));
  if (task.shape().labels == Labels::per_position) s.labels.resize(s.tokens.size());
  return s;
}

inline std::vector<Sequence> draw_all(const Task& task, Split split, std::uint64_t count) {
  std::vector<Sequence> all;
  for (std::uint64_t i = 0; i < count; ++i) all.push_back(draw(task, split, i));
  return all;
}

constexpr Split kSplits[] = {Split::train, Split::validation, Split::test};

// xxHash64 of tokens and labels of the first sequences of every split.
inline std::uint64_t golden_hash(const Task& task, std::uint64_t count = 64) {
  std::vector<Token> all;
  for (Split split : kSplits)
    for (const Sequence& s : draw_all(task, split, count)) {
      all.insert(all.end(), s.tokens.begin(), s.tokens.end());
      all.insert(all.end(), s.labels.begin(), s.labels.end());
      all.insert(all.end(), s.source.begin(), s.source.end());
    }
  return XXH64(all.data(), all.size() * sizeof(Token), 0);
}

}  // namespace heed::test
