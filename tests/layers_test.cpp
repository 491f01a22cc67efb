// Checks the layers of the architecture (docs/architecture.md): which folder may include headers of which
// other folder, and which libraries. Reads the files as text, so it finds includes that compile as well.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "tests/catch.h"
#include "tests/paths.h"

namespace {

using Names = std::vector<std::string>;

// Prefixes: a folder of ours ends in '/', a library's name is how its include lines begin.
const Names kOurs = {"core/", "variants/", "results/", "experiments/", "tests/"};
const Names kLibraries = {"Eigen/",
                          "Random123/",
                          "boost/math/",
                          "boost/program_options",
                          "boost/random/",
                          "catch2/",
                          "fmt/",
                          "hdf5",
                          "H5",
                          "mpi.h",
                          "muParser",
                          "nlohmann/",
                          "omp.h",
                          "png.h",
                          "yaml-cpp/",
                          "sentencepiece_",
                          "xxhash.h",
                          "zip.h",
                          "zlib.h"};

struct Layer {
  std::string prefix;  // the layer's files; the longest matching prefix decides
  Names may;           // the folders and libraries that it may include, besides its own folder
};

// Below experiments/ a layer uses only layers that are above it in this table.
const std::vector<Layer> kLayers = {
    {"core/", {"Eigen/", "Random123/", "boost/random/", "fmt/", "omp.h", "xxhash.h"}},
    {"variants/", {"core/", "variants/parts/", "Eigen/", "fmt/", "muParser"}},
    {"results/", {"boost/math/", "fmt/", "hdf5", "H5", "xxhash.h"}},
    {"experiments/system/", {"core/abbreviate.h", "core/error.h", "results/", "fmt/"}},
    {"experiments/ranks/", {"core/", "experiments/system/", "fmt/"}},
    {"experiments/ranks/mpi_module.", {"core/", "experiments/ranks/", "fmt/", "mpi.h"}},
    {"experiments/directions/", {"core/", "boost/math/", "fmt/"}},
    {"experiments/trial/",
     {"core/", "results/atomic_file.h", "results/record.h", "results/utf8.h", "fmt/", "xxhash.h",
      "yaml-cpp/"}},
    {"experiments/tasks/", {"core/", "fmt/", "xxhash.h"}},
    {"experiments/tasks/export.", {"core/", "experiments/tasks/", "results/", "fmt/"}},
    {"experiments/tasks/hdf5_arrays.", {"core/", "experiments/tasks/", "results/", "fmt/"}},
    {"experiments/tasks/subwords.", {"core/", "experiments/tasks/", "fmt/", "sentencepiece_", "xxhash.h"}},
    {"experiments/tasks/idx.", {"core/", "fmt/", "zlib.h"}},
    {"experiments/tasks/npz.", {"core/", "experiments/tasks/", "fmt/", "zip.h"}},
    {"experiments/sweep/", {"core/", "results/atomic_file.h", "experiments/trial/", "fmt/"}},
    {"experiments/sweep/halton.", {"core/", "experiments/sweep/", "boost/math/"}},
    {"experiments/warnings/", {"core/", "experiments/sweep/", "experiments/trial/", "fmt/", "xxhash.h"}},
    {"experiments/train/",
     {"core/", "results/", "experiments/directions/", "experiments/system/", "experiments/trial/", "fmt/",
      "xxhash.h"}},
    {"experiments/budget/",
     {"core/", "results/", "experiments/sweep/", "experiments/system/", "experiments/train/",
      "experiments/trial/", "fmt/", "xxhash.h"}},
    {"experiments/run/",
     {"core/", "results/", "experiments/ranks/", "experiments/sweep/", "experiments/system/",
      "experiments/train/", "experiments/trial/", "fmt/", "xxhash.h"}},
    {"experiments/report/compare/", {"core/", "results/", "experiments/trial/", "fmt/"}},
    {"experiments/report/", {"core/", "results/", "experiments/system/", "experiments/trial/", "fmt/"}},
    {"experiments/bench/",
     {"core/", "results/statistics.h", "experiments/system/", "experiments/train/", "experiments/trial/",
      "fmt/"}},
    {"experiments/cli/",
     {"core/", "variants/", "results/", "experiments/", "boost/program_options", "fmt/", "nlohmann/",
      "yaml-cpp/"}},
    {"experiments/cli/png.", {"core/", "fmt/", "png.h"}},
    {"tests/",
     {"core/", "variants/", "results/", "experiments/", "Eigen/", "Random123/", "boost/math/",
      "boost/program_options", "boost/random/", "fmt/", "hdf5", "H5", "nlohmann/", "omp.h", "png.h",
      "yaml-cpp/", "xxhash.h", "zlib.h"}},
    {"tests/catch.h", {"catch2/"}},
    {"tests/experiments/cli/count_trainings.", {"sentencepiece_"}},
};

bool starts_with_any(std::string_view text, const Names& prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(), [&](const auto& p) { return text.starts_with(p); });
}

