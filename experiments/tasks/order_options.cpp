#include "experiments/tasks/order_options.h"

#include <fmt/format.h>

namespace heed {

// The default is that of the released code: steps 125,000 and 187,500 of 250,000.
void OrderOptions::complete() {
  if (order == "annealed" && anneal.empty()) anneal = {0.5, 0.75};
}

void OrderOptions::check(const Refuse& refuse) const {
  if (order != "annealed") {
    if (!anneal.empty())
      refuse("anneal",
             fmt::format("it has no effect with 'order: {}'; remove it, or use order: annealed", order));
  } else if (anneal.size() != 2 || anneal[0] > anneal[1]) {
    refuse("anneal", fmt::format("expected two numbers in ascending order, as [0.5, 0.75]; found [{}]",
                                 fmt::join(anneal, ", ")));
  }
}

std::optional<Annealing> OrderOptions::annealing() const {
  if (order == "none") return std::nullopt;
  if (order == "annealed") return Annealing{anneal[0], anneal[1]};
  return order == "random" ? Annealing{1, 1} : Annealing{0, 0};
}

}  // namespace heed
