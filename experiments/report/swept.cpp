// The compared metric against a swept number, and the sensitivity to the learning rate.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <set>

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

constexpr const char* kLearningRate = "train.lr";

std::optional<double> number_in(const std::string& text) {
  double x = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), x);
  if (error != std::errc() || end != text.data() + text.size()) return {};
  return x;
}

// Returns the values of a column in ascending order; empty unless there are at least two and all are
// numbers.
std::vector<double> values_of(const Comparison& comparison, std::size_t c) {
  std::set<double> values;
  for (const ComparedRow& row : comparison.rows) {
    const std::optional<double> x = number_in(row.setting[c]);
    if (!x) return {};
    values.insert(*x);
  }
  if (values.size() < 2) return {};
  return {values.begin(), values.end()};
}

// Returns true if the values have a nearly constant ratio.
bool geometric(const std::vector<double>& values) {
  if (values[0] <= 0) return false;
  if (values.back() / values[0] > 20) return true;
  double least = values[1] / values[0], most = least;
  for (std::size_t i = 2; i < values.size(); ++i) {
    least = std::min(least, values[i] / values[i - 1]);
    most = std::max(most, values[i] / values[i - 1]);
  }
  return least >= 1.5 && most / least < 1.7;
}

// Returns scale, range and tics of an axis for these values.
std::string x_axis(const std::vector<double>& values, double pixels) {
  const bool log = geometric(values);
  const double least = values[0], most = values.back(), margin = 0.06 * (most - least);
  const double by = log ? std::pow(most / least, 0.06) : 1;
  const double low = log ? least / by : least - margin, high = log ? most * by : most + margin;
  if (values.size() <= 6) return x_axis_at(values, low, high, log, pixels);
  return log ? log_axis('x', low, high, pixels)
             : linear_axis('x', low, high, pixels);  // too many for a tic each
}

// Adds each variant's rows along column c: value, mean, low, high, trials.
std::vector<std::string> elements_of(const ReportData& e, const Panel& panel, std::size_t c, bool joined,
                                     DataFile& data) {
  std::vector<std::string> out;
  for (std::size_t v = 0; v < e.variants.size(); ++v) {
    std::vector<std::vector<double>> points;
    for (const ComparedRow* r : panel.rows)
      if (r->variant == e.variants[v] && std::isfinite(r->center))
        points.push_back({*number_in(r->setting[c]), r->center, r->interval.low, r->interval.high,
                          static_cast<double>(r->values.size())});
    if (points.empty()) continue;
    std::sort(points.begin(), points.end());
    const std::string block = data.add(e.variants[v] + at(panel.title), points);
    if (joined) out.push_back(fmt::format("{} using 1:2 with lines {} notitle", block, line_style(v)));
    add_points_with_bars(out, block, points, v);
  }
  return out;
}

// Adds, for each variant, the share of its trials that solve the task at each value of column c. Incomplete
// trials count as not solving.
std::vector<std::string> solved_shares(const ReportData& e, const Comparison& comparison, std::size_t c,
                                       DataFile& data) {
  std::vector<std::string> elements;
  for (std::size_t v = 0; v < e.variants.size(); ++v) {
    std::map<double, std::pair<double, double>> counts;
    for (const ComparedRow& r : comparison.rows) {
      if (r.variant != e.variants[v]) continue;
      auto& [solved, tried] = counts[*number_in(r.setting[c])];
      solved += static_cast<double>(r.solved), tried += static_cast<double>(r.tried);
    }
    constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
    std::vector<std::vector<double>> points;
    for (const auto& [rate, n] : counts) points.push_back({rate, n.first / n.second, kNaN, kNaN, n.second});
    elements.push_back(fmt::format("{} using 1:2 with linespoints {} notitle",
                                   data.add("share solved, " + e.variants[v], points), line_style(v)));
  }
  return elements;
}

// Returns true if the points along column c may be joined by a line: all other columns are fixed, or change
// monotonically with column c, as columns that a sweep changes together do. In a random search every column
// follows from every other, but not monotonically.
bool is_line(const Comparison& comparison, std::size_t c) {
  if (split_into_panels(comparison, c).size() > kMostPanels) return false;
  for (std::size_t other = 0; other < comparison.varied.size(); ++other) {
    std::vector<bool> given(comparison.varied.size(), false);
    given[c] = true;
    if (other == c || comparison.is_chosen(other) || values_of(comparison, other).empty() ||
        !follows(comparison, other, given))
      continue;
    std::map<std::string, std::map<double, double>> along;  // variant, value in c, value in other
    for (const ComparedRow& r : comparison.rows)
      along[r.variant][*number_in(r.setting[c])] = *number_in(r.setting[other]);
    for (const auto& [variant, points] : along) {
      bool rises = true, falls = true;
      for (auto p = points.begin(), q = std::next(p); q != points.end(); ++p, ++q)
        rises = rises && q->second >= p->second, falls = falls && q->second <= p->second;
      if (!rises && !falls) return false;
    }
  }
  return true;
}

// "task.length (tokens)"
std::string x_label(const ReportData& e, const Comparison& comparison, std::size_t c) {
  const auto column =
      std::find_if(e.results.columns.begin(), e.results.columns.end(),
                   [&](const results::Column& k) { return k.parameter == comparison.paths[c]; });
  const std::string unit = column == e.results.columns.end() ? "" : column->unit;
  return comparison.paths[c] + (unit.empty() || unit == "1" ? "" : fmt::format(" ({})", unit));
}

