#include <array>
#include <cstdlib>
#include <filesystem>
#include <span>
#include <sstream>
#include <string>

#include <fmt/format.h>

#include "experiments/cli/command.h"
#include "experiments/cli/new_files.h"
#include "experiments/cli/new_name.h"
#include "experiments/system/this_program.h"
#include "results/atomic_file.h"

namespace heed::cli {
namespace {

using Path = std::filesystem::path;

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size())
    text.replace(at, what.size(), by);
  return text;
}

std::string filled_in(const char* text, const std::string& name) {
  return replaced(replaced(text, "my_variant", name), "MyVariant", type_name(name));
}

bool in_path(const Path& folder) {
  const char* path = std::getenv("PATH");
  std::istringstream in(path ? path : "");
  for (std::string part; std::getline(in, part, ':');) {
    std::error_code not_there;
    if (!part.empty() && std::filesystem::equivalent(part, folder, not_there)) return true;
  }
  return false;
}

// Returns the option with which CMake finds this heed; empty if its program is in PATH, where CMake looks.
std::string hint_for_cmake(const Path& program) {
  const Path prefix = program.parent_path().parent_path();
  const bool of_a_build = std::filesystem::exists(prefix / "heedConfig.cmake");
  if (!of_a_build && in_path(program.parent_path())) return "";
  for (const Path& folder : {prefix, prefix / "lib/cmake/heed", prefix / "lib64/cmake/heed"})
    if (std::filesystem::exists(folder / "heedConfig.cmake")) return " -Dheed_DIR=" + folder.string();
  return "";
}

int run(const Input& input, Registry& registry) {
  const std::string what = input.get<std::string>("what"), name = input.get<std::string>("name"),
                    kind = input.get<std::string>("kind");
  if (what != "variant")
    throw UsageError(fmt::format("'{}' cannot be made.{}", what, suggestion(what, {"variant"})));
  if (kind != "mixer" && kind != "layer")
    throw UsageError(fmt::format("unknown kind '{}'.{}", kind, suggestion(kind, {"mixer", "layer"})));
  const char* const source = kind == "mixer" ? new_files::kMixer : new_files::kLayer;
  if (const std::string why = refuse_variant_name(name, source, registry); !why.empty())
    throw UsageError(why);
  const Path folder = name;
  if (std::filesystem::exists(folder))
    throw UsageError(fmt::format("'{}' already exists; nothing was written.", name));

  std::filesystem::create_directory(folder);
  const std::array<std::pair<std::string, const char*>, 4> files = {
      {{name + ".cpp", source},
       {"CMakeLists.txt", new_files::kCMakeLists},
       {"sweep.yaml", new_files::kSweep},
       {"README.md", new_files::kReadme}}};
  for (const auto& [file, text] : files) results::write_text(folder / file, filled_in(text, name));
  const Path program = this_program();
  const std::string heed = in_path(program.parent_path()) ? "heed" : program.string();
  fmt::print("{}/: {}.cpp (a working {}), CMakeLists.txt, sweep.yaml, README.md. Next:\n\n", name, name,
             kind);
  fmt::print("    cd {} && cmake -B build{} && cmake --build build\n", name, hint_for_cmake(program));
  fmt::print("    {} check {} --plugin build/{}.so\n", heed, name, name);
  fmt::print("    {} run sweep.yaml\n", heed);
  return kDone;
}

}  // namespace

Command new_command() {
  Command c;
  c.name = "new";
  c.synopsis = "variant NAME [--kind mixer|layer]";
  c.summary = "write a plugin project with a working variant, to put your equation in";
  c.details =
      "Makes a folder NAME with one .cpp, a CMakeLists.txt, a sweep that compares the variant with softmax "
      "and a README,\n"
      "and prints the next three commands. A mixer computes the output of one head from its queries, keys "
      "and values. A\n"
      "layer computes everything between two residual additions.\n"
      "\n"
      "    heed new variant distance";
  c.options.add_options()("kind", po::value<std::string>()->default_value("mixer")->value_name("KIND"),
                          "mixer or layer");
  c.arguments = {"what", "name"};
  c.required = 2;
  c.run = run;
  return c;
}

}  // namespace heed::cli
