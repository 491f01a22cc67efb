// The validation metric over the training: the mean of a row's trials, and its bootstrap interval as a
// band.
#include <algorithm>
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

constexpr std::size_t kMostPoints = 100;  // of a curve that is drawn

// step, mean, low, high, trials. Long curves are thinned to every second, third ... evaluation, and the
// last one.
std::vector<std::vector<double>> points_of(const Curve& curve, const std::vector<std::size_t>& trials) {
  std::vector<std::vector<double>> points;
  for (std::size_t i = 0; i < curve.at.size(); ++i) {
    std::vector<double> values;
    for (const std::size_t t : trials)
      if (std::isfinite(curve.values[t][i])) values.push_back(curve.values[t][i]);
    if (values.empty()) continue;
    const statistics::Interval band = statistics::bootstrap_mean(values);
    points.push_back({curve.at[i], statistics::mean(values), band.low, band.high, double(values.size())});
  }
  return points;
}

Curve thinned(const Curve& curve) {
  const std::size_t every = (curve.at.size() + kMostPoints - 1) / kMostPoints;
  if (every < 2) return curve;
  Curve out{curve.unit, {}, std::vector<std::vector<double>>(curve.values.size())};
  for (std::size_t i = (curve.at.size() - 1) % every; i < curve.at.size(); i += every) {
    out.at.push_back(curve.at[i]);
    for (std::size_t t = 0; t < curve.values.size(); ++t) out.values[t].push_back(curve.values[t][i]);
  }
  return out;
}

// Marks about eight of the points, so that overlapping curves are distinguishable.
std::size_t mark_every(std::size_t points) { return std::max<std::size_t>(1, points / 8); }

struct End {
  std::string name;
  double value;
};

std::string caption_of(const ReportData& e, const std::string& metric, std::vector<End> ends,
                       std::size_t shown, std::size_t panels, bool banded) {
  std::string out = fmt::format("{} on the validation split over the training, mean over the seeds",
                                metric == "validation_loss" ? "Loss" : "Accuracy");
  out += banded ? ", in the band of its 95 % bootstrap interval." : "; one seed each, so there is no band.";
  if (shown < panels)
    out +=
        fmt::format(" {} of {} settings are shown, at even distances in the sweep's order.", shown, panels);
  if (ends.empty()) return out;
  const bool smaller = better_when(metric) == Better::smaller;
  std::stable_sort(ends.begin(), ends.end(), [&](const End& a, const End& b) {
    return smaller ? a.value < b.value : a.value > b.value;
  });
  if (ends.size() <= e.variants.size() || ends.size() <= 6) {
    std::vector<std::string> parts;
    for (const End& end : ends) parts.push_back(fmt::format("{} {}", end.name, rounded(end.value)));
    return out + fmt::format(" At the last evaluation: {}.", fmt::join(parts, ", "));
  }
  return out + fmt::format(" At the last evaluation the best is {} with {}, the worst {} with {}.",
                           ends[0].name, rounded(ends[0].value), ends.back().name,
                           rounded(ends.back().value));
}

// What the panels share.
struct Drawn {
  DataFile data;
  std::vector<End> ends = {};
  std::vector<double> heights = {};  // of all panels, which have one axis
  bool banded = false;
};

// Adds the curves of a panel's rows: the bands first, which are behind the lines.
std::vector<std::string> elements_of(const ReportData& e, const Curve& curve, const Panel& panel,
                                     Drawn& drawn) {
  std::vector<std::string> bands, lines;
  for (const ComparedRow* row : panel.rows) {
    const auto points = points_of(curve, e.trials(*row));
    if (points.empty()) continue;
    const std::string name = row->variant + at(panel.title), block = drawn.data.add(name, points);
    for (const auto& p : points) drawn.heights.insert(drawn.heights.end(), p.begin() + 1, p.begin() + 4);
    const std::size_t place = e.style(row->variant);
    if (std::isfinite(points.back()[2])) {
      drawn.banded = true;
      bands.push_back(
          fmt::format("{} using 1:3:4 with filledcurves fc rgb '#{}' notitle", block, color(place)));
    }
    lines.push_back(fmt::format("{} using 1:2 with linespoints {} pointinterval {} notitle", block,
                                line_style(place), mark_every(points.size())));
    drawn.ends.push_back({name, points.back()[1]});
  }
  bands.insert(bands.end(), lines.begin(), lines.end());
  return bands;
}

}  // namespace

std::vector<Figure> learning_curves(const ReportData& e) {
  const auto contains = [&](const char* word) { return e.options.metric.find(word) != std::string::npos; };
  const std::string metric = contains("loss") || contains("bits") ? "validation_loss" : "validation_accuracy";
  const auto found = e.evaluations.find(metric);
  if (found == e.evaluations.end() || found->second.at.size() < 2) return {};
  const Curve curve = thinned(found->second);
  const std::vector<Panel> all = split_into_panels(e.comparison), panels = some_of(all);
  Figure figure{.name = "learning_curves", .title = "Learning curves", .legend = legend_of(e.variants)};
  Drawn drawn{{figure.name,
               fmt::format("{}: mean over the trials of a row with its 95 % bootstrap interval", metric),
               {"step", "mean", "low", "high", "trials"}}};
  for (const Panel& panel : panels)
    if (const auto elements = elements_of(e, curve, panel, drawn); !elements.empty())
      figure.panels.push_back({.title = panel.title,
                               .x_label = "optimizer steps",
                               .y_label = axis_label(metric, curve.unit),
                               .commands = plot(elements)});
  if (figure.panels.empty()) return {};
  const std::string axes = linear_axis('x', 0, curve.at.back(), panel_width(figure.panels.size())) +
                           metric_axis(is_share(metric), drawn.heights, figure.panel_height);
  for (FigurePanel& panel : figure.panels) panel.commands = axes + panel.commands;
  if (figure.panels.size() == 1) figure.panel_height = 320;
  figure.data = drawn.data.text();
  figure.caption = caption_of(e, metric, drawn.ends, panels.size(), all.size(), drawn.banded);
  return {figure};
}

}  // namespace heed::report
