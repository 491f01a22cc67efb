// Small multiples: a panel for each setting of what the sweep varies.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "experiments/report/compare/comparison.h"

namespace heed::report {

inline constexpr std::size_t kMostPanels = 9;

struct Panel {
  std::string title;  // "lr = 0.001, length = 64"; empty where nothing varies
  std::vector<const ComparedRow*> rows;
};

// Do the variant and the `given` columns tell the value in column c?
bool follows(const Comparison& comparison, std::size_t c, const std::vector<bool>& given);

// One panel for each setting, without the column `along` that an axis shows, what is selected, and what
// follows from the other columns, as task.pairs where it changes together with task.length.
std::vector<Panel> split_into_panels(const Comparison& comparison, std::optional<std::size_t> along = {});

// At most kMostPanels of them, the first, the last and others at even distances.
template <class T>
std::vector<T> some_of(std::vector<T> panels) {
  if (panels.size() <= kMostPanels) return panels;
  std::vector<T> some;
  for (std::size_t i = 0; i < kMostPanels; ++i)
    some.push_back(std::move(panels[i * (panels.size() - 1) / (kMostPanels - 1)]));
  return some;
}

}  // namespace heed::report