const Layer& layer_of(std::string_view path) {
  const Layer* found = nullptr;
  for (const Layer& layer : kLayers) {
    const bool longer = !found || layer.prefix.size() > found->prefix.size();
    if (path.starts_with(layer.prefix) && longer) found = &layer;
  }
  REQUIRE(found);
  return *found;
}

// The header named by an include line, with its opening quote or bracket; empty for every other line.
std::string_view included(std::string_view line) {
  const auto skip_blanks = [&] { line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size())); };
  skip_blanks();
  if (!line.starts_with('#')) return {};
  line.remove_prefix(1);
  skip_blanks();
  if (!line.starts_with("include")) return {};
  const auto open = line.find_first_of("\"<");
  if (open == std::string_view::npos) return {};
  return line.substr(open, line.find_first_of("\">", open + 1) - open);
}

// What is wrong with the include lines of one file, as sentences; `path` counts from the top of the
// repository.
Names breaches(const std::string& path, const std::string& text) {
  const Layer& layer = layer_of(path);
  Names found;
  std::istringstream lines(text);
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    const std::string_view quoted = included(line);
    if (quoted.empty()) continue;
    const std::string header(quoted.substr(1));
    const auto complain = [&](const std::string& what) {
      found.push_back(path + ":" + std::to_string(number) + ": " + what);
    };
    const bool ours = starts_with_any(header, kOurs);
    // A header beside the only file that uses it belongs to that file: variants/x.cpp may include
    // variants/x.h.
    const bool beside =
        std::filesystem::path(header).replace_extension() == std::filesystem::path(path).replace_extension();
    // Variants do not know each other; every other layer knows itself.
    const bool own = beside || (layer.prefix != "variants/" && header.starts_with(layer.prefix));
    if (ours != (quoted[0] == '"')) {
      complain("'" + header + "': quotes and a path from the repository's top are for our headers only.");
    } else if ((ours || starts_with_any(header, kLibraries)) && !own && !starts_with_any(header, layer.may)) {
      complain("'" + layer.prefix + "' may not include '" + header + "'.");
    } else if (!ours && header.find('/') != std::string::npos && !header.starts_with("sys/") &&
               !starts_with_any(header, kLibraries)) {
      complain("'" + header +
               "' is of a library that no layer knows; add it to this test and say who may use it.");
    }
  }
  return found;
}

