#include "tests/golden/check.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include <hdf5.h>
#include <unistd.h>

#include "results/h5.h"
#include "tests/catch.h"
#include "tests/experiments/cli/program.h"
#include "tests/paths.h"
#include "tests/results/temp_folder.h"

using namespace heed;
namespace fs = std::filesystem;
using golden::Verdict;
using results::Handle;

namespace {

const Registry& builtin() {
  static const Registry registry = [] {
    Registry r;
    register_builtin_variants(r);
    return r;
  }();
  return registry;
}

fs::path reference(const std::string& name) {  // "softmax", "plugins/cosine"
  return test::source_dir() / "tests" / "golden" / (name + ".h5");
}

// A copy of a reference file to change; its destructor removes it.
class Copy {
 public:
  explicit Copy(const std::string& name)
      : path_(fs::temp_directory_path() / ("heed_golden_" + std::to_string(getpid()) + ".h5")) {
    fs::copy_file(reference(name), path_, fs::copy_options::overwrite_existing);
    fs::permissions(path_, fs::perms::owner_write, fs::perm_options::add);
    file_ = Handle(H5Fopen(path_.c_str(), H5F_ACC_RDWR, H5P_DEFAULT), H5Fclose);
    REQUIRE(file_.get() >= 0);
  }
  ~Copy() { fs::remove(path_); }

  // One number of a dataset becomes change(number).
  template <class Change>
  void change_number(const std::string& dataset, std::size_t index, Change change) {
    const Handle d(H5Dopen2(file_.get(), dataset.c_str(), H5P_DEFAULT), H5Dclose);
    const Handle space(H5Dget_space(d.get()), H5Sclose);
    std::vector<double> values(static_cast<std::size_t>(H5Sget_simple_extent_npoints(space.get())));
    REQUIRE(H5Dread(d.get(), H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) >= 0);
    values.at(index) = change(values.at(index));
    REQUIRE(H5Dwrite(d.get(), H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) >= 0);
  }

