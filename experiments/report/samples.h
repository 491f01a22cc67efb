// What trained models generate: a few examples that trials with saved weights keep.
#pragma once

#include <string>
#include <vector>

#include "experiments/report/report_data.h"

namespace heed::report {

// The texts of the first finished trial of a row of the comparison that has any.
struct GeneratedTexts {
  std::string title;  // "linear, order = raster"; empty if the comparison has one row
  std::vector<std::string> texts;
};

// Returns the texts of at most kMostPanels rows, evenly spaced.
std::vector<GeneratedTexts> generated_texts(const ReportData& data);

}  // namespace heed::report
