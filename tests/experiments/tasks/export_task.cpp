// export_task TASK [key=value ...] -n N -o FILE.h5 [--split SPLIT] [--seed SEED]: the library behind `heed
// data`, for tests/python/tasks_test.py. A value may be a list of numbers, [a,b,c].
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include "experiments/tasks/export.h"
#include "tests/experiments/tasks/task_data.h"

namespace {

heed::Config value_of(const std::string& text) {
  if (!text.starts_with('[')) return heed::Config::scalar(text);
  std::vector<heed::Config> items;
  for (std::size_t at = 1; at < text.size();) {
    const std::size_t end = text.find_first_of(",]", at);
    items.push_back(heed::Config::scalar(text.substr(at, end - at)));
    at = end + 1;
  }
  return heed::Config::sequence(std::move(items));
}

void run(const std::vector<std::string>& words) {
  heed::Config options = heed::Config::map();
  std::string path, split = "train";
  heed::Index count = 0;
  std::uint64_t seed = 0;
  for (std::size_t i = 1; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word == "-n")
      count = std::stol(words.at(++i));
    else if (word == "-o")
      path = words.at(++i);
    else if (word == "--split")
      split = words.at(++i);
    else if (word == "--seed")
      seed = std::stoull(words.at(++i));
    else
      options.set(word.substr(0, word.find('=')), value_of(word.substr(word.find('=') + 1)));
  }
  const auto task = heed::test::make_task(words.at(0), options, seed);
  for (heed::Split s : heed::test::kSplits)
    if (split == heed::split_name(s)) heed::export_task(*task, s, count, path, {{"task", words.at(0)}});
}

}  // namespace

int main(int argc, char** argv) try {
  run({argv + 1, argv + argc});
  return 0;
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 64;
}