std::string read(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Every file below these folders for which `wanted` holds, as paths from the repository's top.
template <class Wanted>
Names files_below(const Names& folders, Wanted wanted) {
  const auto top = heed::test::source_dir();
  Names found;
  for (const auto& folder : folders) {
    if (!std::filesystem::exists(top / folder)) continue;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(top / folder)) {
      const std::string path = std::filesystem::relative(entry.path(), top).generic_string();
      if (entry.is_regular_file() && wanted(entry.path())) found.push_back(path);
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

bool is_source(const std::filesystem::path& file) {
  return file.extension() == ".h" || file.extension() == ".cpp";
}

// Compiler flags that break NaN tests and reproducibility. Spelt in two halves: this file is not a breach.
bool asks_for_fast_math(const std::string& text) {
  return text.find(std::string("-ffast") + "-math") != std::string::npos ||
         text.find(std::string("-O") + "fast") != std::string::npos;
}

// A product by Eigen itself, as those who avoid its copies write it.
bool multiplies_by_eigen(const std::string& text) {
  return text.find(".noalias() ") != std::string::npos || text.find(".lazyProduct(") != std::string::npos;
}

}  // namespace

TEST_CASE("layers: no folder includes headers of a layer that it must not know") {
  const Names files = files_below(kOurs, is_source);
  REQUIRE(files.size() > 10);
  for (const auto& path : files) {
    for (const auto& breach : breaches(path, read(heed::test::source_dir() / path))) FAIL_CHECK(breach);
  }
}

TEST_CASE("layers: a folder below experiments/ uses only folders that are above it in the table") {
  Names above;
  for (const Layer& layer : kLayers) {
    for (const auto& may : layer.may)
      if (layer.prefix.starts_with("experiments/") && layer.prefix != "experiments/cli/" &&
          may.starts_with("experiments/")) {
        INFO(layer.prefix << " may use " << may);
        CHECK(std::find(above.begin(), above.end(), may) != above.end());
      }
    above.push_back(layer.prefix);
  }
}

TEST_CASE("layers: every folder of experiments/ is in the table") {
  const Names files = files_below({"experiments/"}, is_source);
  for (const auto& path : files) CHECK(layer_of(path).prefix.size() > std::string("experiments/").size());
}

// Headers for what makes a result depend on more than the file: clocks, processes, threads.
const Names kImpure = {"chrono",     "ctime",      "thread",   "fstream",
                       "sys/wait.h", "sys/time.h", "signal.h", "csignal"};

TEST_CASE("layers: reading a sweep starts no process, reads no clock and writes nothing") {
  for (const auto& path : files_below({"experiments/sweep", "experiments/trial"}, is_source)) {
    const std::string text = read(heed::test::source_dir() / path);
    INFO(path);
    for (const auto& header : kImpure) CHECK(text.find("#include <" + header + ">") == std::string::npos);
    CHECK(text.find("write_file") == std::string::npos);
  }
}

TEST_CASE("layers: the scan finds breaches made for it") {
  const auto count = [](const char* path, const char* text) { return breaches(path, text).size(); };
  SECTION("a layer that must not be known") {
    CHECK(breaches("core/a.h", "#pragma once\n#include \"results/h5.h\"\n") ==
          Names{"core/a.h:2: 'core/' may not include 'results/h5.h'."});
    CHECK(count("results/a.cpp", "#include \"core/error.h\"\n") == 1);
    CHECK(count("variants/a.cpp", "#include \"experiments/train/trial.h\"\n") == 1);
    CHECK(count("experiments/run/a.cpp", "#include \"variants/parts/softmax.h\"\n") == 1);
    CHECK(count("experiments/run/a.cpp", "  #  include \"tests/paths.h\"\n") == 1);
  }
  SECTION("an arrow against the layers below experiments/") {
    CHECK(count("experiments/sweep/a.h", "#include \"experiments/budget/matcher.h\"\n") == 1);
    CHECK(count("experiments/sweep/a.h", "#include \"experiments/train/train.h\"\n") == 1);
    CHECK(count("experiments/train/a.h", "#include \"experiments/sweep/sweep.h\"\n") == 1);
    CHECK(count("experiments/report/a.h", "#include \"experiments/run/worker.h\"\n") == 1);
    CHECK(count("experiments/report/compare/a.h", "#include \"experiments/report/page.h\"\n") == 1);
    CHECK(count("experiments/tasks/text.cpp", "#include \"results/h5_writer.h\"\n") == 1);
    CHECK(count("experiments/budget/a.h", "#include \"experiments/sweep/sweep.h\"\n") == 0);
  }
  SECTION("variants do not know each other") {
    CHECK(count("variants/a.cpp", "#include \"variants/b.h\"\n") == 1);
    CHECK(count("variants/a.cpp", "#include \"variants/a.h\"\n#include \"variants/parts/b.h\"\n") == 0);
  }
  SECTION("a library that must not be known") {
    CHECK(count("core/a.cpp", "#include <yaml-cpp/yaml.h>\n#include <hdf5.h>\n") == 2);
    CHECK(count("variants/a.cpp", "#include <H5public.h>\n") == 1);
    CHECK(count("tests/core/a_test.cpp", "#include <catch2/catch.hpp>\n") == 1);
    CHECK(count("tests/catch.h", "#include <catch2/catch.hpp>\n") == 0);
    CHECK(count("core/a.cpp", "#include <unheard/of.h>\n") == 1);
  }
  SECTION("our headers in brackets, or without their folder") {
    CHECK(count("core/a.cpp", "#include <core/views.h>\n") == 1);
    CHECK(count("core/a.cpp", "#include \"views.h\"\n") == 1);
  }
  SECTION("what is allowed stays silent") {
    CHECK(count("core/a.cpp", "#include <vector>\n#include <sys/mman.h>\n#include <Eigen/Core>\n") == 0);
    CHECK(count("experiments/cli/a.cpp", "#include \"variants/builtin.h\"\n") == 0);
    CHECK(count("core/a.cpp", "// #include \"results/h5.h\"\n") == 0);
  }
}

TEST_CASE("layers: no build file asks for fast math") {
  Names files =
      files_below({"cmake", "core", "variants", "results", "experiments", "tests", "scripts", "examples"},
                  [](const auto& file) { return !is_source(file); });
  files.insert(files.end(), {"CMakeLists.txt", "CMakePresets.json"});
  for (const auto& path : files) {
    INFO(path);
    CHECK_FALSE(asks_for_fast_math(read(heed::test::source_dir() / path)));
  }
  CHECK(asks_for_fast_math(std::string("target_compile_options(heed PRIVATE -ffast") + "-math)"));
}

TEST_CASE("layers: matrix products go through core/ops/product.h, where multiply-adds are counted") {
  for (const auto& path : files_below({"core/", "variants/"}, is_source)) {
    INFO(path);
    CHECK(multiplies_by_eigen(read(heed::test::source_dir() / path)) == (path == "core/ops/plain_product.h"));
  }
}

TEST_CASE("layers: configs contains only data") {
  const auto is_code = [](const auto& file) {
    return file.extension() != ".yaml" && file.extension() != ".md";
  };
  CHECK(files_below({"configs"}, is_code) == Names{});
}
