#include "experiments/report/compare/choose.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "experiments/report/compare/compared_trials.h"
#include "experiments/report/compare/reference.h"
#include "experiments/trial/measurement_condition.h"

namespace heed {
namespace {

// "lr", or "lr, and warmup with it,"
std::string chosen_text(const Comparison& comparison) {
  std::vector<std::string> others;
  for (std::size_t c = 0; c < comparison.varied.size(); ++c)
    if (comparison.chosen[c] && comparison.varied[c] != comparison.selected)
      others.push_back(comparison.varied[c]);
  return others.empty() ? comparison.selected
                        : fmt::format("{}, and {} with it,", comparison.selected, fmt::join(others, " and "));
}

// Names each variant whose best value is the smallest or the largest that was tried.
void note_edges(Comparison& out, const std::vector<Group>& groups, std::size_t at) {
  std::vector<std::string> variants;
  std::map<std::string, std::vector<std::string>> edges;
  std::map<std::string, std::size_t> rows;
  for (const Group& g : groups) {
    ++rows[g.row.variant];
    if (g.row.edge == Edge::none) continue;
    if (edges[g.row.variant].empty()) variants.push_back(g.row.variant);
    edges[g.row.variant].push_back(
        fmt::format("{}, the {}", g.row.setting[at], g.row.edge == Edge::smallest ? "smallest" : "largest"));
  }
  if (variants.empty()) return;
  std::vector<std::string> parts;
  for (const std::string& variant : variants) {
    std::vector<std::string>& found = edges[variant];
    const std::size_t count = found.size();
    found.erase(std::unique(found.begin(), found.end()), found.end());
    parts.push_back(
        fmt::format("{} ({}{})", variant, fmt::join(found, "; "),
                    rows[variant] > 1 ? fmt::format("; at {} of {} settings", count, rows[variant]) : ""));
  }
  out.notes.push_back(fmt::format(
      "The chosen {} is at the edge of what was tried for {}: the best may lie beyond. Try values "
      "on that side too.",
      out.varied[at], fmt::join(parts, ", ")));
}

}  // namespace

void choose(Comparison& out, std::vector<Group>& groups, const results::Results& results,
            const CompareOptions& options) {
  std::string path = slot_of(options.select);
  if (path.empty()) path = find_column(results, options.select, "parameter").parameter;
  if (path == "seed" || path == "variant")
    throw Error(
        fmt::format("the {} cannot be chosen: {}.", path,
                    path == "seed" ? "it is what is averaged over" : "variants are what is compared"));
  if (is_measurement_condition(path))
    throw Error(fmt::format("{} cannot be chosen: trials of different values are not measured alike.", path));
  if (is_of_reference(path, options))
    throw Error(
        fmt::format("compare.select chooses {0}, also for the reference, which sets it. Name a reference "
                    "without {0}, or show every value with --select none.",
                    path));
  const auto at =
      static_cast<std::size_t>(std::find(out.paths.begin(), out.paths.end(), path) - out.paths.begin());
  const std::string by = validation_metric(options.metric);
  if (at < out.paths.size()) {
    Selection selection = select(std::move(groups), at, out.paths, better_when(by));
    groups = std::move(selection.groups);
    out.chosen = std::move(selection.chosen);
  }
  if (at == out.paths.size() || !out.chosen[at]) {
    out.notes.push_back(fmt::format("{} has one value at each setting: nothing is chosen.", options.select));
    return;
  }
  out.selected = out.varied[at];
  out.notes.push_back(fmt::format("{} is chosen by {} for each variant; the table shows {} at that value.",
                                  chosen_text(out), by, options.metric));
  note_edges(out, groups, at);
}

}  // namespace heed
