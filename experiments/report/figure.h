// A picture of the report, as data and as gnuplot commands.
#pragma once

#include <string>
#include <vector>

#include "experiments/report/evidence.h"

namespace heed::report {

struct LegendEntry {
  std::string text;
  int style = 1;     // a line style of style.gp
  bool line = true;  // or a point alone
};

struct FigurePanel {
  std::string title = {};                  // above it; empty where there is one panel
  std::string short_title = {};            // where the title does not fit
  std::string x_label = {}, y_label = {};  // with units
  std::string commands = {};               // gnuplot's: settings and one `plot`
};

struct Figure {
  std::string name = {};     // of its files: learning_curves.gp, learning_curves.tsv
  std::string title = {};    // its heading on the page
  std::string caption = {};  // what is seen, in sentences
  std::string data = {};     // the .tsv, blocks of tab-separated numbers
  std::vector<LegendEntry> legend = {};
  std::vector<FigurePanel> panels = {};
  std::vector<std::string> row_names = {};  // of a y axis with names: at 0, 1, 2 ... from the bottom up
  // Pixels: height of a panel's axes, and what is left and right of all panels and between them (titles are
  // added). Row names need what they need.
  int panel_height = 220, left = 74, right = 16, gap_x = 86, gap_y = 74;
  int per_row = 0;      // panels beside each other; as many as fit where it is 0
  bool square = false;  // are panels as high as they are wide?
};

// The figures that these results have something for, in the order of the page.
std::vector<Figure> figures(const Evidence& evidence);

std::vector<Figure> learning_curves(const Evidence& evidence);
std::vector<Figure> cost(const Evidence& evidence);
std::vector<Figure> scaling(const Evidence& evidence);
std::vector<Figure> attention_maps(const Evidence& evidence);
std::vector<Figure> attention_noise(const Evidence& evidence);
std::vector<Figure> swept(const Evidence& evidence);
std::vector<Figure> learning_rate(const Evidence& evidence);

}  // namespace heed::report
