#pragma once

#include <string>
#include <vector>

#include "experiments/report/draw.h"
#include "experiments/report/evidence.h"
#include "experiments/report/figure.h"

namespace heed::report {

// The whole page: verdict, tables, figures, failures, configuration and build. `figures` and `drawing` belong
// together; where nothing was drawn, `no_figures` says why. The same evidence gives the same bytes.
std::string report_page(const Evidence& evidence, const std::vector<Figure>& figures, const Drawing& drawing,
                        const std::string& no_figures);

}  // namespace heed::report
