// The compared metric against its cost. A point is a row of the comparison. The Pareto front is the points
// for which no other point is both cheaper and better.
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
#include "results/statistics.h"

namespace heed::report {
namespace {

struct Cost {
  const char *column, *label, *title;
};
constexpr std::array<Cost, 4> kCosts = {{{"parameters", "parameters", "parameters"},
                                         {"training_flops", "training FLOPs", "training FLOPs"},
                                         {"step_milliseconds", "time per step (ms)", "time per step"},
                                         {"state_bytes", "state per sequence (bytes)", "state"}}};

struct Point {
  const ComparedRow* row;
  double cost;
  bool front = false;
};

// Marks the points of the Pareto front: no other point is as cheap and better, or as good and cheaper.
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

// Describes the task of a row. Rows of different tasks have no common front.
std::string task_of(const Comparison& comparison, const ComparedRow& row) {
  std::string out;
  for (std::size_t c = 0; c < row.setting.size(); ++c)
    if ((comparison.paths[c] == kTasks || comparison.paths[c].starts_with("task.")))
      out += fmt::format("{}{} = {}", out.empty() ? "" : ", ", comparison.varied[c], row.setting[c]);
  return out;
}

// Returns the tasks in the order of the sweep; one empty string if the task does not vary.
std::vector<std::string> tasks_of(const Comparison& comparison) {
  std::vector<std::string> out;
  for (const ComparedRow& row : comparison.rows) {
    std::string task = task_of(comparison, row);
    if (std::find(out.begin(), out.end(), task) == out.end()) out.push_back(std::move(task));
  }
  return out;
}

std::vector<Point> points_of(const ReportData& e, const char* column, const std::string& task) {
  const std::vector<double> costs = e.results.numbers(column);
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

// Returns the front in order of increasing cost.
std::vector<std::vector<double>> front_line(std::vector<Point> points) {
  std::erase_if(points, [](const Point& p) { return !p.front; });
  std::stable_sort(points.begin(), points.end(),
                   [](const Point& a, const Point& b) { return a.cost < b.cost; });
  std::vector<std::vector<double>> line;
  for (const Point& p : points) line.push_back(numbers_of(p));
  return line;
}

// The points for one cost on one task.
struct Front {
  Cost cost;
  std::string task;
  std::vector<Point> points;
};

std::vector<std::string> elements_of(const ReportData& e, const Front& front, DataFile& data) {
  const auto title = [&](const std::string& of) {
    return fmt::format("{}, {}{}", front.cost.column, of, at(front.task));
  };
  // The line is a step function: nothing better exists until the next point.
  std::vector<std::string> out = {data.add(title("Pareto front"), front_line(front.points)) +
                                  " using 1:2 with steps lc rgb '#999999' lw 1.5 dt solid notitle"};
  for (std::size_t v = 0; v < e.variants.size(); ++v) {
    std::vector<std::vector<double>> rows;
    bool on_front = false;
    for (const Point& p : front.points)
      if (p.row->variant == e.variants[v]) rows.push_back(numbers_of(p)), on_front = on_front || p.front;
    if (rows.empty()) continue;
    const std::string block = data.add(title(e.variants[v]), rows);
    add_points_with_bars(out, block, rows, v);
    if (on_front)
      out.push_back(fmt::format("{} using 1:($5 == 1 ? $2 : NaN) with points ls {} notitle", block, kRing));
  }
  return out;
}

struct Range {
  double least, most;
};
Range range_of(const std::vector<Front>& fronts) {
  Range out{fronts[0].points[0].cost, 0};
  for (const Front& front : fronts)
    for (const Point& p : front.points)
      out.least = std::min(out.least, p.cost), out.most = std::max(out.most, p.cost);
  return out;
}

std::string front_names(const ReportData& e, const std::vector<Point>& points) {
  std::vector<std::string> names;
  for (const std::string& variant : e.variants)
    if (std::any_of(points.begin(), points.end(),
                    [&](const Point& p) { return p.front && p.row->variant == variant; }))
      names.push_back(variant);
  return fmt::format("{}", fmt::join(names, ", "));
}

// Adds a panel for each front. Panels of one cost have the same axes.
void add_panels(const ReportData& e, const std::vector<Front>& fronts, std::size_t panels, Figure& figure,
                DataFile& data) {
  const Range range = range_of(fronts);
  const double pixels = panel_width(panels);
  const std::string axes =
      (range.most > 5 * range.least ? log_axis('x', range.least / 1.5, range.most * 1.5, pixels)
                                    : linear_axis('x', 0, range.most * 1.15, pixels)) +
      metric_axis(is_share(e.comparison.metric), heights_of(e.comparison), figure.panel_height);
  for (const Front& front : fronts)
    figure.panels.push_back({.title = front.task,
                             .x_label = front.cost.label,
                             .y_label = metric_label(e, e.comparison.metric),
                             .commands = axes + plot(elements_of(e, front, data))});
}

// Returns the fronts of the tasks in which the variants' costs differ.
std::vector<Front> fronts_of(const ReportData& e, const Cost& cost, const std::vector<std::string>& tasks) {
  std::vector<Front> fronts;
  if (!e.has(cost.column)) return fronts;
  for (const std::string& task : tasks) {
    Front front{cost, task, points_of(e, cost.column, task)};
    if (front.points.size() < 2) continue;
    mark_front(front.points, better_when(e.comparison.metric) == Better::smaller);
    fronts.push_back(std::move(front));
  }
  const bool differ = std::any_of(fronts.begin(), fronts.end(), [](const Front& front) {
    const Range range = range_of({front});
    return range.most >= 1.001 * range.least;
  });
  return differ ? fronts : std::vector<Front>();
}

// Returns a figure of the fronts of each cost. Its file is `name`.
Figure figure_of(const ReportData& e, const std::string& name, const std::string& against,
                 const std::vector<std::vector<Front>>& costs) {
  const std::string& metric = e.comparison.metric;
  Figure figure{.name = name, .legend = legend_of(e.variants)};
  for (LegendEntry& entry : figure.legend) entry.line = false;
  figure.legend.push_back({"Pareto front", kRing, false});
  DataFile data(name, fmt::format("{} against cost: means of rows with 95 % bootstrap intervals", metric),
                {"cost", "mean", "low", "high", "front"});
  std::vector<std::string> on_it;
  std::string loads;
  std::size_t panels = 0;
  for (const std::vector<Front>& fronts : costs) panels += fronts.size();
  for (const std::vector<Front>& fronts : costs) {
    add_panels(e, fronts, panels, figure, data);
    for (const Front& front : fronts)
      on_it.push_back(fmt::format(
          "{} {}",
          front.task.empty() ? fmt::format("by {}", front.cost.label) : fmt::format("at {}", front.task),
          front_names(e, front.points)));
    loads += load_note(e, fronts[0].cost.column);
  }
  figure.data = data.text();
  figure.caption = fmt::format(
      "{} against {}, mean over the seeds with its 95 % interval. A ring marks the Pareto front: no other "
      "point is both cheaper and better. Points on it: {}.{}",
      sentence_case(human_readable(metric)), against, fmt::join(on_it, "; "), loads);
  return figure;
}

}  // namespace

std::vector<Figure> cost(const ReportData& e) {
  const std::string& metric = e.comparison.metric;
  if (better_when(metric) == Better::neither || e.comparison.rows.size() < 2) return {};
  const std::vector<std::string> all = tasks_of(e.comparison), tasks = some_of(all);
  std::vector<std::vector<Front>> costs;
  std::vector<std::string> equal;
  for (const Cost& cost : kCosts) {
    if (cost.column == metric) return {};
    std::vector<Front> fronts = fronts_of(e, cost, tasks);
    if (!fronts.empty())
      costs.push_back(std::move(fronts));
    else if (e.has(cost.column))
      equal.emplace_back(cost.label);
  }
  if (costs.empty()) return {};
  if (all.size() == 1) {  // all costs in one figure
    Figure figure = figure_of(e, "cost", "cost", costs);
    figure.title = "Cost";
    if (!equal.empty()) figure.caption += fmt::format(" Equal for all: {}.", fmt::join(equal, ", "));
    return {figure};
  }
  std::vector<Figure> figures;
  for (const std::vector<Front>& fronts : costs) {
    const Cost& cost = fronts[0].cost;
    figures.push_back(figure_of(e, fmt::format("cost_{}", figures.size() + 1), cost.title, {fronts}));
    figures.back().title = fmt::format("Cost: {}", cost.title);
    if (fronts.size() < all.size())
      figures.back().caption += fmt::format(" {} of {} tasks are shown.", fronts.size(), all.size());
  }
  return figures;
}

}  // namespace heed::report
