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
  std::string title;  // "lr = 0.001, length = 64"; empty if nothing varies
  std::vector<const ComparedRow*> rows;
};

// Returns true if the variant and the `given` columns determine the value in column c.
bool follows(const Comparison& comparison, std::size_t c, const std::vector<bool>& given);

// Returns one panel for each setting. Settings leave out the column `along` (shown on an axis), selected
// columns, and columns that follow from others (task.pairs if it changes together with task.length).
std::vector<Panel> split_into_panels(const Comparison& comparison, std::optional<std::size_t> along = {});

// Returns " at lr = 0.001" for the titles of a panel's data, or an empty string.
std::string at(const std::string& title);

// Returns what an axis of the compared metric must show: the mean and the interval of each row.
std::vector<double> heights_of(const Comparison& comparison);

// Returns at most kMostPanels of them, evenly spaced, including the first and the last.
template <class T>
std::vector<T> some_of(std::vector<T> panels) {
  if (panels.size() <= kMostPanels) return panels;
  std::vector<T> some;
  for (std::size_t i = 0; i < kMostPanels; ++i)
    some.push_back(std::move(panels[i * (panels.size() - 1) / (kMostPanels - 1)]));
  return some;
}

}  // namespace heed::report
