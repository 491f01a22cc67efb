#include "results/h5_content.h"

#include <functional>

#include "results/h5_writer.h"
#include "tests/catch.h"

using namespace heed::results;

namespace {

struct Expected {
  std::vector<double> loss = {1, 2, 3, 4, 5, 6};
  std::vector<std::string> variant = {"softmax", "linear"};
  std::string unit = "nat";
  std::string second_dim = "step";
  bool with_group = true;
};

std::string sum_of(const Expected& expected, bool by_rows = false) {
  H5Writer file("a.h5");
  file.dimension("trial", 2);
  file.coordinate("step", std::vector<std::int64_t>{10, 20, 30});
  file.dimension("layer", 3);
  const Dims dims = {"trial", expected.second_dim};
  if (by_rows) {
    file.begin_rows<double>("loss", dims);
    for (const std::size_t row : {1, 0})
      file.row<double>("loss", row, std::span(expected.loss).subspan(3 * row, 3));
  } else {
    file.variable<double>("loss", expected.loss, dims);
  }
  file.attribute("loss", "units", expected.unit);
  file.strings("variant", expected.variant, {"trial"});
  if (expected.with_group) file.group("probes");
  return content_of(H5Reader("a.h5", file.finish())).hex();
}

}  // namespace

TEST_CASE("h5 content: equal contents have one checksum, however they were written") {
  CHECK(sum_of({}) == sum_of({}));
  CHECK(sum_of({}) == sum_of({}, true));
}

TEST_CASE("h5 content: every difference changes the checksum") {
  CHECK(sum_of({.loss = {1, 2, 3, 4, 5, -6}}) != sum_of({}));
  CHECK(sum_of({.loss = {4, 5, 6, 1, 2, 3}}) != sum_of({}));
  CHECK(sum_of({.variant = {"linear", "softmax"}}) != sum_of({}));
  CHECK(sum_of({.unit = "bit"}) != sum_of({}));
  CHECK(sum_of({.second_dim = "layer"}) != sum_of({}));
  CHECK(sum_of({.with_group = false}) != sum_of({}));
}
