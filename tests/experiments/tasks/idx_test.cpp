// Files in IDX format: damaged, cut, swapped or missing ones are errors that say what is wrong and where.
#include <filesystem>
#include <string>

#include "core/error.h"
#include "experiments/tasks/idx.h"
#include "tests/catch.h"
#include "tests/experiments/tasks/idx_data.h"
#include "tests/experiments/tasks/task_data.h"
#include "tests/results/temp_folder.h"

using namespace heed;
using namespace heed::test;

namespace {

const std::string kImages = "train-images-idx3-ubyte", kLabels = "train-labels-idx1-ubyte";

// Returns the message about a file with these bytes, without its path.
std::string reading(const std::string& bytes, std::size_t dimensions = 3) {
  const TempFolder folder;
  const std::filesystem::path path = folder / "file";
  write_bytes(path, bytes);
  const std::string begin = '\'' + path.string() + "' ";
  try {
    (void)read_idx(path, dimensions);
    return "";
  } catch (const Error& error) {
    const std::string what = error.what();
    REQUIRE(what.starts_with(begin));
    return what.substr(begin.size());
  }
}

std::string without_end(const std::string& bytes, std::size_t n) { return bytes.substr(0, bytes.size() - n); }

// Returns the problems of a folder of small images in which one file has other bytes; all if `name` is empty.
std::string refusal(const std::string& name, const std::string& bytes, const char* validation = "4") {
  const TempFolder folder;
  SmallImages().write(folder.path());
  if (!name.empty()) write_bytes(folder / name, bytes);
  const Given given = {{"path", folder.path().string()}, {"patch", "2"}, {"validation", validation}};
  std::string all;
  for (const std::string& line : refusals("images", given)) all += line + '\n';
  if (!all.empty()) return all;
  try {
    (void)make_task("images", given);
  } catch (const Error& error) {
    all += error.what();
  }
  return all;
}

}  // namespace

TEST_CASE("idx: shape and numbers are those of the file, plain or compressed") {
  const std::string bytes = idx_bytes({2, 1, 3}, "abcdef");
  for (const std::string& written : {bytes, gzipped(bytes)}) {
    const TempFolder folder;
    write_bytes(folder / "file", written);
    const IdxArray found = read_idx(folder / "file", 3);
    CHECK(found.shape == std::vector<std::size_t>{2, 1, 3});
    CHECK(std::string(found.values.begin(), found.values.end()) == "abcdef");
    CHECK(read_idx_shape(folder / "file", 3) == found.shape);
  }
}

TEST_CASE("idx: a file that is not IDX, or not of the right kind, is refused with what it is") {
  CHECK(reading("") == "is empty.");
  CHECK(reading("abcdefgh") == "is not in IDX format: it begins with 61 62 63 64, not with 00 00 08 03.");
  CHECK(reading(idx_bytes({4}, "abcd")) ==
        "is a file of labels (dimensions: 1), not of images (dimensions: 3).");
  CHECK_THAT(reading(idx_bytes({1, 1, 1}, "a"), 1),
             ContainsSubstring("is a file of images (dimensions: 3), not of labels"));
  std::string floats = idx_bytes({1, 1, 1}, "abcd");
  floats[2] = '\x0d';
  CHECK(reading(floats) == "has numbers of the type 0x0d, not unsigned bytes (0x08).");
  const TempFolder folder;
  CHECK_THROWS_WITH(read_idx(folder.path(), 3), ContainsSubstring("is a folder"));
  CHECK_THROWS_WITH(read_idx(folder / "none", 3), ContainsSubstring("cannot be opened (No such file"));
}

