#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "experiments/cli/png.h"
#include "experiments/cli/sample_parts.h"
#include "experiments/system/files.h"
#include "experiments/system/process.h"
#include "experiments/train/sample_images.h"
#include "results/atomic_file.h"

namespace heed::cli {
namespace {

constexpr int kCount = 8, kMostImages = 1000;  // of each class
constexpr std::size_t kSide = 4;               // pixels of the square that shows a position
constexpr std::size_t kGap = 2;                // pixels between images, white

// A row of images for each class.
class Grid {
 public:
  Grid(const GeneratedImages& images, std::size_t columns)
      : rows_(static_cast<std::size_t>(images.rows)),
        columns_(static_cast<std::size_t>(images.columns)),
        picture_{columns * step(columns_) + kGap,
                 static_cast<std::size_t>(images.classes) * step(rows_) + kGap,
                 {}} {
    picture_.pixels.assign(picture_.width * picture_.height, 255);
  }

  void add_column(std::size_t column, const std::vector<std::uint8_t>& grays) {
    for (std::size_t i = 0; i < grays.size(); ++i) {
      const std::size_t image = i / (rows_ * columns_), row = i / columns_ % rows_, x = i % columns_;
      const std::size_t top = kGap + image * step(rows_) + row * kSide,
                        left = kGap + column * step(columns_) + x * kSide;
      for (std::size_t y = top; y < top + kSide; ++y)
        std::fill_n(picture_.pixels.begin() + static_cast<std::ptrdiff_t>(y * picture_.width + left), kSide,
                    grays[i]);
    }
  }
  const GrayPicture& picture() const { return picture_; }

 private:
  static std::size_t step(std::size_t positions) { return positions * kSide + kGap; }

  std::size_t rows_, columns_;  // positions of an image
  GrayPicture picture_;
};

int read_count(const Input& input) {
  const int count = input.has("count") ? input.get<int>("count") : kCount;
  if (count < 1 || count > kMostImages)
    throw UsageError(fmt::format("-n is {} but must be between 1 and {}.", count, kMostImages));
  return count;
}

}  // namespace

void draw_images(const Input& input, const SampledTrial& t) {
  refuse_without_effect(input, t, {"prompt", "length"}, "heed draws whole images of every class");
  const GeneratedImages images = generated_images(*t.task).value();
  const SampleOptions options = read_sample_options(input, images.levels);
  const int count = read_count(input);
  const std::string file = input.has("output") ? input.get<std::string>("output") : t.id + ".png";
  refuse_existing(file);
  const Signals signals;
  const auto stop_if_asked = [&] {
    if (signals.asked().to_stop > 0) throw Stopped(fmt::format("Stopped: {} was not written.", file));
  };
  Grid grid(images, static_cast<std::size_t>(count));
  for (int n = 0; n < count; ++n)
    grid.add_column(
        static_cast<std::size_t>(n),
        sample_images(t.model->model, images, static_cast<std::uint64_t>(n), options, stop_if_asked));
  results::write_file(file, png_of(grid.picture()), results::IfExists::replace);
  fmt::print("{}: {} images of each of {} classes, a row for each class\n", file, count, images.classes);
}

}  // namespace heed::cli
