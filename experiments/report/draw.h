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

// What gnuplot drew, in the order of the figures. One that it could not draw is empty, and `complaint` says
// why.
struct Drawing {
  std::vector<Drawn> drawn;
  std::string complaint;
};
//
// Both throw Stopped where a signal asks for it.
Drawing draw(const std::vector<Figure>& figures, const std::filesystem::path& gnuplot);

// Writes style.gp and each figure's .gp and .tsv to a folder, and, unless `gnuplot` is empty, lets it draw
// each as .svg, .pdf and .png. Why not all were drawn; empty where they were. results::IoError
std::string save_figures(const std::vector<Figure>& figures, const std::filesystem::path& folder,
                         const std::filesystem::path& gnuplot);

}  // namespace heed::report
