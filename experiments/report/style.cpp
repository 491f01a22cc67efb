#include "experiments/report/style.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "experiments/report/gnuplot.h"

namespace heed::report {
namespace {

// Okabe and Ito's colours, which differ for colour-blind eyes; grey in place of the yellow, which white
// drowns.
constexpr std::array<const char*, 8> kColours = {"0072B2", "D55E00", "009E73", "CC79A7",
                                                 "000000", "E69F00", "56B4E9", "7F7F7F"};
// Seven dashes and nine points: the first pair that comes again is the 63rd.
constexpr std::array<const char*, 7> kDashes = {"solid", "(9,3)",  "(2,2)",        "(9,3,2,3)",
                                                "(4,2)", "(14,4)", "(9,3,2,3,2,3)"};
constexpr std::array<int, 9> kPoints = {7, 5, 9, 13, 4, 11, 8, 12, 6};
constexpr std::size_t kStyles = kDashes.size() * kPoints.size();

// Sizes are pixels of the SVG. `narrow` makes one column of panels, for a page that is 360 wide. A figure
// sets per_row and square where its panels stand in a grid of their own.
constexpr const char* kLayout = R"gp(
if (!exists('format')) format = 'svg'
if (!exists('narrow')) narrow = 0
width = narrow ? 360. : 720.
columns = per_row > 0 ? per_row : narrow || panels < 2 ? 1 : panels < 5 ? 2 : 3
rows = (panels + columns - 1) / columns
bottom = 62.
across = square ? (width - left - right - (columns - 1) * gap_x) / columns : panel_height
key_columns = int((width - 16) / key_width)
key_columns = key_columns < 1 ? 1 : key_columns > series ? series : key_columns
key_rows = series > 0 ? (series + key_columns - 1) / key_columns : 0
top = 40. + 20 * key_rows
height = top + rows * across + (rows - 1) * gap_y + bottom

output = name . (narrow ? '_narrow.' : '.') . format
if (format eq 'svg') { set terminal svg size width,height noenhanced font 'sans-serif,13' background rgb 'white' }
if (format eq 'pdf') { set terminal pdfcairo size width/72,height/72 noenhanced font 'sans,13' }
if (format eq 'png') { set terminal pngcairo size 2*width,2*height noenhanced font 'sans,13' fontscale 2 linewidth 2 pointscale 2 }
set output output

set border 3 lc rgb '#555555'
set tics nomirror out scale 0.6 textcolor rgb '#333333'
set grid lt 1 lw 0.7 lc rgb '#e4e4e4'
set datafile separator '\t'
set datafile missing 'NaN'
set style fill transparent solid 0.16 noborder
set xtics offset 0, 0.3
set xlabel offset 0, 0.7
set ylabel offset 0.6, 0
set title offset 0, -0.5
unset key

# The legend: a piece of line, its point and its name; the first panel draws it, above all panels.
do for [i = 1:series] {
  x = 8 + (i - 1) % key_columns * key_width
  y = 1 - (14. + (i - 1) / key_columns * 20) / height
  if (legend_line[i]) {
    set arrow i from screen x / width, screen y to screen (x + 30) / width, screen y nohead ls legend_style[i]
  }
  set label 2 * i at screen (x + 15) / width, screen y point ls legend_style[i] ps (legend_line[i] ? 0.6 : legend_style[i] == 101 ? 1.7 : 1)
  set label 2 * i + 1 legend[i] at screen (x + 36) / width, screen y left front
}
set multiplot layout rows,columns margins left/width, 1 - right/width, bottom/height, 1 - top/height \
  spacing gap_x/width, gap_y/height
)gp";

// Characters, not bytes.
std::size_t length(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

}  // namespace

int style_of(std::size_t place) { return static_cast<int>(place % kStyles) + 1; }

std::string line_style(std::size_t place) { return fmt::format("ls {}", style_of(place)); }

std::vector<LegendEntry> legend_of(const std::vector<std::string>& variants) {
  std::vector<LegendEntry> out;
  for (std::size_t v = 0; v < variants.size(); ++v) out.push_back({variants[v], style_of(v)});
  return out;
}

std::string colour(std::size_t place) { return kColours[place % kStyles % kColours.size()]; }

std::string style_script() {
  std::string out =
      "# The look of the figures, which load it. They make an SVG, and with format = 'pdf' or 'png' these:\n"
      "#     gnuplot -e \"format = 'pdf'\" learning_curves.gp\n"
      "reset\n"
      "set encoding utf8\n";
  for (std::size_t i = 0; i < kStyles; ++i)
    out += fmt::format("set style line {} lc rgb '#{}' dt {} lw 2 pt {} ps 0.6\n", i + 1, colour(i),
                       kDashes[i % kDashes.size()], kPoints[i % kPoints.size()]);
  return out + fmt::format("set style line {} lc rgb '#333333' lw 1.2 pt 6 ps 1.9\n", kRing) +
         "set style line 102 lc rgb '#000000' lw 1.5 pt 7 ps 0.9\n"
         "set style line 103 lc rgb '#555555' lw 1.5 pt 4 ps 1\n"
         "set style line 104 lc rgb '#999999' lw 1.5 pt 8 ps 1\n" +
         kLayout;
}

std::string figure_script(const Figure& f) {
  std::size_t longest = 0;
  std::vector<std::string> names, styles, lines;
  for (const LegendEntry& entry : f.legend) {
    longest = std::max(longest, length(entry.text));
    names.push_back(quoted(entry.text)), styles.push_back(fmt::format("{}", entry.style));
    lines.push_back(entry.line ? "1" : "0");
  }
  const std::size_t entries = names.size();
  std::string out = fmt::format(
      "# {}\nname = '{}'; panels = {}; series = {}; key_width = {}.\n"
      "panel_height = {}.; right = {}.; gap_x = {}.; gap_y = {}.; per_row = {}; square = {}; left = {}.\n",
      quoted(f.title), f.name, f.panels.size(), entries, 54 + 7 * longest, f.panel_height, f.right, f.gap_x,
      f.gap_y, f.per_row, f.square ? 1 : 0, f.left);
  if (entries > 0)
    out += fmt::format(
        "array legend[{0}] = [{1}]\narray legend_style[{0}] = [{2}]\narray legend_line[{0}] = [{3}]\n",
        entries, fmt::join(names, ", "), fmt::join(styles, ", "), fmt::join(lines, ", "));
  out += "load 'style.gp'\n";
  for (std::size_t i = 0; i < f.panels.size(); ++i)
    out += (i == 1 ? "\nunset label; unset arrow\n" : "\n") + f.panels[i];
  return out + "\nunset multiplot\nunset output\n";
}

}  // namespace heed::report
