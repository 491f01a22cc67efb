// A picture of the report, as data and as gnuplot commands.
#pragma once

#include <string>
#include <vector>

#include "experiments/report/report_data.h"

namespace heed::report {

struct LegendEntry {
  std::string text;
  int style = 1;     // a line style of style.gp
  bool line = true;  // or only a point
};

struct FigurePanel {
  std::string title = {};                  // above it; empty if there is one panel
  std::string short_title = {};            // used if the title does not fit
  std::string x_label = {}, y_label = {};  // with units
  std::string commands = {};               // gnuplot commands: settings and one `plot`
};

struct Figure {
  std::string name = {};     // base name of its files: learning_curves.gp, learning_curves.tsv
  std::string title = {};    // its heading on the page
  std::string caption = {};  // describes the figure, in sentences
  std::string data = {};     // the .tsv, blocks of tab-separated numbers
  std::vector<LegendEntry> legend = {};
  std::vector<FigurePanel> panels = {};
  // In pixels: height of a panel's axes, and the space left and right of all panels and between them (plus
  // titles).
  int panel_height = 220, left = 74, right = 16, gap_x = 86, gap_y = 74;
  int per_row = 0;        // panels per row; 0: as many as fit
  bool square = false;    // true: panels are as high as wide
  bool pictures = false;  // true: images keep their colors on a dark page
};

// Returns the figures for which these results have data, in the order of the page.
std::vector<Figure> figures(const ReportData& data);

std::vector<Figure> learning_curves(const ReportData& data);
std::vector<Figure> cost(const ReportData& data);
std::vector<Figure> scaling(const ReportData& data);
std::vector<Figure> attention_maps(const ReportData& data);
std::vector<Figure> attention_noise(const ReportData& data);
std::vector<Figure> generated_images(const ReportData& data);
std::vector<Figure> swept(const ReportData& data);
std::vector<Figure> learning_rate(const ReportData& data);

}  // namespace heed::report
