#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "tests/experiments/tasks/idx_data.h"
#include "tests/experiments/tasks/task_data.h"
#include "tests/results/temp_folder.h"

namespace heed::test {

// Small images in a folder of their own, and the task `images` that reads them.
class ImageFolder {
 public:
  static constexpr std::size_t kValidation = 4;  // of the training file's images

  explicit ImageFolder(const SmallImages& images = {}, bool packed = false) {
    images.write(folder_.path(), packed);
  }

  const std::filesystem::path& path() const { return folder_.path(); }

  // The options that name the folder, and more.
  Given given(const Given& more) const {
    Given out = {{"path", path().string()}, {"validation", std::to_string(kValidation)}};
    out.insert(out.end(), more.begin(), more.end());
    return out;
  }
  // With the defaults that depend on the form.
  std::unique_ptr<Task> task(const Given& more, std::uint64_t seed = 1) const {
    Registry registry;
    register_builtin_tasks(registry);
    Problems problems;
    const Config options = registry.task("images").resolve(task_config(given(more)), "task", problems);
    problems.throw_if_any();
    return registry.task("images").make(options, seed);
  }
  Lines refused(const Given& more) const { return refusals("images", given(more)); }

 private:
  TempFolder folder_;
};

}  // namespace heed::test
