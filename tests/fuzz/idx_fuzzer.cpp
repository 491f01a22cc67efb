// Any bytes as one of the four files of the task `images`, as they are and compressed: a task, or an error of
// the user's. The first byte chooses the file; the others are good.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/registry.h"
#include "experiments/tasks/builtin.h"
#include "tests/experiments/tasks/idx_data.h"
#include "tests/results/temp_folder.h"

namespace {

using namespace heed;

const std::vector<std::string> kNames = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte",
                                         "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"};

// Reads the first test image. What is read must fit the shape.
void read_first(const Task& task) {
  const TaskShape shape = task.shape();
  const Stream& stream = shape.input;
  std::vector<Token> tokens(static_cast<std::size_t>(stream.length));
  Token label = kUnscored;
  Example example{{.tokens = tokens, .length = stream.length}, {&label, 1}};
  task.fill(Split::test, 0, example);
  bool fits = label >= 0 && label < shape.classes;
  for (const Token token : tokens) fits &= token >= 0 && token < stream.width;
  if (!fits) std::abort();
}

void make_or_refuse(const Registry& registry, const std::filesystem::path& folder) {
  Config given = Config::map();
  for (const auto& [key, value] : {std::pair{"path", folder.string()},
                                   {"validation", "4"},
                                   {"pool", "2"},
                                   {"form", "tokens"},
                                   {"levels", "16"}})
    given.set(key, Config::scalar(value));
  Problems problems;
  const TaskInfo& images = registry.task("images");
  images.resolve(given, "task", problems);
  try {
    read_first(*images.make(given, 1));
  } catch (const Error&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const heed::test::TempFolder folder;
  static const Registry registry = [] {
    Registry all;
    register_builtin_tasks(all);
    return all;
  }();
  if (size == 0) return 0;
  test::SmallImages().write(folder.path());
  const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  for (const std::string& written : {bytes, test::gzipped(bytes)}) {
    test::write_bytes(folder / kNames[data[0] % kNames.size()], written);
    make_or_refuse(registry, folder.path());
  }
  return 0;
}
