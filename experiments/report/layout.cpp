#include "experiments/report/layout.h"

#include <algorithm>
#include <cmath>

#include "experiments/report/text_width.h"

namespace heed::report {
namespace {

constexpr int kEdge = 8;   // free on either side of the page
constexpr int kMark = 36;  // a key's line sample, and the space after it
constexpr int kBetweenKeys = 18;
constexpr int kKeyGap = 4;       // between lines of keys
constexpr int kWidestKey = 310;  // of a key's text
constexpr int kBelow = 54;       // tics and label of the x axis
constexpr int kSmallestPanel = 130;

// Places the keys in columns of equal width; returns their total height.
double place_keys(const std::vector<LegendEntry>& legend, Layout& out) {
  const double room = kWidth - 2 * kEdge;
  double widest = 0;
  for (const LegendEntry& entry : legend) {
    out.keys.push_back({0, 0, wrapped(entry.text, std::min<double>(kWidestKey, room - kMark))});
    for (const std::string& line : out.keys.back().lines) widest = std::max(widest, text_width(line));
  }
  const double each = kMark + widest + kBetweenKeys;
  const std::size_t columns =
      std::max<std::size_t>(1, static_cast<std::size_t>((room + kBetweenKeys) / each));
  double y = kEdge;
  for (std::size_t first = 0; first < out.keys.size(); first += columns) {
    std::size_t lines = 1;
    for (std::size_t i = first; i < std::min(first + columns, out.keys.size()); ++i) {
      Layout::Key& key = out.keys[i];
      key.x = kEdge + static_cast<double>(i - first) * each;
      key.y = y + kLineHeight / 2.;
      lines = std::max(lines, key.lines.size());
    }
    y += static_cast<double>(lines) * kLineHeight + kKeyGap;
  }
  return y;
}

double panel_width(const Layout& l, int columns) {
  return static_cast<double>(kWidth - l.left - l.right - (columns - 1) * l.gap_x) / columns;
}

int columns_of(const Figure& figure, const Layout& l) {
  const std::size_t n = figure.panels.size();
  if (figure.per_row > 0) return figure.per_row;
  int columns = n < 2 ? 1 : n == 2 || n == 4 ? 2 : 3;
  while (columns > 1 && panel_width(l, columns) < kSmallestPanel) --columns;
  return columns;
}

// A title may be as wide as its panel plus half of the gap between panels.
void place_titles(const Figure& figure, Layout& out) {
  const double room = out.panel_width + std::min(out.gap_x / 2., 2. * out.right);
  const bool all_fit = std::all_of(figure.panels.begin(), figure.panels.end(),
                                   [&](const FigurePanel& p) { return text_width(p.title) <= room; });
  for (const FigurePanel& p : figure.panels)
    out.titles.push_back(wrapped(all_fit || p.short_title.empty() ? p.title : p.short_title, room));
}

}  // namespace

Layout layout(const Figure& figure) {
  Layout l{};
  l.left = figure.left, l.right = figure.right, l.bottom = kBelow;
  l.gap_x = figure.gap_x, l.panel_height = figure.panel_height;
  l.columns = columns_of(figure, l);
  l.rows = (static_cast<int>(figure.panels.size()) + l.columns - 1) / l.columns;
  l.panel_width = panel_width(l, l.columns);
  if (figure.square) l.panel_height = l.panel_width;
  place_titles(figure, l);
  std::size_t lines = 0;
  for (const Lines& title : l.titles) lines = std::max(lines, title.size());
  const int titles = kLineHeight * static_cast<int>(lines);
  l.gap_y = figure.gap_y + titles;
  l.top = static_cast<int>(place_keys(figure.legend, l)) + titles + (titles > 0 ? 16 : 12);
  l.height = static_cast<int>(std::ceil(l.top + l.rows * l.panel_height + (l.rows - 1) * l.gap_y + l.bottom));
  return l;
}

double panel_width(std::size_t panels) {
  Figure figure;
  figure.panels.resize(panels);
  return layout(figure).panel_width;
}

}  // namespace heed::report
