// What each query attends to: a map for each layer and head, of one trained model of each variant.
#include "experiments/report/attention_maps.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include <fmt/format.h>

#include "experiments/report/compare/table_cells.h"
#include "experiments/report/figure.h"
#include "experiments/report/gnuplot.h"
#include "results/h5_reader.h"

namespace heed::report {
namespace {

struct Place {
  const char *weights, *name;
};
constexpr std::array<Place, 3> kPlaces = {{{"attention/weights", ""},
                                           {"attention/encoder_weights", "encoder"},
                                           {"attention/cross_weights", "cross-attention"}}};
constexpr std::size_t kMostCells = 128;  // per side of a map; more would not be visible
constexpr std::size_t kMostLayers = 6, kMostHeads = 8;

// Reduces positions to cells: each cell shows the weight farthest from 0 of side x side weights.
struct Cells {
  std::size_t count, side;
};
Cells cells_of(std::size_t time) {
  const std::size_t side = (time + kMostCells - 1) / kMostCells;
  return {(time + side - 1) / side, side};
}

struct Extremes {
  float low = 0, high = 0;
};

Extremes extremes_of(const AttentionMaps& maps) {
  Extremes out;
  for (const float w : maps.weights)
    if (std::isfinite(w)) out.low = std::min(out.low, w), out.high = std::max(out.high, w);
  return out;
}

const float* first_of(const AttentionMaps& maps, std::size_t layer, std::size_t head) {
  return maps.weights.data() + (layer * maps.heads + head) * maps.queries * maps.keys;
}

// Returns a matrix for gnuplot: one line per query, from the first on.
std::string matrix(const AttentionMaps& maps, std::size_t layer, std::size_t head) {
  const float* map = first_of(maps, layer, head);
  const Cells rows = cells_of(maps.queries), columns = cells_of(maps.keys);
  std::string out;
  for (std::size_t row = 0; row < rows.count; ++row)
    for (std::size_t column = 0; column < columns.count; ++column) {
      float farthest = 0;
      for (std::size_t q = row * rows.side; q < std::min(maps.queries, (row + 1) * rows.side); ++q)
        for (std::size_t k = column * columns.side; k < std::min(maps.keys, (column + 1) * columns.side); ++k)
          if (const float w = map[q * maps.keys + k]; std::abs(w) > std::abs(farthest)) farthest = w;
      out += fmt::format("{:.3g}{}", farthest, column + 1 < columns.count ? '\t' : '\n');
    }
  return out;
}

bool has_weights(const AttentionMaps& maps, std::size_t layer, std::size_t head) {
  return std::isfinite(*first_of(maps, layer, head));
}

// Returns the head that attends most to single positions: the largest mean over queries of the largest
// weight.
std::string sharpest(const AttentionMaps& maps) {
  double best = -1;
  std::string name;
  for (std::size_t l = 0; l < maps.layers; ++l)
    for (std::size_t h = 0; h < maps.heads; ++h) {
      if (!has_weights(maps, l, h)) continue;
      const float* map = first_of(maps, l, h);
      double sum = 0;
      for (std::size_t q = 0; q < maps.queries; ++q)
        sum += *std::max_element(map + q * maps.keys, map + (q + 1) * maps.keys);
      if (sum <= best) continue;
      best = sum;
      name = fmt::format("layer {}, head {}", l + 1, h + 1);
    }
  return fmt::format(
      " The head of {} attends most to single positions: the largest weight of a query is {} on average.",
      name, rounded(best / static_cast<double>(maps.queries)));
}

// Returns scale, palette and color box.
std::string colors(const Extremes& extremes) {
  const bool is_signed = extremes.low < 0;
  const float most = std::max(extremes.high, -extremes.low);
  return fmt::format(
      "unset grid\nset style fill solid\nset border 31 lw 0.5 lc rgb '#999999'\nset tics scale 0\n"
      "set palette defined ({})\nset cbrange [{:.4g}:{:.4g}]\nset cblabel 'attention weight'\n"
      "set colorbox user origin screen 1 - (right - 16) / width, screen 1 - (top + across) / height "
      "size screen 10 / width, screen across / height\n",
      is_signed ? "-1 '#7f2704', -0.5 '#D55E00', 0 'white', 0.5 '#0072B2', 1 '#08306b'"
                : "0 'white', 0.35 '#8fbfdf', 0.7 '#0072B2', 1 '#08203b'",
      is_signed ? -most : 0, most);
}

Figure figure_of(const AttentionMaps& maps, std::size_t number) {
  const std::size_t layers = std::min(maps.layers, kMostLayers), heads = std::min(maps.heads, kMostHeads);
  const Extremes extremes = extremes_of(maps);
  const Cells rows = cells_of(maps.queries), columns = cells_of(maps.keys);
  const std::string in_place = maps.place.empty() ? "" : fmt::format(" ({})", maps.place);
  Figure figure{.name = fmt::format("attention_{}", number),
                .title = "Attention of " + maps.variant + in_place};
  figure.square = true, figure.per_row = static_cast<int>(heads);
  figure.left = 52, figure.right = 90, figure.gap_x = 16, figure.gap_y = 18;
  figure.data =
      "# attention weights: a block of lines for each layer and head, a line for each query, a column "
      "for each key\n";
  for (std::size_t l = 0; l < layers; ++l)
    for (std::size_t h = 0; h < heads; ++h) {
      const std::size_t index = l * heads + h;
      figure.data +=
          fmt::format("{}# layer {}, head {}\n{}", index > 0 ? "\n\n" : "", l + 1, h + 1, matrix(maps, l, h));
      const auto ends = [](const Cells& cells) {
        return std::pair(static_cast<double>(cells.count * cells.side), static_cast<double>(cells.side) / 2);
      };
      const auto [x_end, x_half] = ends(columns);
      const auto [y_end, y_half] = ends(rows);
      const auto tics = [](std::size_t n) { return fmt::format("('1' 0, '{}' {})", n, n - 1); };
      const std::string none = "('' 0)";
      const bool bottom = l + 1 == layers, first = h == 0;
      figure.panels.push_back(
          {.title = fmt::format("layer {}, head {}", l + 1, h + 1),
           .short_title = fmt::format("L{} H{}", l + 1, h + 1),
           .x_label = bottom ? "key" : "",
           .y_label = first ? "query" : "",
           .commands =
               fmt::format("{}set xrange [{}:{}]\nset yrange [{}:{}]\nset xtics {}\nset ytics {}\n"
                           "plot '{}.tsv' index {} matrix using ($1 * {}):($2 * {}):3 with image notitle\n",
                           index == 0   ? colors(extremes)
                           : index == 1 ? "unset colorbox\n"
                                        : "",
                           -x_half, x_end - x_half, y_end - y_half, -y_half, bottom ? tics(maps.keys) : none,
                           first ? tics(maps.queries) : none, figure.name, index, columns.side, rows.side)});
    }
  figure.caption = fmt::format(
      "{} ({}){} on the first test sequence: the weight of each query (top to bottom) on each key.{} Weights "
      "are from {} to {}.{}",
      maps.variant, maps.trial, maps.place.empty() ? "" : fmt::format(", {},", maps.place),
      rows.side > 1 || columns.side > 1
          ? fmt::format(" A cell shows the largest of {} x {} weights.", rows.side, columns.side)
          : "",
      rounded(extremes.low), rounded(extremes.high), sharpest(maps));
  if (layers < maps.layers || heads < maps.heads)
    figure.caption +=
        fmt::format(" {} of {} layers and {} of {} heads are shown.", layers, maps.layers, heads, maps.heads);
  return figure;
}

// Removes the padding up to the longest sequence of the sweep; all trials of a file have one shape.
AttentionMaps without_padding(const std::vector<float>& row, const std::vector<std::size_t>& shape) {
  const std::size_t queries = shape[4], keys = shape[5];
  AttentionMaps out;
  out.layers = shape[2], out.heads = shape[3];
  const std::size_t maps = out.layers * out.heads;
  for (std::size_t i = 0; i < maps * queries * keys; ++i)  // of the first sequence
    if (std::isfinite(row[i])) {
      out.queries = std::max(out.queries, i / keys % queries + 1);
      out.keys = std::max(out.keys, i % keys + 1);
    }
  for (std::size_t m = 0; m < maps; ++m)
    for (std::size_t q = 0; q < out.queries; ++q) {
      const float* from = row.data() + (m * queries + q) * keys;
      out.weights.insert(out.weights.end(), from, from + out.keys);
    }
  return out;
}

// Returns the index of a trial in the group, by its number in the plan.
std::optional<std::size_t> place_of(std::int64_t trial, const std::vector<std::int64_t>& trials) {
  const auto at = std::find(trials.begin(), trials.end(), trial);
  if (at == trials.end()) return {};
  return static_cast<std::size_t>(at - trials.begin());
}

}  // namespace

namespace {

std::string trial_text(const ComparedRow& row, const Comparison& comparison) {
  std::string text = fmt::format("seed {}", row.seeds.empty() ? "unknown" : row.seeds[0]);
  for (std::size_t c = 0; c < row.setting.size(); ++c)
    text += fmt::format(", {} = {}", comparison.varied[c], row.setting[c]);
  return text;
}

// Returns the weights of a variant's first finished trial that has any in this place.
std::optional<AttentionMaps> maps_of(const ReportData& e, const std::string& variant, const Place& at,
                                     const results::H5Reader& file, const std::vector<std::int64_t>& trials) {
  const std::vector<std::size_t> shape = file.shape(at.weights);
  if (shape.size() != 6) return std::nullopt;  // saved by a plugin under this name
  for (const ComparedRow& row : e.comparison.rows) {
    const std::vector<std::size_t> done = row.variant == variant ? e.trials(row) : std::vector<std::size_t>();
    const auto place = done.empty() ? std::nullopt : place_of(e.results.trial[done[0]], trials);
    if (!place) continue;
    AttentionMaps maps = without_padding(file.read_rows<float>(at.weights, *place), shape);
    if (maps.keys == 0) continue;
    maps.variant = variant, maps.place = at.name, maps.trial = trial_text(row, e.comparison);
    return maps;
  }
  return std::nullopt;
}

}  // namespace

std::vector<AttentionMaps> read_attention(const ReportData& e) {
  const results::H5Reader file(e.file);
  if (!file.has("attention")) return {};
  const std::vector<std::int64_t> trials = file.read<std::int64_t>("attention/trial");
  std::vector<AttentionMaps> out;
  for (const std::string& variant : e.variants)
    for (const Place& at : kPlaces)
      if (file.has(at.weights))
        if (auto maps = maps_of(e, variant, at, file, trials)) out.push_back(std::move(*maps));
  return out;
}

std::vector<Figure> attention_maps(const ReportData& e) {
  std::vector<Figure> figures;
  if (e.results.trial.empty()) return figures;
  for (const AttentionMaps& maps : read_attention(e)) figures.push_back(figure_of(maps, figures.size() + 1));
  return figures;
}

}  // namespace heed::report
