// Where the attention of trained models goes: to the answer, to distractors, to the first position.
#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "experiments/report/axis.h"
#include "experiments/report/compare/table_cells.h"
#include "experiments/report/data_file.h"
#include "experiments/report/figure.h"
#include "experiments/report/gnuplot.h"
#include "experiments/report/panels.h"
#include "experiments/report/style.h"

namespace heed::report {
namespace {

// A share of a query's attention that some of these results have, beside the others on the x axis.
struct Share {
  std::string column, label;
  Comparison comparison;
  std::vector<Panel> panels = {};  // of `comparison`
};

std::vector<Share> shares_of(const ReportData& e) {
  std::vector<Share> shares;
  for (const auto& [column, label] : {std::pair("attention_on_answer", "answer"),
                                      {"attention_on_distractors", "distractors"},
                                      {"attention_on_first", "first position"}}) {
    if (!e.has(column)) continue;
    CompareOptions options = e.options;
    options.metric = column;
    Share share{column, label, compare(e.results, options)};
    if (std::ranges::any_of(share.comparison.rows, [](const auto& row) { return std::isfinite(row.center); }))
      shares.push_back(std::move(share));
  }
  for (Share& share : shares) share.panels = some_of(split_into_panels(share.comparison));
  return shares;
}

// A variant's points in a panel: x, mean, low, high, trials. Variants stand side by side at each share.
std::vector<std::vector<double>> points_of(const ReportData& e, const std::vector<Share>& shares,
                                           std::size_t variant, std::size_t panel) {
  const double variants = static_cast<double>(e.variants.size()), step = std::min(0.15, 0.7 / variants);
  std::vector<std::vector<double>> points;
  for (std::size_t s = 0; s < shares.size(); ++s)
    for (const ComparedRow* row : shares[s].panels[panel].rows)
      if (row->variant == e.variants[variant] && std::isfinite(row->center))
        points.push_back({static_cast<double>(s) + step * (static_cast<double>(variant) - (variants - 1) / 2),
                          row->center, row->interval.low, row->interval.high,
                          static_cast<double>(row->values.size())});
  return points;
}

// From 0 to 1, or further for variants with signed weights; a tic for each share.
std::string axes_of(const std::vector<Share>& shares, double height) {
  double low = 0, high = 1;
  std::vector<std::string> tics;
  for (const Share& share : shares) {
    tics.push_back(fmt::format("'{}' {}", share.label, tics.size()));
    for (const double x : heights_of(share.comparison))
      if (std::isfinite(x)) low = std::min(low, x), high = std::max(high, x);
  }
  return fmt::format("set xrange [-0.5:{}]\nset xtics ({})\n{}", static_cast<double>(shares.size()) - 0.5,
                     fmt::join(tics, ", "), linear_axis('y', low, high, height));
}

// "Answer: softmax 0.5500, linear 0.4000; ..." if there is one panel.
std::string means_text(const std::vector<Share>& shares) {
  std::vector<std::string> parts;
  for (const Share& share : shares) {
    std::vector<std::string> means;
    for (const ComparedRow& row : share.comparison.rows)
      if (std::isfinite(row.center)) means.push_back(fmt::format("{} {}", row.variant, rounded(row.center)));
    if (!means.empty()) parts.push_back(fmt::format("{}: {}", share.label, fmt::join(means, ", ")));
  }
  return fmt::format(" {}.", sentence_case(fmt::format("{}", fmt::join(parts, "; "))));
}

}  // namespace

std::vector<Figure> attention_noise(const ReportData& e) {
  const std::vector<Share> shares = shares_of(e);
  if (shares.empty()) return {};
  Figure figure{.name = "attention_noise", .title = "Where attention goes", .legend = legend_of(e.variants)};
  for (LegendEntry& entry : figure.legend) entry.line = false;
  DataFile data(figure.name,
                "share of a scored query's attention weight: means of rows with 95 % bootstrap intervals",
                {"place", "mean", "low", "high", "trials"});
  const std::string axes = axes_of(shares, figure.panel_height);
  const std::vector<Panel>& panels = shares[0].panels;
  for (std::size_t p = 0; p < panels.size(); ++p) {
    std::vector<std::string> elements;
    for (std::size_t v = 0; v < e.variants.size(); ++v) {
      const auto points = points_of(e, shares, v, p);
      if (points.empty()) continue;
      add_points_with_bars(elements, data.add(e.variants[v] + at(panels[p].title), points), points, v);
    }
    if (!elements.empty())
      figure.panels.push_back({.title = panels[p].title,
                               .x_label = "attention on",
                               .y_label = "share of attention",
                               .commands = axes + plot(elements)});
  }
  if (figure.panels.empty()) return {};
  if (figure.panels.size() > 1) figure.per_row = 2;  // room for the names of the shares
  figure.data = data.text();
  std::vector<std::string> labels;
  for (const Share& share : shares) labels.push_back(share.label);
  figure.caption = fmt::format(
      "Share of a scored query's attention weight on the {}: mean over layers, heads and seeds, with the 95 "
      "% interval over seeds.",
      fmt::join(labels, ", the "));
  if (panels.size() == 1) figure.caption += means_text(shares);
  return {figure};
}

}  // namespace heed::report
