#pragma once

#include <string>
#include <vector>

#include "experiments/report/draw.h"
#include "experiments/report/figure.h"
#include "experiments/report/report_data.h"

namespace heed::report {

// Returns the whole page: verdict, tables, figures, failures, configuration and build. `drawing` has the
// drawn `figures`; if nothing was drawn, `no_figures` says why. The same data give the same bytes.
std::string report_page(const ReportData& data, const std::vector<Figure>& figures, const Drawing& drawing,
                        const std::string& no_figures);

}  // namespace heed::report
