#include <iterator>

#include "experiments/report/figure.h"

namespace heed::report {

std::vector<Figure> figures(const ReportData& data) {
  std::vector<Figure> all;
  for (const auto& make : {learning_curves, cost, swept, learning_rate, scaling, generated_images,
                           attention_noise, attention_maps}) {
    std::vector<Figure> made = make(data);
    std::move(made.begin(), made.end(), std::back_inserter(all));
  }
  return all;
}

}  // namespace heed::report
