#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "experiments/cli/angles.h"
#include "experiments/report/axis.h"
#include "experiments/report/data_file.h"
#include "experiments/report/gnuplot.h"
#include "experiments/report/layout.h"
#include "experiments/report/style.h"

namespace heed::cli {
namespace {

using report::line_style;
using report::style_of;

// The curves, in the order of the legend; index of their styles, and column of the data. Random directions
// and found ones are measured, hence points.
constexpr std::size_t kMost = 0, kFound = 1, kRandom = 2, kCertain = 3, kBasis = 4;
constexpr double kHighest = 1e6;  // of the y axis; bounds go far beyond

std::vector<std::vector<double>> numbers(const AnglesTable& table, std::size_t angle) {
  std::vector<std::vector<double>> out;
  for (std::size_t d = 0; d < table.dims.size(); ++d) {
    const AnglesRow& row = table.rows[angle * table.dims.size() + d];
    const directions::Setting& s = row.setting;
    out.push_back({static_cast<double>(s.dim), directions::most_that_fit(s),
                   static_cast<double>(row.packing.reached), directions::expected_random_vectors(s),
                   row.simulated.mean, directions::certainly_fit(s)});
  }
  return out;
}

report::FigurePanel panel(const AnglesTable& table, std::size_t angle, report::DataFile& data, double width,
                          int height) {
  const std::vector<double> dims(table.dims.begin(), table.dims.end());
  const std::string title = fmt::format("{:g}°", table.within[angle]);
  const std::string block = data.add(title, numbers(table, angle));
  const auto element = [&](const char* columns, const char* how, std::size_t style) {
    return fmt::format("{} using {} with {} {} notitle", block, columns, how, line_style(style));
  };
  return {
      .title = fmt::format("within {} of a right angle", title),
      .short_title = fmt::format("within {}", title),
      .x_label = "dimension",
      .y_label = angle == 0 ? "number of directions" : "",
      .commands = report::x_axis_at(dims, dims.front() / 1.15, dims.back() * 1.15, true, width) +
                  report::log_axis('y', 1, kHighest, height) +
                  report::plot({element("1:2", "lines", kMost), element("1:6", "lines", kCertain),
                                element("1:1", "lines", kBasis), element("1:4", "lines", kRandom),
                                element("1:5", "points", kRandom), element("1:3", "linespoints", kFound)})};
}

}  // namespace

report::Figure angles_figure(const AnglesTable& table) {
  report::Figure figure{
      .name = "directions",
      .title = "Nearly orthogonal directions against the dimension",
      .caption =
          "How many directions fit if the angles of all pairs are nearly right. Random directions: "
          "lines by formula, points simulated."};
  figure.legend = {{"no set is larger", style_of(kMost)},
                   {"found by gradient descent", style_of(kFound)},
                   {"random, before a pair fails", style_of(kRandom)},
                   {"certainly fit", style_of(kCertain)},
                   {"a basis", style_of(kBasis)}};
  report::DataFile data(
      figure.name, figure.title,
      {"dim", "most_that_fit", "found", "random_expected", "random_simulated", "certainly_fit"});
  const double width = report::panel_width(table.within.size());
  for (std::size_t a = 0; a < table.within.size(); ++a)
    figure.panels.push_back(panel(table, a, data, width, figure.panel_height));
  figure.data = data.text();
  return figure;
}

}  // namespace heed::cli
