#include "experiments/report/samples.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "experiments/report/figure.h"
#include "experiments/report/layout.h"
#include "experiments/report/panels.h"
#include "results/h5_reader.h"
#include "results/utf8.h"

namespace heed::report {
namespace {

constexpr const char *kImages = "samples/images", *kText = "samples/text";
constexpr std::size_t kMostClasses = 20;                                     // more would be too small
constexpr std::int64_t kPadding = std::numeric_limits<std::int64_t>::min();  // of trials with other shapes

std::string title_of(const ReportData& e, const ComparedRow& row) {
  std::string out = e.variants.size() > 1 || row.setting.empty() ? row.variant : "";
  for (std::size_t c = 0; c < row.setting.size(); ++c)
    out += fmt::format("{}{} = {}", out.empty() ? "" : ", ", e.comparison.varied[c], row.setting[c]);
  return out;
}

// Calls visit(row, values, shape) with an array of the first finished trial of each row that has it.
void visit_rows(const ReportData& e, const char* name, std::size_t axes,
                const std::function<void(const ComparedRow&, const std::vector<std::int64_t>&,
                                         const std::vector<std::size_t>&)>& visit) {
  if (e.results.trial.empty()) return;
  const results::H5Reader file(e.file);
  if (!file.has("samples") || !file.has(name)) return;
  const std::vector<std::size_t> shape = file.shape(name);
  if (shape.size() != axes || file.kind(name) != results::H5Reader::Kind::integer) return;  // of a plugin
  const std::vector<std::int64_t> numbers = file.read<std::int64_t>("samples/trial");
  for (const ComparedRow& row : e.comparison.rows)
    for (const std::size_t trial : e.trials(row)) {
      const auto at = std::ranges::find(numbers, e.results.trial[trial]);
      if (at == numbers.end()) continue;
      const std::vector<std::int64_t> values =
          file.read_rows<std::int64_t>(name, static_cast<std::size_t>(at - numbers.begin()));
      if (values.empty() || values[0] == kPadding) continue;
      visit(row, values, shape);
      break;
    }
}

// ---- images

// Images of one trial: grays (class, sample, row, column).
struct Images {
  std::string title;
  std::array<std::size_t, 4> sides;  // without padding
  std::vector<std::int64_t> grays;   // with padding
  std::array<std::size_t, 4> room;

  std::int64_t gray(std::size_t c, std::size_t n, std::size_t y, std::size_t x) const {
    return grays[((c * room[1] + n) * room[2] + y) * room[3] + x];
  }
};

// An array's padding is behind each axis.
std::array<std::size_t, 4> sides_of(const std::vector<std::int64_t>& values,
                                    const std::array<std::size_t, 4>& room) {
  std::array<std::size_t, 4> sides{};
  for (std::size_t i = 0; i < values.size(); ++i)
    if (values[i] != kPadding)
      for (std::size_t axis = 4, rest = i; axis-- > 0; rest /= room[axis])
        sides[axis] = std::max(sides[axis], rest % room[axis] + 1);
  return sides;
}

// Returns a matrix for gnuplot: classes from left to right, samples from top to bottom, NaN between them.
std::string matrix(const Images& images, std::size_t classes) {
  const auto& [all, samples, rows, columns] = images.sides;
  const std::size_t width = classes * (columns + 1) - 1, height = samples * (rows + 1) - 1;
  std::string out;
  for (std::size_t y = 0; y < height; ++y)
    for (std::size_t x = 0; x < width; ++x) {
      const bool between = y % (rows + 1) == rows || x % (columns + 1) == columns;
      out += between ? "NaN"
                     : fmt::format("{}", images.gray(x / (columns + 1), y / (rows + 1), y % (rows + 1),
                                                     x % (columns + 1)));
      out += x + 1 < width ? '\t' : '\n';
    }
  return out;
}

std::string class_tics(std::size_t classes, std::size_t columns) {
  std::vector<std::string> tics;
  for (std::size_t c = 0; c < classes; ++c)
    tics.push_back(fmt::format(
        "'{}' {}", c, static_cast<double>(c * (columns + 1)) + static_cast<double>(columns - 1) / 2));
  return fmt::format("set xtics ({})\n", fmt::join(tics, ", "));
}

Figure figure_of(const std::vector<Images>& all) {
  Figure figure{.name = "generated_images", .title = "Generated images"};
  figure.pictures = true, figure.per_row = all.size() > 1 ? 2 : 1;
  figure.left = figure.right = 16, figure.gap_x = 24, figure.gap_y = 40;
  const auto& [total, samples, rows, columns] = all[0].sides;
  const std::size_t classes = std::min(total, kMostClasses);
  const std::size_t width = classes * (columns + 1) - 1, height = samples * (rows + 1) - 1;
  figure.data = "# grays of generated images: a block for each trial, lines from top to bottom\n";
  for (std::size_t i = 0; i < all.size(); ++i) {
    figure.data += fmt::format("{}# {}\n{}", i > 0 ? "\n\n" : "", all[i].title, matrix(all[i], classes));
    figure.panels.push_back(
        {.title = all.size() > 1 ? all[i].title : "",
         .x_label = "class",
         .commands =
             fmt::format("unset grid\nset border 0\nset tics scale 0\nset palette gray\nset cbrange [0:255]\n"
                         "unset colorbox\nunset ytics\nset xrange [-0.5:{}]\nset yrange [{}:-0.5]\n{}"
                         "plot '{}.tsv' index {} matrix with image notitle\n",
                         static_cast<double>(width) - 0.5, static_cast<double>(height) - 0.5,
                         class_tics(classes, columns), figure.name, i)});
  }
  figure.panel_height =
      static_cast<int>(layout(figure).panel_width * static_cast<double>(height) / static_cast<double>(width));
  figure.caption = fmt::format(
      "{} images of each class, drawn token by token by the first trained model of each row "
      "(temperature 1, seed 0).{}",
      samples, classes < total ? fmt::format(" {} of {} classes are shown.", classes, total) : "");
  return figure;
}

}  // namespace

// Images of another size than the first ones are left out.
std::vector<Figure> generated_images(const ReportData& e) {
  std::vector<Images> all;
  visit_rows(e, kImages, 5, [&](const ComparedRow& row, const auto& grays, const auto& shape) {
    const std::array<std::size_t, 4> room{shape[1], shape[2], shape[3], shape[4]};
    Images images{title_of(e, row), sides_of(grays, room), grays, room};
    if (all.empty() || images.sides == all[0].sides) all.push_back(std::move(images));
  });
  if (all.empty()) return {};
  return {figure_of(some_of(std::move(all)))};
}

std::vector<GeneratedTexts> generated_texts(const ReportData& e) {
  std::vector<GeneratedTexts> all;
  visit_rows(e, kText, 3, [&](const ComparedRow& row, const auto& bytes, const auto& shape) {
    all.push_back({title_of(e, row), {}});
    for (std::size_t n = 0; n < shape[1] && bytes[n * shape[2]] != kPadding; ++n) {
      std::string text;
      for (std::size_t i = n * shape[2]; i < (n + 1) * shape[2] && bytes[i] >= 0; ++i)
        text += static_cast<char>(bytes[i]);
      all.back().texts.push_back(results::valid_utf8(text));
    }
  });
  if (all.size() == 1) all[0].title.clear();
  return some_of(std::move(all));
}

}  // namespace heed::report
