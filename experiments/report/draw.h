#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "experiments/report/figure.h"

namespace heed::report {

// One figure as two SVGs, for wide pages and for phones.
struct Drawn {
  std::string wide, narrow;
};

// The drawn figures, in order. A figure that gnuplot could not draw is empty, and `complaint` has the
// reason.
struct Drawing {
  std::vector<Drawn> drawn;
  std::string complaint;
};
//
// Both throw Stopped if a signal asks to stop.
Drawing draw(const std::vector<Figure>& figures, const std::filesystem::path& gnuplot);

// Writes style.gp and each figure's .gp and .tsv to a folder, and draws each as .svg, .pdf and .png unless
// `gnuplot` is empty. Returns why figures are missing, or an empty string. Throws: results::IoError.
std::string save_figures(const std::vector<Figure>& figures, const std::filesystem::path& folder,
                         const std::filesystem::path& gnuplot);

}  // namespace heed::report
