// Where the attention of trained models goes: to the answer, to distractors, to the first position.
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "experiments/compare/table_cells.h"
#include "experiments/report/data_file.h"
#include "experiments/report/figure.h"
#include "experiments/report/gnuplot.h"
#include "experiments/report/panels.h"
#include "experiments/report/style.h"

namespace heed::report {
namespace {

struct Share {
  const char *column, *label;
  double above;  // of the variant's line, so that intervals do not cover each other
};
constexpr std::array<Share, 3> kShares = {{{"attention_on_answer", "answer", 0.22},
                                           {"attention_on_distractors", "distractors", 0},
                                           {"attention_on_first", "first position", -0.22}}};

// The rows of the report's comparison, with another metric in them.
Comparison by(const Evidence& e, const char* metric) {
  CompareOptions options = e.options;
  options.metric = metric;
  return compare(e.results, options);
}

// place, mean, low, high, trials: a row for each variant, the first one on top.
std::vector<std::vector<double>> rows_of(const Evidence& e, const Panel& panel, double above) {
  std::vector<std::vector<double>> out;
  for (const ComparedRow* row : panel.rows) {
    if (!std::isfinite(row->center)) continue;
    const double place = static_cast<double>(e.variants.size() - e.style(row->variant)) + above;
    out.push_back(
        {place, row->center, row->interval.low, row->interval.high, static_cast<double>(row->values.size())});
  }
  return out;
}

std::string axes_of(const Evidence& e, const std::string& title) {
  std::vector<std::string> tics;
  for (const std::string& variant : e.variants)
    tics.push_back(fmt::format("{} {}", quoted(variant), e.variants.size() - e.style(variant)));
  return fmt::format(
      "set title {}\nset yrange [0.5:{}]\nset ytics ({})\nset xlabel 'share of attention weight'\n",
      quoted(title), static_cast<double>(e.variants.size()) + 0.5, fmt::join(tics, ", "));
}

}  // namespace

std::vector<Figure> attention_noise(const Evidence& e) {
  DataFile data("share of a scored query's attention weight: means of rows with 95 % bootstrap intervals",
                {"place", "mean", "low", "high", "trials"});
  Figure figure{.name = "attention_noise", .title = "Where attention goes"};
  std::vector<std::string> titles;
  std::vector<std::vector<std::string>> elements;
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
      elements[p].push_back(
          fmt::format("'attention_noise.tsv' index {} using 2:1:3:4 with xerrorbars ls {} notitle", index,
                      kShareStyle + static_cast<int>(s)));
    }
    if (panels.size() == 1)
      for (const ComparedRow* row : panels[0].rows)
        if (std::isfinite(row->center))
          means.push_back(fmt::format("{} {}", row->variant, rounded(row->center)));
    if (!means.empty()) parts.push_back(fmt::format("{}: {}", share.label, fmt::join(means, ", ")));
    figure.legend.push_back({share.label, kShareStyle + static_cast<int>(s), false});
  }
  std::size_t longest = 0;
  for (const std::string& variant : e.variants) longest = std::max(longest, variant.size());
  figure.left = static_cast<int>(20 + 8 * longest), figure.gap_x = figure.left + 16;
  figure.panel_height = static_cast<int>(40 * e.variants.size());
  for (std::size_t p = 0; p < elements.size(); ++p)
    if (!elements[p].empty()) figure.panels.push_back(axes_of(e, titles[p]) + plot(elements[p]));
  if (figure.panels.empty()) return {};
  figure.data = data.text();
  figure.caption =
      "Share of a scored query's attention weight that goes to its answer, to distractors and to the first "
      "position, "
      "mean over layers, heads and seeds with the 95 % interval over seeds.";
  if (!parts.empty())
    figure.caption += fmt::format(" {}.", sentence_case(fmt::format("{}", fmt::join(parts, "; "))));
  return {figure};
}

}  // namespace heed::report
