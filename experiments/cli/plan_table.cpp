#include "experiments/cli/plan_table.h"

#include <algorithm>
#include <iterator>
#include <sstream>
#include <utility>

#include <fmt/format.h>

#include "experiments/report/compare/table_text.h"
#include "experiments/run/progress.h"
#include "experiments/run/slurm.h"
#include "experiments/trial/quantity.h"

namespace heed::cli {
namespace {

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream in(text);
  return {std::istream_iterator<std::string>(in), {}};
}

std::string number(Index n) { return grouped(static_cast<double>(n)); }

}  // namespace

std::string common_words(const std::vector<std::string>& texts) {
  std::vector<std::string> common = words_of(texts.front());
  for (const std::string& text : texts) {
    const std::vector<std::string> words = words_of(text);
    std::erase_if(common, [&](const auto& word) { return std::ranges::find(words, word) == words.end(); });
  }
  return fmt::format("{}", fmt::join(common, " "));
}

std::string with_prefix(double x, const char* unit) {
  const char* prefixes[] = {"", "k", "M", "G", "T", "P", "E", "Z"};
  std::size_t p = 0;
  for (; x >= 1000 && p + 1 < std::size(prefixes); ++p) x /= 1000;
  return fmt::format("{:.3g} {}{}", x, prefixes[p], unit);
}

void PlanTable::add(const PlannedTrial& t, const Estimate& e, double seconds) {
  flops_ += e.training_flops + e.evaluation_flops;
  seconds_ += seconds;
  longest_ = std::max(longest_, seconds);
  const auto [at, is_new] = row_.insert({t.config.variant + '\n' + t.setting, rows_.size()});
  if (is_new) rows_.push_back({t.config.variant, t.setting, {}, e, seconds});
  rows_[at->second].seeds.push_back(t.config.seed);
}

double PlanTable::seconds(int jobs) const { return std::max(longest_, seconds_ / jobs); }

std::string PlanTable::longer_than(double limit) const {
  std::vector<const Row*> longer;
  for (const Row& row : rows_)
    if (row.seconds > limit) longer.push_back(&row);
  if (longer.empty()) return "";
  const Row& most = **std::ranges::max_element(longer, {}, &Row::seconds);
  return fmt::format(
      "{}{}{} takes about {} on this machine{}; limits.time allows {}.", most.variant,
      most.setting.empty() ? "" : " at ", most.setting, duration_text(most.seconds),
      longer.size() > 1 ? fmt::format(", the longest of {}", count_text(longer.size(), "configuration")) : "",
      duration_text(limit));
}

std::string PlanTable::costs() const {
  std::vector<std::vector<std::string>> rows = {
      {"variant", "setting", "seeds", "parameters", "forward", "training", "memory", "time"}};
  if (has_ranks()) rows[0].insert(rows[0].end() - 1, {"ranks", "exchanged"});
  for (const Row& row : rows_) {
    std::vector<std::size_t> seeds = row.seeds;
    std::ranges::sort(seeds);
    const Estimate& e = row.estimate;
    rows.push_back({row.variant, row.setting, ranges(seeds), number(e.parameters),
                    with_prefix(e.forward_flops, "FLOP"), with_prefix(e.training_flops, "FLOP"),
                    with_prefix(e.memory_bytes, "B"), duration_text(row.seconds)});
    if (has_ranks())
      rows.back().insert(rows.back().end() - 1,
                         {number(e.ranks), e.ranks > 1 ? with_prefix(e.exchanged_bytes, "B") : "-"});
  }
  return aligned(rows, kTableWidth);
}

bool PlanTable::has_ranks() const {
  return std::ranges::any_of(rows_, [](const Row& row) { return row.estimate.ranks > 1; });
}

// Variants that have the same numbers at several settings have one row for these.
std::string PlanTable::parts() const {
  std::vector<std::vector<std::string>> rows = {{"variant", "setting"}};
  if (rows_.empty()) return "";
  rows[0].emplace_back("matrices");
  for (const ComponentCount& c : rows_[0].estimate.components) rows[0].push_back(c.component);
  std::map<std::vector<std::string>, std::vector<std::string>> settings;  // by variant and numbers
  std::vector<std::vector<std::string>> order;
  for (const Row& row : rows_) {
    std::vector<std::string> key = {row.variant, number(row.estimate.matrices)};
    for (const ComponentCount& c : row.estimate.components) key.push_back(number(c.parameters));
    if (settings[key].empty()) order.push_back(key);
    settings[key].push_back(row.setting);
  }
  for (const std::vector<std::string>& key : order) {
    const auto several = std::ranges::count_if(order, [&](const auto& k) { return k[0] == key[0]; });
    rows.push_back({key[0], several > 1 ? common_words(settings[key]) : ""});
    rows.back().insert(rows.back().end(), key.begin() + 1, key.end());
  }
  return aligned(rows, kTableWidth);
}

std::string PlanTable::text() const { return fmt::format("{}\nParameters:\n{}", costs(), parts()); }

}  // namespace heed::cli
