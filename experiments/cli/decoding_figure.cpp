#include "experiments/cli/decoding_figure.h"

#include <algorithm>
#include <cstddef>

#include <fmt/format.h>

#include "experiments/report/axis.h"
#include "experiments/report/data_file.h"
#include "experiments/report/gnuplot.h"
#include "experiments/report/layout.h"
#include "experiments/report/style.h"

namespace heed::cli {
namespace {

// What a panel shows, from a column of the data.
struct Quantity {
  const char *title, *label;
  int column;
  std::vector<double> values = {};         // that are above 0: the axis is logarithmic
  std::vector<std::string> elements = {};  // of the plot
};

std::string axis_of(const Quantity& q, int pixels) {
  const auto [low, high] = std::ranges::minmax(q.values);
  return report::log_axis('y', low / 1.5, high * 1.5, pixels);
}

// Adds the rows of one variant, which has this style.
void add_variant(std::vector<Quantity>& quantities, report::DataFile& data,
                 const std::vector<DecodingRow>& rows, std::size_t style) {
  std::vector<std::vector<double>> numbers;
  for (const DecodingRow& row : rows)
    numbers.push_back({static_cast<double>(row.length), row.microseconds(), row.cost.state_bytes,
                       row.cost.traffic_bytes()});
  const std::string block = data.add(rows[0].variant, numbers);
  for (Quantity& q : quantities) {
    const auto before = q.values.size();
    for (const std::vector<double>& n : numbers)
      if (const double value = n[static_cast<std::size_t>(q.column) - 1]; value > 0)
        q.values.push_back(value);
    if (q.values.size() > before)
      q.elements.push_back(fmt::format("{} using 1:{} with linespoints {} notitle", block, q.column,
                                       report::line_style(style)));
  }
}

}  // namespace

report::Figure decoding_figure(const std::vector<DecodingRow>& rows) {
  report::Figure figure{
      .name = "decoding",
      .title = "Decoding: time and state of one more token",
      .caption =
          "What one more token costs a layer after so many tokens, both axes logarithmic. Time: "
          "processor time, median. State: what the decoder keeps of a sequence; a variant without one "
          "has no line."};
  report::DataFile data(figure.name, figure.title,
                        {"length", "microseconds", "state_bytes", "traffic_bytes"});
  std::vector<Quantity> quantities = {{"time", "time per token (µs)", 2}, {"state", "state (bytes)", 3}};
  std::vector<double> lengths;
  std::vector<std::string> variants;
  for (auto row = rows.begin(); row != rows.end();) {
    const auto end = std::find_if(row, rows.end(), [&](const auto& r) { return r.variant != row->variant; });
    variants.push_back(row->variant);
    add_variant(quantities, data, {row, end}, variants.size() - 1);
    if (lengths.empty())
      for (; row != end; ++row) lengths.push_back(static_cast<double>(row->length));
    row = end;
  }
  std::erase_if(quantities, [](const Quantity& q) { return q.values.empty(); });
  figure.legend = report::legend_of(variants);
  figure.panel_height = 260;
  const double width = report::panel_width(quantities.size());
  for (const Quantity& q : quantities)
    figure.panels.push_back(
        {.title = q.title,
         .x_label = "tokens of the sequence",
         .y_label = q.label,
         .commands = report::x_axis_at(lengths, lengths.front() / 1.2, lengths.back() * 1.2, true, width) +
                     axis_of(q, figure.panel_height) + report::plot(q.elements)});
  figure.data = data.text();
  return figure;
}

}  // namespace heed::cli
