#include "results/record.h"

#include <stdexcept>

#include "tests/catch.h"
#include "tests/results/sample.h"

using namespace heed::results;

namespace {

// The message with which check() refuses a changed sample; empty if it does not.
template <class Change>
std::string refusal(const Change& change) {
  Record record = heed::test::sample_records()[0];
  change(record);
  try {
    check(record);
    return "";
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
}

}  // namespace

TEST_CASE("record: the sample records can be stored") {
  for (const Record& record : heed::test::sample_records()) CHECK_NOTHROW(check(record));
}

TEST_CASE("record: a status survives being written as text") {
  for (const Status status : {Status::done, Status::diverged, Status::failed, Status::killed})
    CHECK(status_from(to_string(status)) == status);
  CHECK_THROWS_AS(status_from("pending"), std::invalid_argument);
}

TEST_CASE("Record: names what cannot be stored") {
  CHECK_THAT(refusal([](Record& r) { r.id = "0123456789ABCDEF"; }), ContainsSubstring("0123456789ABCDEF"));
  CHECK_THAT(refusal([](Record& r) { r.metrics[0].name = "status"; }), ContainsSubstring("'status'"));
  CHECK_THAT(refusal([](Record& r) { r.metrics[0].name = "test accuracy"; }), ContainsSubstring("Python"));
  CHECK_THAT(refusal([](Record& r) { r.metrics[0].name = "train_loss"; }), ContainsSubstring("taken"));
  CHECK_THAT(refusal([](Record& r) { r.metrics[0].unit = "seconds"; }), ContainsSubstring("time spans"));
  CHECK_THAT(refusal([](Record& r) { r.parameters[1].name = "train.lr"; }),
             ContainsSubstring("two parameters"));
  CHECK_THAT(refusal([](Record& r) { r.curves[0].values.push_back(1); }), ContainsSubstring("fit its axis"));
  CHECK_THAT(refusal([](Record& r) { r.axes[0].at = {20, 10}; }), ContainsSubstring("ascend"));
  CHECK_THAT(refusal([](Record& r) { r.axes[0].at = {10, 10}; }), ContainsSubstring("ascend"));
}

TEST_CASE("record: an array that xarray could not open is refused by name") {
  CHECK_THAT(refusal([](Record& r) { r.arrays[0].shape[0] = 3; }), ContainsSubstring("attention/weights"));
  CHECK_THAT(refusal([](Record& r) { r.arrays[0].dims[3] = "query"; }), ContainsSubstring("twice"));
  CHECK_THAT(refusal([](Record& r) { r.arrays[0].name = "a/b"; }), ContainsSubstring("a/b"));
  CHECK_THAT(refusal([](Record& r) { r.arrays[1].name = "weights"; }), ContainsSubstring("two of it"));
  CHECK_THAT(refusal([](Record& r) { r.arrays[1].name = "layer"; }),
             ContainsSubstring("named as a dimension"));
  CHECK_THAT(refusal([](Record& r) { r.arrays[1].dims = {"layer"}; }), ContainsSubstring("two lengths"));
  CHECK_THAT(refusal([](Record& r) { r.arrays[1].dims = {"trial"}; }), ContainsSubstring("merged file"));
}