// Returns the metric against column c, with a panel for each setting of the other columns. If there are too
// many settings (random search), all points are in one panel and not joined.
Figure against(const ReportData& e, const Comparison& comparison, std::size_t c, const std::string& name,
               bool with_solved) {
  const std::vector<double> values = values_of(comparison, c);
  std::vector<Panel> panels = split_into_panels(comparison, c);
  const bool few = panels.size() <= kMostPanels, joined = is_line(comparison, c);
  if (!few) {
    for (std::size_t p = 1; p < panels.size(); ++p)
      panels[0].rows.insert(panels[0].rows.end(), panels[p].rows.begin(), panels[p].rows.end());
    panels.resize(1);
    panels[0].title.clear();
  }
  DataFile data(name,
                fmt::format("{} against {}: means of rows with 95 % bootstrap intervals", comparison.metric,
                            comparison.paths[c]),
                {comparison.varied[c], "mean", "low", "high", "trials"});
  Figure figure{.name = name, .title = "", .legend = legend_of(e.variants)};
  const double pixels = panel_width(panels.size() + (with_solved ? 1 : 0));
  const std::string x = x_axis(values, pixels);
  const std::string y = metric_axis(is_share(comparison.metric), heights_of(comparison), figure.panel_height);
  for (const Panel& panel : panels) {
    const auto elements = elements_of(e, panel, c, joined, data);
    if (elements.empty()) continue;
    figure.panels.push_back({.title = panel.title,
                             .x_label = x_label(e, comparison, c),
                             .y_label = metric_label(e, comparison.metric),
                             .commands = x + y + plot(elements)});
  }
  if (with_solved && comparison.has_solved && !figure.panels.empty())
    figure.panels.push_back({.title = panels.size() > 1 ? "all settings" : "",
                             .x_label = x_label(e, comparison, c),
                             .y_label = "share of trials that solve it",
                             .commands = x + metric_axis(true, {}, figure.panel_height) +
                                         plot(solved_shares(e, comparison, c, data))});
  if (figure.panels.size() == 1) figure.panel_height = 300;
  figure.data = data.text();
  figure.caption = fmt::format("{} against {}, mean over the seeds with its 95 % interval.{}",
                               sentence_case(human_readable(comparison.metric)), comparison.varied[c],
                               joined ? "" : " Other parameters vary too: a point is one setting.");
  return figure;
}

// "softmax from 0.99 at 64 to 0.97 at 512": from the first to the last value of column c, over all settings
// of the others.
std::string from_end_to_end(const ReportData& e, const Comparison& comparison, std::size_t c) {
  const std::vector<double> values = values_of(comparison, c);
  const auto mean_at = [&](const std::string& variant, double x) {
    std::vector<double> centers;
    for (const ComparedRow& r : comparison.rows)
      if (r.variant == variant && *number_in(r.setting[c]) == x && std::isfinite(r.center))
        centers.push_back(r.center);
    return statistics::mean(centers);
  };
  std::vector<std::string> parts;
  for (const std::string& variant : e.variants)
    parts.push_back(fmt::format("{} {} → {}", variant, rounded(mean_at(variant, values[0])),
                                rounded(mean_at(variant, values.back()))));
  return fmt::format(" From {} = {} to {}{}: {}.", comparison.varied[c], values[0], values.back(),
                     split_into_panels(comparison, c).size() > 1 ? ", over all settings" : "",
                     fmt::join(parts, ", "));
}

// Returns the best rate of each variant in this figure. It comes from the reported metric, so do not select
// by it.
std::string best_of(const ReportData& e, const Comparison& comparison, std::size_t c) {
  const bool smaller = better_when(comparison.metric) == Better::smaller;
  std::vector<std::string> parts;
  for (const std::string& variant : e.variants) {
    const ComparedRow* best = nullptr;
    for (const ComparedRow& r : comparison.rows)
      if (r.variant == variant && std::isfinite(r.center) &&
          (!best || (smaller ? r.center < best->center : r.center > best->center)))
        best = &r;
    if (best) parts.push_back(fmt::format("{} {} at {}", variant, rounded(best->center), best->setting[c]));
  }
  return fmt::format(" The best of each: {}.", fmt::join(parts, ", "));
}

}  // namespace

std::vector<Figure> swept(const ReportData& e) {
  const Comparison& comparison = e.comparison;
  std::vector<Figure> figures;
  std::vector<bool> shown(comparison.varied.size(), false);
  for (std::size_t c = 0; c < comparison.varied.size(); ++c) {
    if (comparison.paths[c] == kLearningRate || comparison.is_chosen(c)) continue;
    if (values_of(comparison, c).empty() || follows(comparison, c, shown)) continue;
    Figure figure = against(e, comparison, c, fmt::format("swept_{}", figures.size() + 1), false);
    if (figure.panels.empty()) continue;
    shown[c] = true;
    figure.title =
        fmt::format("{} against {}", sentence_case(human_readable(comparison.metric)), comparison.varied[c]);
    if (is_line(comparison, c)) figure.caption += from_end_to_end(e, comparison, c);
    figures.push_back(std::move(figure));
  }
  return figures;
}

std::vector<Figure> learning_rate(const ReportData& e) {
  const Comparison all = e.compared_by(e.comparison.metric);
  const auto found = std::find(all.paths.begin(), all.paths.end(), kLearningRate);
  const auto c = static_cast<std::size_t>(found - all.paths.begin());
  if (found == all.paths.end() || values_of(all, c).empty()) return {};
  Figure figure = against(e, all, c, "learning_rate", true);
  if (figure.panels.empty()) return {};
  figure.title = "Sensitivity to the learning rate";
  figure.caption += best_of(e, all, c);
  if (all.has_solved) figure.caption += " An incomplete trial counts as not solving the task.";
  return {figure};
}

}  // namespace heed::report
