// Time and memory against the length of the sequence, both axes logarithmic: a power law is a straight line,
// and its exponent the slope.
#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include "experiments/report/axis.h"
#include "experiments/report/data_file.h"
#include "experiments/report/figure.h"
#include "experiments/report/gnuplot.h"
#include "experiments/report/layout.h"
#include "experiments/report/style.h"
#include "results/statistics.h"

namespace heed::report {
namespace {

constexpr const char* kLength = "task.length";
constexpr std::size_t kFewestLengths = 3;  // two points fit any power law

struct Quantity {
  const char *column, *label, *words;
};
constexpr std::array<Quantity, 3> kQuantities = {
    {{"step_milliseconds", "time per step (ms)", "time"},
     {"peak_memory_bytes", "memory of the process (bytes)", "memory"},
     {"state_bytes", "state per sequence (bytes)", "state"}}};

struct Law {
  std::size_t variant;
  std::vector<std::vector<double>> points;  // length, mean, and the fitted value
  double exponent;                          // y = factor * length ^ exponent
};

// Fits log y over log x by least squares.
void fit(Law& law) {
  double n = 0, x = 0, y = 0, xx = 0, xy = 0;
  for (const std::vector<double>& p : law.points) {
    const double u = std::log(p[0]), v = std::log(p[1]);
    n += 1, x += u, y += v, xx += u * u, xy += u * v;
  }
  law.exponent = (n * xy - x * y) / (n * xx - x * x);
  const double factor = std::exp((y - law.exponent * x) / n);
  for (std::vector<double>& p : law.points) p.push_back(factor * std::pow(p[0], law.exponent));
}

// Returns a variant's mean at each length, over all its finished trials.
std::vector<Law> laws_of(const ReportData& e, const char* column) {
  const std::vector<double> lengths = e.results.numbers(kLength), values = e.results.numbers(column);
  const std::vector<std::string> status = e.results.texts("status");
  std::vector<Law> laws;
  for (std::size_t v = 0; v < e.variants.size(); ++v) {
    std::map<double, std::vector<double>> at;
    for (std::size_t i = 0; i < values.size(); ++i)
      if (e.key[i][0] == e.variants[v] && status[i] == "done" && values[i] > 0)
        at[lengths[i]].push_back(values[i]);
    Law law{v, {}, 0};
    for (const auto& [length, all] : at) law.points.push_back({length, statistics::mean(all)});
    if (law.points.size() < kFewestLengths) continue;
    fit(law);
    laws.push_back(std::move(law));
  }
  return laws;
}

// Returns two decimals, without "-0".
std::string exponent_text(double x) { return fmt::format("{:.2f}", std::abs(x) < 0.005 ? 0. : x); }

FigurePanel panel_of(const Quantity& quantity, const std::vector<Law>& laws, const ReportData& e,
                     DataFile& data, double width, int height) {
  double least = laws[0].points[0][1], most = least, shortest = laws[0].points[0][0], longest = shortest;
  std::vector<std::string> elements;
  for (const Law& law : laws) {
    for (const std::vector<double>& p : law.points) {
      shortest = std::min(shortest, p[0]), longest = std::max(longest, p[0]);
      least = std::min({least, p[1], p[2]}), most = std::max({most, p[1], p[2]});
    }
    const std::string style = line_style(law.variant);
    const std::string block = data.add(
        fmt::format("{}, {}: exponent {:.3f}", quantity.column, e.variants[law.variant], law.exponent),
        law.points);
    elements.push_back(fmt::format("{} using 1:2 with points {} ps 0.8 notitle", block, style));
    elements.push_back(fmt::format("{} using 1:3 with lines {} notitle", block, style));
  }
  // If the range is below a factor of two (nothing depends on the length), shows a factor of two.
  least /= 1.3, most *= std::max(1.3, 2.6 * least / most);
  std::vector<double> lengths;
  for (const std::vector<double>& p : laws[0].points) lengths.push_back(p[0]);
  return {.title = quantity.words,
          .x_label = "sequence length (tokens)",
          .y_label = quantity.label,
          .commands = x_axis_at(lengths, shortest / 1.15, longest * 1.15, true, width) +
                      log_axis('y', least, most, height) + plot(elements)};
}

}  // namespace

std::vector<Figure> scaling(const ReportData& e) {
  const auto& paths = e.comparison.paths;
  if (std::find(paths.begin(), paths.end(), kLength) == paths.end()) return {};
  Figure figure{
      .name = "scaling", .title = "Time and memory against length", .legend = legend_of(e.variants)};
  const double width = panel_width(kQuantities.size());
  DataFile data(figure.name, "means over all trials of a variant, with the exponent of the fitted power law",
                {"length", "mean", "fitted"});
  std::vector<std::string> parts;
  std::string loads;
  for (const Quantity& quantity : kQuantities) {
    if (!e.has(quantity.column)) continue;
    const std::vector<Law> laws = laws_of(e, quantity.column);
    if (laws.empty()) continue;
    figure.panels.push_back(panel_of(quantity, laws, e, data, width, figure.panel_height));
    std::vector<std::string> exponents;
    for (const Law& law : laws)
      exponents.push_back(fmt::format("{} {}", e.variants[law.variant], exponent_text(law.exponent)));
    parts.push_back(fmt::format("{}: {}", quantity.words, fmt::join(exponents, ", ")));
    loads += load_note(e, quantity.column);
  }
  if (figure.panels.empty()) return {};
  figure.data = data.text();
  figure.caption = fmt::format(
      "Mean over all trials of a variant at each length. The lines are power laws, fitted by least squares "
      "of the logarithms. Their exponents (1: linear in the length, 2: quadratic) are, of {}.{}",
      fmt::join(parts, "; "), loads);
  return {figure};
}

}  // namespace heed::report
