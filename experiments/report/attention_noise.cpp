// Where the attention of trained models goes: to the answer, to distractors, to the first position.
#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "experiments/report/axis.h"
#include "experiments/report/compare/table_cells.h"
#include "experiments/report/data_file.h"
#include "experiments/report/figure.h"
#include "experiments/report/gnuplot.h"
#include "experiments/report/layout.h"
#include "experiments/report/panels.h"
#include "experiments/report/style.h"

namespace heed::report {
namespace {

struct Share {
  const char *column, *label;
  double above;  // offset from the variant's line, so that intervals do not overlap
};
constexpr std::array<Share, 3> kShares = {{{"attention_on_answer", "answer", 0.22},
                                           {"attention_on_distractors", "distractors", 0},
                                           {"attention_on_first", "first position", -0.22}}};

// Returns the report's comparison with another metric.
Comparison by(const ReportData& e, const char* metric) {
  CompareOptions options = e.options;
  options.metric = metric;
  return compare(e.results, options);
}

// place, mean, low, high, trials: one row per variant, the first one at the top.
std::vector<std::vector<double>> rows_of(const ReportData& e, const Panel& panel, double above) {
  std::vector<std::vector<double>> out;
  for (const ComparedRow* row : panel.rows) {
    if (!std::isfinite(row->center)) continue;
    const double place = static_cast<double>(e.variants.size() - 1 - e.style(row->variant)) + above;
    out.push_back(
        {place, row->center, row->interval.low, row->interval.high, static_cast<double>(row->values.size())});
  }
  return out;
}

// From 0 to 1, or further for variants with signed weights.
std::string axis_of(const std::vector<std::vector<double>>& rows, double pixels) {
  double low = 0, high = 1;
  for (const std::vector<double>& row : rows)
    for (std::size_t i = 1; i < 4; ++i)
      if (std::isfinite(row[i])) low = std::min(low, row[i]), high = std::max(high, row[i]);
  return linear_axis('x', low, high, pixels);
}

}  // namespace

std::vector<Figure> attention_noise(const ReportData& e) {
  DataFile data("share of a scored query's attention weight: means of rows with 95 % bootstrap intervals",
                {"place", "mean", "low", "high", "trials"});
  Figure figure{.name = "attention_noise", .title = "Where attention goes"};
  std::vector<std::string> titles;
  std::vector<std::vector<std::string>> elements;
  std::vector<std::vector<double>> all_rows;
  std::vector<std::string> parts;
  for (std::size_t s = 0; s < kShares.size(); ++s) {
    const Share& share = kShares[s];
    if (!e.has(share.column)) continue;
    const Comparison comparison = by(e, share.column);
    const std::vector<Panel> panels = some_of(split_into_panels(comparison));
    std::vector<std::string> means;
    elements.resize(panels.size()), titles.resize(panels.size());
    for (std::size_t p = 0; p < panels.size(); ++p) {
      titles[p] = panels[p].title;
      const auto rows = rows_of(e, panels[p], share.above);
      if (rows.empty()) continue;
      const int index =
          data.add(fmt::format("{}{}{}", share.column, titles[p].empty() ? "" : " at ", titles[p]), rows);
      const auto points = points_with_bars("attention_noise", index, rows,
                                           fmt::format("ls {}", kShareStyle + static_cast<int>(s)), true);
      elements[p].insert(elements[p].end(), points.begin(), points.end());
      all_rows.insert(all_rows.end(), rows.begin(), rows.end());
    }
    if (panels.size() == 1)
      for (const ComparedRow* row : panels[0].rows)
        if (std::isfinite(row->center))
          means.push_back(fmt::format("{} {}", row->variant, rounded(row->center)));
    if (!means.empty()) parts.push_back(fmt::format("{}: {}", share.label, fmt::join(means, ", ")));
    figure.legend.push_back({share.label, kShareStyle + static_cast<int>(s), false});
  }
  figure.row_names.assign(e.variants.rbegin(), e.variants.rend());
  figure.panel_height = static_cast<int>(40 * e.variants.size());
  for (std::size_t p = 0; p < elements.size(); ++p)
    if (!elements[p].empty())
      figure.panels.push_back(
          {.title = titles[p], .x_label = "share of attention", .commands = plot(elements[p])});
  if (figure.panels.empty()) return {};
  const std::string axis = axis_of(all_rows, layout(figure).panel_width);
  for (FigurePanel& panel : figure.panels) panel.commands = axis + panel.commands;
  figure.data = data.text();
  figure.caption =
      "Share of a scored query's attention weight on its answer, on distractors and on the first position: "
      "mean over layers, heads and seeds, with the 95 % interval over seeds.";
  if (!parts.empty())
    figure.caption += fmt::format(" {}.", sentence_case(fmt::format("{}", fmt::join(parts, "; "))));
  return {figure};
}

}  // namespace heed::report
