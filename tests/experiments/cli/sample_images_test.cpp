// heed sample: images by class as a PNG file.
#include <png.h>

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "experiments/run/run_directory.h"
#include "tests/catch.h"
#include "tests/experiments/cli/program.h"
#include "tests/experiments/cli/smoke.h"
#include "tests/experiments/tasks/idx_data.h"
#include "tests/results/temp_folder.h"

namespace {

namespace fs = std::filesystem;
using heed::test::Ended;
using heed::test::Program;
using heed::test::SmallImages;
using heed::test::TempFolder;
using heed::test::Words;

const SmallImages kSmall;                  // 4 x 6 pixels, 3 classes
constexpr std::size_t kStepX = 3 * 4 + 2,  // an image of 2 x 3 positions, each 4 x 4 pixels, and a gap
    kStepY = 2 * 4 + 2, kGap = 2;

// A run directory "r" of one small trial with saved weights, made once.
const TempFolder& image_run() {
  static const TempFolder folder;
  static const bool made = [] {
    fs::create_directory(folder / "small");
    kSmall.write(folder / "small");
    const Ended ended = heed::test::run_smoke(
        folder, "r",
        {"--part", "0/1", "sweep.seeds=1", "train.steps=5", "variants=[linear]", "save=[weights]",
         "task={name: images, path: small, validation: 4, form: tokens, levels: 4, objective: generate}"});
    INFO(ended.err);
    return ended.code == 0;
  }();
  REQUIRE(made);
  return folder;
}

Ended sample(const Words& more) {
  return heed::test::heed(image_run().path(), heed::test::with({"sample", "r"}, more));
}

std::string refused(int code, const Words& more) {
  const Ended ended = sample(more);
  CHECK(ended.code == code);
  CHECK(ended.out.empty());
  return ended.err;
}

struct Picture {
  std::size_t width, height;
  std::vector<unsigned char> pixels;
  unsigned char at(std::size_t y, std::size_t x) const { return pixels[y * width + x]; }
};

Picture read_png(const fs::path& file) {
  png_image header{};
  header.version = PNG_IMAGE_VERSION;
  REQUIRE(png_image_begin_read_from_file(&header, file.c_str()));
  CHECK(header.format == PNG_FORMAT_GRAY);
  Picture out{header.width, header.height, std::vector<unsigned char>(PNG_IMAGE_SIZE(header))};
  REQUIRE(png_image_finish_read(&header, nullptr, out.pixels.data(), 0, nullptr));
  return out;
}

// The picture that heed draws with these options.
Picture drawn(const Words& more = {}) {
  fs::remove(image_run() / "i.png");
  const Ended ended = sample(heed::test::with({"-o", "i.png"}, more));
  INFO(ended.err);
  REQUIRE(ended.code == 0);
  return read_png(image_run() / "i.png");
}

// The first columns of images.
std::vector<unsigned char> left_of(const Picture& picture, std::size_t columns) {
  std::vector<unsigned char> out;
  for (std::size_t y = 0; y < picture.height; ++y)
    for (std::size_t x = 0; x < kGap + columns * kStepX; ++x) out.push_back(picture.at(y, x));
  return out;
}

}  // namespace

TEST_CASE("heed sample: images are a grid of gray squares, a row for each class") {
  const Picture picture = drawn({"-n", "5", "--temperature", "3"});
  REQUIRE(picture.width == 5 * kStepX + kGap);
  REQUIRE(picture.height == 3 * kStepY + kGap);
  for (std::size_t y = 0; y < picture.height; ++y)
    for (std::size_t x = 0; x < picture.width; ++x) {
      const std::size_t in_y = y % kStepY, in_x = x % kStepX;
      if (in_y < kGap || in_x < kGap) {
        CHECK(picture.at(y, x) == 255);
        continue;
      }
      const unsigned char gray = picture.at(y, x);
      CHECK((gray == 0 || gray == 85 || gray == 170 || gray == 255));
      CHECK(gray == picture.at(y - (in_y - kGap) % 4, x - (in_x - kGap) % 4));  // of its square
    }
  CHECK(std::ranges::count(picture.pixels, 85) > 0);
}

TEST_CASE("heed sample: images depend on the seed, and more of them begin with the same") {
  const Picture eight = drawn(), again = drawn({"--seed", "0"}), other = drawn({"--seed", "1"}),
                three = drawn({"-n", "3"});
  CHECK(eight.width == 8 * kStepX + kGap);
  CHECK(eight.pixels == again.pixels);
  CHECK(eight.pixels != other.pixels);
  CHECK(left_of(eight, 3) == left_of(three, 3));
  const Picture greedy = drawn({"--temperature", "0", "-n", "2"});
  CHECK(greedy.pixels == drawn({"--top-k", "1", "-n", "2", "--seed", "4"}).pixels);
}

TEST_CASE("heed sample: the file of images is named after the trial, and no file is replaced") {
  const TempFolder& folder = image_run();
  const std::string name = heed::RunDirectory(folder / "r").read_plan().at(0).id + ".png";
  fs::remove(folder / name);
  const Ended ended = sample({"-n", "2"});
  CHECK(ended.code == 0);
  CHECK(ended.out == name + ": 2 images of each of 3 classes, a row for each class\n");
  const std::string bytes = heed::test::read_file(folder / name);
  CHECK_THAT(refused(74, {"-n", "2", "--seed", "1"}), ContainsSubstring(name));
  CHECK(heed::test::read_file(folder / name) == bytes);
}

TEST_CASE("heed sample: Ctrl-C ends the drawing of images and leaves no half file") {
  const TempFolder& folder = image_run();
  Program program(folder.path(), {"sample", "r", "-n", "1000", "-o", "half.png"});
  heed::test::pause();
  while (!program.ended()) {
    program.signal(SIGINT);
    heed::test::pause();
  }
  program.wait();
  CHECK_FALSE(fs::exists(folder / "half.png"));
  for (const auto& file : fs::directory_iterator(folder.path()))
    CHECK_THAT(file.path().filename().string(), !ContainsSubstring(".tmp."));
}

TEST_CASE("heed sample: options without effect on images, and wrong ones, are refused") {
  CHECK_THAT(
      refused(2, {"--prompt", "1"}),
      ContainsSubstring("--prompt has no effect on the task 'images': heed draws whole images of every "
                        "class."));
  CHECK_THAT(refused(2, {"--length", "4"}), ContainsSubstring("--length has no effect on the task 'images'"));
  CHECK_THAT(refused(2, {"-n", "0"}), ContainsSubstring("-n is 0 but must be between 1 and 1000."));
  CHECK_THAT(refused(2, {"-n", "1001"}), ContainsSubstring("-n is 1001 but must be between 1 and 1000."));
  CHECK_THAT(refused(2, {"--top-k", "5"}), ContainsSubstring("--top-k is 5 but must be at most 4"));
  CHECK_THAT(refused(2, {"--temperature", "0", "--seed", "2"}), ContainsSubstring("--seed has no effect"));
}
