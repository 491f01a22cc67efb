// The compared metric against what it costs. A point is a row of the comparison; those that no other row
// beats in both are the Pareto front.
#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "experiments/compare/table_cells.h"
#include "experiments/report/axis.h"
#include "experiments/report/data_file.h"
#include "experiments/report/figure.h"
#include "experiments/report/gnuplot.h"
#include "experiments/report/style.h"
#include "results/statistics.h"

namespace heed::report {
namespace {

struct Cost {
  const char *column, *label;
};
constexpr std::array<Cost, 4> kCosts = {{{"parameters", "parameters"},
                                         {"training_flops", "training FLOPs"},
                                         {"step_milliseconds", "time per step (ms)"},
                                         {"state_bytes", "state per sequence (bytes)"}}};

struct Point {
  const ComparedRow* row;
  double cost;
  bool front = false;
};

// Marks the points that no other one beats: none is as cheap and better, or as good and cheaper.
void mark_front(std::vector<Point>& points, bool smaller) {
  const auto as_good = [&](const Point& a, const Point& b) {
    return smaller ? a.row->center <= b.row->center : a.row->center >= b.row->center;
  };
  for (Point& p : points)
    p.front = std::none_of(points.begin(), points.end(), [&](const Point& q) {
      const bool no_worse = as_good(q, p) && q.cost <= p.cost;
      return no_worse && !(as_good(p, q) && p.cost <= q.cost);
    });
}

// What the task is in a row, in words. Rows of different tasks have no common front.
std::string task_of(const Comparison& comparison, const ComparedRow& row) {
  std::string out;
  for (std::size_t c = 0; c < row.setting.size(); ++c)
    if (comparison.paths[c].starts_with("task."))
      out += fmt::format("{}{} = {}", out.empty() ? "" : ", ", comparison.varied[c], row.setting[c]);
  return out;
}

// Of the last task of the sweep.
std::vector<Point> points_of(const Evidence& e, const char* column) {
  const std::vector<double> costs = e.results.numbers(column);
  const std::string task = task_of(e.comparison, e.comparison.rows.back());
  std::vector<Point> points;
  for (const ComparedRow& row : e.comparison.rows) {
    if (task_of(e.comparison, row) != task) continue;
    std::vector<double> values;
    for (const std::size_t t : e.trials(row)) values.push_back(costs[t]);
    const double cost = statistics::mean(values);
    if (std::isfinite(cost) && cost > 0 && std::isfinite(row.center)) points.push_back({&row, cost});
  }
  return points;
}

std::vector<double> numbers_of(const Point& p) {
  return {p.cost, p.row->center, p.row->interval.low, p.row->interval.high, p.front ? 1. : 0.};
}

// The front from cheap to dear.
std::vector<std::vector<double>> front_line(std::vector<Point> points) {
  std::erase_if(points, [](const Point& p) { return !p.front; });
  std::stable_sort(points.begin(), points.end(),
                   [](const Point& a, const Point& b) { return a.cost < b.cost; });
  std::vector<std::vector<double>> line;
  for (const Point& p : points) line.push_back(numbers_of(p));
  return line;
}

std::vector<std::string> elements_of(const Evidence& e, const Cost& cost, const std::vector<Point>& points,
                                     DataFile& data) {
  // The line has a corner at each point: until the next one nothing better is to be had.
  std::vector<std::string> out = {
      fmt::format("'cost.tsv' index {} using 1:2 with steps lc rgb '#999999' lw 1.5 dt solid notitle",
                  data.add(fmt::format("{}, Pareto front", cost.column), front_line(points)))};
  for (std::size_t v = 0; v < e.variants.size(); ++v) {
    std::vector<std::vector<double>> rows;
    for (const Point& p : points)
      if (p.row->variant == e.variants[v]) rows.push_back(numbers_of(p));
    if (rows.empty()) continue;
    const std::string block = fmt::format("'cost.tsv' index {} using",
                                          data.add(fmt::format("{}, {}", cost.column, e.variants[v]), rows));
    out.push_back(
        fmt::format("{} 1:2:3:4 with yerrorbars {} dt solid lw 1.5 ps 0.8 notitle", block, line_style(v)));
    out.push_back(fmt::format("{} 1:($5 == 1 ? $2 : NaN) with points ls {} notitle", block, kRing));
  }
  return out;
}

double most_over_least(const std::vector<Point>& points) {
  const auto [least, most] = std::minmax_element(
      points.begin(), points.end(), [](const Point& a, const Point& b) { return a.cost < b.cost; });
  return most->cost / least->cost;
}

std::string axes_of(const Evidence& e, const Cost& cost, const std::vector<Point>& points) {
  double least = points[0].cost, most = least;
  for (const Point& p : points) least = std::min(least, p.cost), most = std::max(most, p.cost);
  const std::string& metric = e.comparison.metric;
  return fmt::format(
      "{}set xlabel {}\n{}",
      most > 5 * least ? log_axis('x', least / 1.5, most * 1.5) : linear_axis('x', 0, most * 1.15),
      quoted(cost.label), metric_axis(metric_label(e, metric), is_share(metric)));
}

std::string front_names(const Evidence& e, const std::vector<Point>& points) {
  std::vector<std::string> names;
  for (const std::string& variant : e.variants)
    if (std::any_of(points.begin(), points.end(),
                    [&](const Point& p) { return p.front && p.row->variant == variant; }))
      names.push_back(variant);
  return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace

std::vector<Figure> cost(const Evidence& e) {
  const std::string& metric = e.comparison.metric;
  const Better better = better_when(metric);
  if (better == Better::neither || e.comparison.rows.size() < 2) return {};
  DataFile data(fmt::format("{} against cost: means of rows with 95 % bootstrap intervals", metric),
                {"cost", "mean", "low", "high", "front"});
  Figure figure{.name = "cost", .title = "What it costs", .legend = legend_of(e.variants)};
  for (LegendEntry& entry : figure.legend) entry.line = false;
  figure.legend.push_back({"Pareto front", kRing, false});
  std::vector<std::string> fronts, equal;
  for (const Cost& cost : kCosts) {
    if (cost.column == metric) return {};
    if (!e.has(cost.column)) continue;
    std::vector<Point> points = points_of(e, cost.column);
    if (points.size() < 2) continue;
    if (most_over_least(points) < 1.001) {
      equal.emplace_back(cost.label);
      continue;
    }
    mark_front(points, better == Better::smaller);
    figure.panels.push_back(axes_of(e, cost, points) + plot(elements_of(e, cost, points, data)));
    fronts.push_back(fmt::format("by {} {}", cost.label, front_names(e, points)));
  }
  if (figure.panels.empty()) return {};
  figure.data = data.text();
  figure.caption = fmt::format(
      "{} against cost, mean over the seeds with its 95 % interval. A ring marks the Pareto front: nothing "
      "is at once "
      "cheaper and better. On it stand {}.",
      sentence_case(words(metric)), fmt::join(fronts, "; "));
  const std::string task = task_of(e.comparison, e.comparison.rows.back());
  if (!task.empty()) figure.caption += fmt::format(" Only the trials with {} are shown.", task);
  if (!equal.empty()) figure.caption += fmt::format(" Equal for all: {}.", fmt::join(equal, ", "));
  return {figure};
}

}  // namespace heed::report
