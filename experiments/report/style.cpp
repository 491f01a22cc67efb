#include "experiments/report/style.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "experiments/report/gnuplot.h"
#include "experiments/report/layout.h"
#include "experiments/report/text_width.h"

namespace heed::report {
namespace {

// Okabe and Ito's palette, which color-blind readers can distinguish; dark gray replaces yellow, which is
// hard to see on white.
constexpr std::array<const char*, 8> kColors = {"0072B2", "D55E00", "009E73", "CC79A7",
                                                "000000", "E69F00", "56B4E9", "5A5A5A"};
// Seven dashes and nine points: the first repeated pair is the 63rd.
constexpr std::array<const char*, 7> kDashes = {"solid", "(9,3)",  "(2,2)",        "(9,3,2,3)",
                                                "(4,2)", "(14,4)", "(9,3,2,3,2,3)"};
constexpr std::array<int, 9> kPoints = {7, 5, 9, 13, 4, 11, 8, 12, 6};
constexpr std::size_t kStyles = kDashes.size() * kPoints.size();

constexpr const char* kLook = R"gp(
if (!exists('format')) format = 'svg'
output = name . '.' . format
if (format eq 'svg') { set terminal svg size width,height noenhanced font 'sans-serif,13' background rgb 'white' }
if (format eq 'pdf') { set terminal pdfcairo size width/96,height/96 noenhanced font 'sans,7.3' fontscale 1 }
if (format eq 'png') { set terminal pngcairo size 2*width,2*height noenhanced font 'sans,9.75' fontscale 2 linewidth 2 pointscale 2 }
set output output

set border 3 lc rgb '#555555'
set tics nomirror out scale 0.6 textcolor rgb '#333333'
set grid lt 1 lw 0.7 lc rgb '#e4e4e4'
set datafile separator '\t'
set datafile missing 'NaN'
set style fill transparent solid 0.16 noborder
set xtics offset 0, 0.3
set xlabel offset 0, 0.7
set title offset 0, -0.5
unset key
)gp";

// Returns a gnuplot string of several lines.
std::string in_lines(const Lines& lines) {
  std::vector<std::string> parts;
  for (const std::string& line : lines) parts.push_back(quoted(line));
  return parts.empty() ? "''" : fmt::format("{}", fmt::join(parts, ".\"\\n\"."));
}

std::string at_pixel(double x, double y) {
  return fmt::format("screen {:.1f}/width, screen 1 - {:.1f}/height", x, y);
}

// A key is a line sample, its point and its name, with one label per line.
std::string key_commands(const LegendEntry& entry, const Layout::Key& key) {
  std::string out;
  if (entry.line)
    out += fmt::format("set arrow from {} to {} nohead ls {}\n", at_pixel(key.x, key.y),
                       at_pixel(key.x + 30, key.y), entry.style);
  out += fmt::format("set label at {} point ls {} ps {}\n", at_pixel(key.x + 15, key.y), entry.style,
                     entry.line             ? "0.6"
                     : entry.style == kRing ? "1.7"
                                            : "1");
  for (std::size_t i = 0; i < key.lines.size(); ++i)
    out += fmt::format("set label {} at {} left\n", quoted(key.lines[i]),
                       at_pixel(key.x + 36, key.y + static_cast<double>(i) * kLineHeight));
  return out;
}

std::string sizes(const Layout& l) {
  return fmt::format(
      "width = {}.; height = {}.; columns = {}; rows = {}; across = {:.2f}\n"
      "left = {}.; right = {}.; top = {}.; bottom = {}.; gap_x = {}.; gap_y = {}.\n",
      kWidth, l.height, l.columns, l.rows, l.panel_height, l.left, l.right, l.top, l.bottom, l.gap_x,
      l.gap_y);
}

std::string keys(const Figure& f, const Layout& l) {
  std::string out;
  for (std::size_t i = 0; i < f.legend.size(); ++i) out += key_commands(f.legend[i], l.keys[i]);
  return out;
}

// Places the label of the y axis explicitly: gnuplot's own position depends on the fonts.
std::string panel_commands(const FigurePanel& p, const Lines& title) {
  std::string out = fmt::format("set title {}\nset xlabel {}\n", in_lines(title), quoted(p.x_label));
  if (!p.y_label.empty())
    out += fmt::format(
        "set label {} at graph 0, graph 0.5 offset screen (18. - left)/width, screen 0 center rotate by 90\n",
        quoted(p.y_label));
  return out + p.commands;
}

}  // namespace

int style_of(std::size_t place) { return static_cast<int>(place % kStyles) + 1; }

std::string line_style(std::size_t place) { return fmt::format("ls {}", style_of(place)); }

std::vector<LegendEntry> legend_of(const std::vector<std::string>& variants) {
  std::vector<LegendEntry> out;
  for (std::size_t v = 0; v < variants.size(); ++v) out.push_back({variants[v], style_of(v)});
  return out;
}

void add_points_with_bars(std::vector<std::string>& elements, const std::string& block,
                          const std::vector<std::vector<double>>& rows, std::size_t place) {
  // gnuplot skips points whose bars are NaN, and fails if all are. With a bar it would draw a white disc
  // below each point, over other elements.
  if (std::any_of(rows.begin(), rows.end(), [](const auto& row) { return std::isfinite(row[2]); }))
    elements.push_back(fmt::format("{} using 1:2:3:4 with yerrorbars {} dt solid lw 1.5 ps 0 notitle", block,
                                   line_style(place)));
  elements.push_back(
      fmt::format("{} using 1:2 with points {} dt solid lw 1.5 ps 0.8 notitle", block, line_style(place)));
}

std::string color(std::size_t place) { return kColors[place % kStyles % kColors.size()]; }

std::string style_script() {
  std::string out =
      "# The look of the figures, which load it. They make an SVG, and with format = 'pdf' or 'png' these:\n"
      "#     gnuplot -e \"format = 'pdf'\" learning_curves.gp\n"
      "reset\n"
      "set encoding utf8\n";
  for (std::size_t i = 0; i < kStyles; ++i)
    out += fmt::format("set style line {} lc rgb '#{}' dt {} lw 2 pt {} ps 0.6\n", i + 1, color(i),
                       kDashes[i % kDashes.size()], kPoints[i % kPoints.size()]);
  return out + fmt::format("set style line {} lc rgb '#333333' lw 1.2 pt 6 ps 1.9\n", kRing) + kLook;
}

std::string figure_script(const Figure& f) {
  const Layout l = layout(f);
  std::string out = fmt::format("# {}\nname = '{}'\n", quoted(f.title), f.name);
  out += sizes(l) + "load 'style.gp'\n" + keys(f, l);
  out +=
      "set multiplot layout rows,columns margins left/width, 1 - right/width, bottom/height, 1 - top/height "
      "\\\n"
      "  spacing gap_x/width, gap_y/height\n";
  for (std::size_t i = 0; i < f.panels.size(); ++i)
    out += (i > 0 ? "\nunset label; unset arrow\n" : "\n") + panel_commands(f.panels[i], l.titles[i]);
  return out + "\nunset multiplot\nunset output\n";
}

}  // namespace heed::report
