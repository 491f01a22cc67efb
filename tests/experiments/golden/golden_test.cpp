#include "experiments/golden/golden.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include <hdf5.h>
#include <unistd.h>

#include "results/errors.h"
#include "results/h5.h"
#include "tests/catch.h"
#include "tests/paths.h"

using namespace heed;
namespace fs = std::filesystem;
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

fs::path golden(const std::string& name) { return test::source_dir() / "tests" / "golden" / (name + ".h5"); }

// A copy of a golden file to spoil; gone when the test ends.
class Copy {
 public:
  explicit Copy(const std::string& name)
      : path_(fs::temp_directory_path() / ("heed_golden_" + std::to_string(getpid()) + ".h5")) {
    fs::copy_file(golden(name), path_, fs::copy_options::overwrite_existing);
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

  GoldenReport check(const Registry& registry = builtin()) {
    REQUIRE(file_.close() >= 0);
    return check_golden(path_, registry);
  }

 private:
  fs::path path_;
  Handle file_;
};

const GoldenResult& result_of(const GoldenReport& report, const std::string& name) {
  const auto found = std::ranges::find(report.cases, name, &GoldenResult::name);
  REQUIRE(found != report.cases.end());
  INFO(found->message);
  return *found;
}

// The case has this verdict, every other one still passes.
void require_only(const GoldenReport& report, const std::string& name, GoldenVerdict verdict,
                  const std::string& message) {
  for (const GoldenResult& r : report.cases)
    if (r.name != name) CHECK(r.verdict == GoldenVerdict::passed);
  CHECK(result_of(report, name).verdict == verdict);
  CHECK_THAT(result_of(report, name).message, ContainsSubstring(message));
  CHECK(report.passed() == (verdict == GoldenVerdict::skipped));
}

}  // namespace

TEST_CASE("heed agrees with every golden case") {
  for (const char* name :
       {"softmax", "linear", "sparse", "differential", "pattention", "block", "position"}) {
    const GoldenReport report = check_golden(golden(name), builtin());
    CHECK(report.passed());
    for (const GoldenResult& r : report.cases) DYNAMIC_SECTION(name << ": " << r.name) {
        INFO(r.message);
        CHECK(r.verdict == (r.name == "permuted_order" ? GoldenVerdict::skipped : GoldenVerdict::passed));
      }
  }
}

TEST_CASE("one changed number of a golden file is missed") {
  // An input, a parameter, an intermediate, the output, the upstream gradient, a gradient.
  for (const std::string dataset :
       {"inputs/x", "params/W_v", "outputs/heads_out", "outputs/out", "upstream/out", "grads/W_q", "grads/x"})
    DYNAMIC_SECTION(dataset) {
      Copy copy("softmax");
      copy.change_number("layer_causal/" + dataset, 7, [](double x) { return x + 1e-8; });
      const GoldenReport report = copy.check();
      CHECK_FALSE(report.passed());
      CHECK(result_of(report, "layer_causal").verdict == GoldenVerdict::missed);
      CHECK(result_of(report, "layer_bidir_nobias").verdict == GoldenVerdict::passed);
    }
}

TEST_CASE("a miss names the tensor, the number and both values") {
  Copy copy("linear");
  copy.change_number("kernel_causal/grads/v", 5, [](double) { return 0.25; });
  require_only(copy.check(), "kernel_causal", GoldenVerdict::missed, "grads/v (chunk 1): number 5 is ");
}

TEST_CASE("a number of a golden file that is not finite is missed") {
  const double bad =
      GENERATE(std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity());
  const std::string dataset =
      GENERATE("inputs/q", "outputs/out", "outputs/denominator_without_eps", "grads/k");
  Copy copy("linear");
  copy.change_number("kernel_bidir/" + dataset, 0, [&](double) { return bad; });
  require_only(copy.check(), "kernel_bidir", GoldenVerdict::missed,
               dataset + " of the file holds the number");
}

TEST_CASE("minus infinity is a number where a query sees nothing, and nowhere else") {
  Copy copy("softmax");
  copy.change_number("kernel_causal/outputs/lse", 3,
                     [](double) { return -std::numeric_limits<double>::infinity(); });
  require_only(copy.check(), "kernel_causal", GoldenVerdict::missed, "outputs/lse");
}

TEST_CASE("a case that heed does not know fails") {
  SECTION("a variant") {
    Copy copy("softmax");
    copy.change_text("kernel_n1", "variant", "psychic");
    require_only(copy.check(), "kernel_n1", GoldenVerdict::unknown,
                 "heed does not know the variant 'psychic'");
  }
  SECTION("an operation") {
    Copy copy("block");
    copy.change_text("silu", "op", "sigh");
    require_only(copy.check(), "silu", GoldenVerdict::unknown, "heed does not know the operation 'sigh'");
  }
  SECTION("a pattern") {
    Copy copy("sparse");
    copy.change_text("fixed", "pattern", "plaid");
    require_only(copy.check(), "fixed", GoldenVerdict::unknown, "heed does not know the pattern 'plaid'");
  }
}

TEST_CASE("a case of a variant that heed does not have yet is skipped by name") {
  Copy copy("softmax");
  copy.change_text("kernel_n1", "variant", "fast_weights");
  require_only(copy.check(), "kernel_n1", GoldenVerdict::skipped, "heed has no variant 'fast_weights' yet");

  for (const GoldenResult& r : check_golden(golden("linear"), Registry()).cases) {
    CHECK(r.verdict == GoldenVerdict::skipped);
    CHECK(r.message == "heed has no variant 'linear' yet");
  }
}

TEST_CASE("indices of a golden file are looked at before they are used") {
  Copy copy("block");
  copy.change_number("cross_entropy/const/targets", 0, [](double) { return 1e9; });
  require_only(copy.check(), "cross_entropy", GoldenVerdict::missed,
               "'targets' holds 1000000000, which is not in 0 .. 4");
}

TEST_CASE("what is no golden file is refused") {
  const fs::path path = fs::temp_directory_path() / ("heed_not_golden_" + std::to_string(getpid()) + ".h5");
  std::ofstream(path) << "a sonnet";
  CHECK_THROWS_AS(check_golden(path, builtin()), results::DamagedFile);
  fs::remove(path);
  CHECK_THROWS_AS(check_golden(path, builtin()), results::IoError);
}