  // A text attribute gets another value.
  void change_text(const std::string& group, const std::string& name, const char* value) {
    REQUIRE(H5Adelete_by_name(file_.get(), group.c_str(), name.c_str(), H5P_DEFAULT) >= 0);
    const Handle type = results::h5_string_type(), space(H5Screate(H5S_SCALAR), H5Sclose);
    const Handle a(H5Acreate_by_name(file_.get(), group.c_str(), name.c_str(), type.get(), space.get(),
                                     H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
                   H5Aclose);
    REQUIRE(H5Awrite(a.get(), type.get(), &value) >= 0);
  }

  void remove(const std::string& object) {
    REQUIRE(H5Ldelete(file_.get(), object.c_str(), H5P_DEFAULT) >= 0);
  }
  void rename(const std::string& from, const std::string& to) {
    REQUIRE(H5Lmove(file_.get(), from.c_str(), file_.get(), to.c_str(), H5P_DEFAULT, H5P_DEFAULT) >= 0);
  }
  void copy(const std::string& from, const std::string& to) {
    REQUIRE(H5Ocopy(file_.get(), from.c_str(), file_.get(), to.c_str(), H5P_DEFAULT, H5P_DEFAULT) >= 0);
  }
  void rename_attribute(const std::string& object, const char* from, const char* to) {
    REQUIRE(H5Arename_by_name(file_.get(), object.c_str(), from, to, H5P_DEFAULT) >= 0);
  }

  // Closes the file; nothing can be changed after it.
  std::string path() {
    REQUIRE(file_.close() >= 0);
    return path_.string();
  }
  golden::FileResult check(const Registry& registry = builtin()) {
    return golden::check_file(path(), registry);
  }

 private:
  fs::path path_;
  Handle file_;
};

const golden::CaseResult& result_of(const golden::FileResult& report, const std::string& name) {
  const auto found = std::ranges::find(report.cases, name, &golden::CaseResult::name);
  REQUIRE(found != report.cases.end());
  INFO(found->message);
  return *found;
}

// The program with a plugin of this build, on one file.
test::Ended check_plugin(const std::string& plugin, const std::string& file) {
  const test::TempFolder folder;
  const std::string path = (test::build_dir() / "plugins" / (plugin + ".so")).string();
  return test::Program(folder.path(), test::build_dir() / "bin" / "golden_check", {"--plugin", path, file})
      .wait();
}

// The case has this verdict, every other one still passes.
void require_only(const golden::FileResult& report, const std::string& name, Verdict verdict,
                  const std::string& message) {
  for (const golden::CaseResult& r : report.cases)
    if (r.name != name) CHECK(r.verdict == Verdict::passed);
  CHECK(result_of(report, name).verdict == verdict);
  CHECK_THAT(result_of(report, name).message, ContainsSubstring(message));
  CHECK(report.passed() == (verdict == Verdict::skipped));
}

}  // namespace

TEST_CASE(
    "golden_check: heed agrees with every reference case, and skips only those of forms that it lacks") {
  const auto lacks = [](const std::string& name) {  // performer_bidir: docs/variants/linear.md
    return name == "performer_bidir";
  };
  for (const fs::directory_entry& file : fs::directory_iterator(test::source_dir() / "tests" / "golden")) {
    if (file.path().extension() != ".h5") continue;
    for (const golden::CaseResult& r : golden::check_file(file.path(), builtin()).cases) {
      INFO(file.path().filename() << ", " << r.name << ": " << r.message);
      CHECK(r.verdict == (lacks(r.name) ? Verdict::skipped : Verdict::passed));
    }
  }
}

TEST_CASE("golden_check: one changed number of a reference file is missed") {
  // An input, a parameter, an intermediate, the output, the upstream gradient, a gradient.
  for (const std::string dataset :
       {"inputs/x", "params/W_v", "outputs/heads_out", "outputs/out", "upstream/out", "grads/W_q", "grads/x"})
    DYNAMIC_SECTION(dataset) {
      Copy copy("softmax");
      copy.change_number("layer_causal/" + dataset, 7, [](double x) { return x + 1e-8; });
      const golden::FileResult report = copy.check();
      CHECK_FALSE(report.passed());
      CHECK(result_of(report, "layer_causal").verdict == Verdict::missed);
      CHECK(result_of(report, "layer_bidir_nobias").verdict == Verdict::passed);
    }
}

TEST_CASE("golden_check: a miss names the tensor, the number and both values") {
  Copy copy("linear");
  copy.change_number("kernel_causal/grads/v", 5, [](double) { return 0.25; });
  require_only(copy.check(), "kernel_causal", Verdict::missed, "grads/v (chunk 1): number 5 is ");
}

TEST_CASE("golden_check: a number that is not finite is missed") {
  const double bad =
      GENERATE(std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity());
  const std::string dataset =
      GENERATE("inputs/q", "outputs/out", "outputs/denominator_without_eps", "grads/k");
  Copy copy("linear");
  copy.change_number("kernel_bidir/" + dataset, 0, [&](double) { return bad; });
  require_only(copy.check(), "kernel_bidir", Verdict::missed, dataset + " of the file holds the number");
}

TEST_CASE("golden_check: minus infinity is allowed only in the lse of a query that sees no key") {
  Copy copy("softmax");
  copy.change_number("kernel_causal/outputs/lse", 3,
                     [](double) { return -std::numeric_limits<double>::infinity(); });
  require_only(copy.check(), "kernel_causal", Verdict::missed, "outputs/lse");
}

TEST_CASE("golden_check: a case that heed does not know fails") {
  SECTION("a variant") {
    Copy copy("softmax");
    copy.change_text("kernel_n1", "variant", "psychic");
    require_only(copy.check(), "kernel_n1", Verdict::unknown, "heed does not know the variant 'psychic'");
  }
  SECTION("an operation") {
    Copy copy("block");
    copy.change_text("silu", "op", "sigh");
    require_only(copy.check(), "silu", Verdict::unknown, "heed does not know the operation 'sigh'");
  }
  SECTION("a pattern") {
    Copy copy("sparse");
    copy.change_text("fixed", "pattern", "plaid");
    require_only(copy.check(), "fixed", Verdict::unknown, "heed does not know the pattern 'plaid'");
  }
}

TEST_CASE("golden_check: a case of a variant that heed does not have yet is skipped by name") {
  for (const golden::CaseResult& r : golden::check_file(reference("linear"), Registry()).cases) {
    CHECK(r.verdict == Verdict::skipped);
    CHECK(r.message == "heed has no variant 'linear' yet");
  }
}

TEST_CASE("golden_check: indices are checked before they are used") {
  Copy copy("block");
  copy.change_number("cross_entropy/const/targets", 0, [](double) { return 1e9; });
  require_only(copy.check(), "cross_entropy", Verdict::missed,
               "'targets' holds 1000000000, which is not in 0 .. 4");
}

TEST_CASE("golden_check --plugin: a plugin agrees with numbers from PyTorch, and one changed number fails") {
  const auto [plugin, name, dataset] =
      GENERATE(table<std::string, std::string, std::string>({{"cosine", "cross", "inputs/q"},
                                                             {"cosine", "causal", "params/scale"},
                                                             {"cosine", "cross", "outputs/out"},
                                                             {"cosine", "bidirectional", "upstream/out"},
                                                             {"cosine", "bidirectional", "grads/scale"},
                                                             {"gated", "kernel", "inputs/gate"},
                                                             {"gated", "kernel", "grads/k"},
                                                             {"gated", "layer", "params/gate.weight"},
                                                             {"gated", "layer", "grads/value.bias"},
                                                             {"relu2", "with_bias", "params/in.weight"},
                                                             {"relu2", "with_bias", "grads/out.bias"},
                                                             {"relu2", "without_bias", "grads/x"}}));
  CAPTURE(plugin, name, dataset);
  const test::Ended passed = check_plugin(plugin, reference("plugins/" + plugin).string());
  CHECK(passed.code == 0);
  CHECK_THAT(passed.out, ContainsSubstring(" passed\n") && !ContainsSubstring("skipped"));
  Copy copy("plugins/" + plugin);
  copy.change_number(name + "/" + dataset, 0, [](double x) { return x + 1e-8; });
  const test::Ended missed = check_plugin(plugin, copy.path());
  CHECK(missed.code == 1);
  CHECK_THAT(missed.out, ContainsSubstring("\n! " + name + " ") && ContainsSubstring(" 1 missed, "));
}

TEST_CASE("golden_check --plugin: what a file leaves out or misspells fails with its name") {
  Copy copy("plugins/cosine");
  std::string message;
  SECTION("a gradient") {
    copy.remove("causal/grads/k");
    message = "'grads/k' is missing";
  }
  SECTION("a parameter") {
    copy.remove("causal/params/scale");
    message = "the parameter 'scale' is missing";
  }
  SECTION("a parameter that the variant does not have") {
    copy.rename("causal/params/scale", "causal/params/gain");
    copy.rename("causal/grads/scale", "causal/grads/gain");
    message = "the parameter 'scale' is missing";
  }
  SECTION("an input") {
    copy.rename("causal/inputs/q", "causal/inputs/query");
    copy.rename("causal/grads/q", "causal/grads/query");
    message = "the input 'q' is missing";
  }
  SECTION("an input too many") {
    copy.copy("causal/inputs/q", "causal/inputs/gate");
    copy.copy("causal/grads/q", "causal/grads/gate");
    message = "'cosine' has no input 'gate'";
  }
  SECTION("an option") {
    copy.rename_attribute("causal", "heads", "scales");
    message = "Did you mean 'scale'?";
  }
  SECTION("the variant") {
    copy.change_text("causal", "variant", "cosinus");
    message = "heed does not know the variant 'cosinus'";
  }
  const test::Ended ended = check_plugin("cosine", copy.path());
  CHECK(ended.code == 1);
  CHECK_THAT(ended.out, ContainsSubstring("\n! causal ") && ContainsSubstring(message));
}

TEST_CASE("golden_check --plugin: what is no plugin is refused") {
  CHECK(check_plugin("missing", reference("plugins/cosine").string()).code == 66);
}

TEST_CASE("golden_check: the program prints a row for each case, and its exit code says what failed") {
  const test::TempFolder folder;
  const auto golden_check = [&](const std::vector<std::string>& words) {
    return test::Program(folder.path(), test::build_dir() / "bin" / "golden_check", words).wait();
  };
  const std::string linear = reference("linear").string();
  const test::Ended passed = golden_check({linear, linear});
  CHECK(passed.code == 0);
  CHECK_THAT(passed.out,
             ContainsSubstring("\n  kernel_causal ") && ContainsSubstring("12 in all: 12 passed\n"));

  Copy copy("linear");
  copy.change_number("kernel_causal/grads/v", 5, [](double x) { return x + 1e-8; });
  const test::Ended missed = golden_check({copy.path()});
  CHECK(missed.code == 1);
  CHECK_THAT(missed.out,
             ContainsSubstring("\n! kernel_causal ") && ContainsSubstring("1 missed, 5 passed\n"));

  CHECK(golden_check({}).code == 2);
  CHECK(golden_check({"--fast", linear}).code == 2);
  test::write_file(folder.path() / "sonnet.h5", "a sonnet");
  CHECK(golden_check({"sonnet.h5"}).code == 65);
  CHECK(golden_check({"missing.h5"}).code == 74);
}