TEST_CASE("idx: a header that the numbers do not fit is refused") {
  const std::string good = idx_bytes({2, 1, 3}, "abcdef");
  for (std::size_t left = 1; left < 16; ++left)
    CHECK(reading(good.substr(0, left)) == "is cut off: it ends within its header.");
  for (std::size_t left = 16; left < good.size(); ++left)
    CHECK_THAT(reading(good.substr(0, left)),
               ContainsSubstring("is cut off: its header states 6 numbers, and it has " +
                                 std::to_string(left - 16)));
  CHECK(reading(good + 'g') == "has more numbers than the 6 that its header states.");
  CHECK(reading(idx_bytes({0, 1, 3}, "")) == "has no numbers: a size in its header is 0.");
  CHECK(reading(idx_bytes({0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF}, "a")) ==
        "has a damaged header: its sizes are too large.");
  // Takes no memory for what is only stated.
  CHECK_THAT(reading(idx_bytes({1 << 20, 64, 64}, "a")), ContainsSubstring("it has 1."));
}

TEST_CASE("idx: broken gzip data are refused") {
  const std::string numbers(5000, 'x'), good = gzipped(idx_bytes({50, 10, 10}, numbers));
  CHECK(reading(good).empty());
  for (const std::size_t cut : {std::size_t{1}, std::size_t{8}, good.size() / 2, good.size() - 12})
    CHECK_THAT(reading(without_end(good, cut)), ContainsSubstring("is cut off: "));
  std::string wrong = good;
  wrong[wrong.size() - 6] ^= 1;  // of the checksum
  CHECK_THAT(reading(wrong), ContainsSubstring("is damaged: its gzip data cannot be unpacked (incorrect") &&
                                 ContainsSubstring("Get the file again"));
  wrong = good;
  wrong[12] = '\xff';
  CHECK_THAT(reading(wrong), ContainsSubstring("is damaged: ") || ContainsSubstring("is cut off: "));
  CHECK_THAT(reading("\x1f\x8b garbage"), ContainsSubstring("is damaged: "));
  // A second good layer, or a cut array in good gzip data.
  CHECK_THAT(reading(gzipped(good)), ContainsSubstring("is not in IDX format: it begins with 1f 8b"));
  CHECK_THAT(reading(gzipped(without_end(idx_bytes({50, 10, 10}, numbers), 1))),
             ContainsSubstring("states 5000 numbers, and it has 4999"));
}

TEST_CASE("images: files that do not fit together are refused with their paths") {
  CHECK(refusal("", "").empty());
  const SmallImages other{.train = 11, .test = 7, .height = 6, .width = 4};
  CHECK_THAT(refusal(kImages, other.images(0, 12)),
             ContainsSubstring(kImages + "' has images of 6 x 4, but '") &&
                 ContainsSubstring("t10k-images-idx3-ubyte' has images of 4 x 6"));
  CHECK_THAT(refusal(kLabels, other.labels(0, 11)), ContainsSubstring(kImages + "' has 12 images, but '") &&
                                                        ContainsSubstring(kLabels + "' has 11 labels"));
  CHECK_THAT(refusal("t10k-labels-idx1-ubyte", other.labels(0, 7)), ContainsSubstring("has 8 images, but"));
  CHECK_THAT(refusal(kImages, SmallImages().labels(0, 12)),
             ContainsSubstring("task.path: '") && ContainsSubstring(kImages + "' is a file of labels"));
  CHECK_THAT(refusal(kLabels, SmallImages().images(0, 12)),
             ContainsSubstring(kLabels + "' is a file of images"));
  CHECK_THAT(refusal(kImages, idx_bytes({12, 4, 6}, std::string(12 * 24, 'x'))),
             ContainsSubstring("the training images have the same gray everywhere"));
}

TEST_CASE("images: a missing folder or file is refused with the package to install") {
  CHECK_THAT(refusals("images", {{"path", "/no/such/folder"}}).at(0),
             ContainsSubstring("task.path: '/no/such/folder' does not exist. ") &&
                 ContainsSubstring("the package dataset-fashion-mnist"));
  const TempFolder folder;
  SmallImages().write(folder.path());
  const std::string path = folder.path().string();
  CHECK_THAT(refusals("images", {{"path", path + '/' + kImages}}).at(0), ContainsSubstring("is no folder"));
  std::filesystem::remove(folder / kLabels);
  CHECK_THAT(refusals("images", {{"path", path}}).at(0),
             ContainsSubstring("'" + path + "' has no file " + kLabels + " or " + kLabels + ".gz"));
}
