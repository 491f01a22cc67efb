#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "experiments/report/figure.h"

namespace heed::report {

// What gnuplot drew: an SVG for each figure. A figure that it could not draw is empty, and `complaint` says
// why.
struct Drawing {
  std::vector<std::string> drawn;
  std::string complaint;
};

// Both throw Stopped if a signal asks for it.
Drawing draw(const std::vector<Figure>& figures, const std::filesystem::path& gnuplot);

// Writes style.gp and each figure's .gp and .tsv to a folder, and draws each as .svg, .pdf and .png unless
// `gnuplot` is empty. Returns why figures are missing, or an empty string. Throws: results::IoError.
std::string save_figures(const std::vector<Figure>& figures, const std::filesystem::path& folder,
                         const std::filesystem::path& gnuplot);

}  // namespace heed::report
