#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/options.h"
#include "core/orders.h"

namespace heed {

// The options of a task whose sequences may be read in any order (OrderTraits).
struct OrderOptions {
  std::string order = "none";
  std::vector<double> anneal;

  void describe(auto& option) {
    option("order", order,
           {.choices = {"none", "raster", "random", "annealed"},
            .doc = "none: as other tasks; with the others each row also knows the position that it predicts, "
                   "and training reads sequences as they are, in random orders, or in random orders first"});
    option("anneal", anneal,
           {.min = 0,
            .max = 1,
            .doc = "for order: annealed, the part of the training until which all orders are random, and the "
                   "part from which none is; empty: [0.5, 0.75]"});
  }
  void complete();
  void check(const Refuse& refuse) const;
  // Returns nullopt if the order is none. Requires: the options were completed and checked.
  std::optional<Annealing> annealing() const;
};

}  // namespace heed
