#include "experiments/comparison.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <variant>

#include <fmt/format.h>

#include "experiments/variant_list.h"

namespace heed {
namespace {

using results::Column;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

std::string value_text(const results::Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* boolean = std::get_if<bool>(&value)) return *boolean ? "true" : "false";
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return fmt::format("{}", *integer);
  const double number = std::get<double>(value);
  return std::isnan(number) ? "-" : fmt::format("{}", number);
}

double mean_of(const std::vector<double>& values) {
  double sum = 0;
  for (double v : values) sum += v;
  return values.empty() ? kNaN : sum / static_cast<double>(values.size());
}

// What takes different values within one variant, and its value in each trial.
struct Varied {
  std::string name;       // of the column in the table
  std::string parameter;  // dotted path
  std::vector<std::string> values;
};

// The slot of the model whose name or option a parameter is; empty where it is none.
std::string slot_of(const std::string& parameter) {
  for (const char* slot : {"model.positions", "model.feed_forward"})
    if (parameter == slot || parameter.starts_with(std::string(slot) + '.')) return slot;
  return "";
}

bool differs_within(const std::vector<std::string>& groups, const std::vector<std::string>& values) {
  std::map<std::string, std::string> first;
  for (std::size_t i = 0; i < groups.size(); ++i)
    if (first.insert({groups[i], values[i]}).first->second != values[i]) return true;
  return false;
}

std::vector<std::string> texts_of(const Column& column) {
  std::vector<std::string> out;
  for (const results::Value& v : column.values) out.push_back(value_text(v));
  return out;
}

// What stands in a slot, in one word for each trial: its name, and the options that are not the same wherever
// this name stands.
std::vector<std::string> slot_labels(const results::Results& results, const std::string& slot) {
  const std::vector<std::string> names = results.texts(slot + ".name");
  std::vector<std::vector<std::pair<std::string, std::string>>> shown(names.size());
  for (const Column& column : results.columns) {
    if (slot_of(column.parameter) != slot || column.parameter == slot + ".name") continue;
    const std::vector<std::string> values = texts_of(column);
    std::map<std::string, std::set<std::string>> used;
    for (std::size_t i = 0; i < names.size(); ++i) used[names[i]].insert(values[i]);
    const std::string option = column.parameter.substr(slot.size() + 1);
    for (std::size_t i = 0; i < names.size(); ++i)
      if (used[names[i]].size() > 1) shown[i].emplace_back(option, values[i]);
  }
  std::vector<std::string> out;
  for (std::size_t i = 0; i < names.size(); ++i) out.push_back(label(names[i], shown[i]));
  return out;
}

// Parameters, the seed apart, that take different values within one variant; a slot is one of them. Plugins
// are none: where they differ, so does what they bring.
std::vector<Varied> varied_parameters(const results::Results& results,
                                      const std::vector<std::string>& variants) {
  std::vector<Varied> varied;
  for (const Column& column : results.columns) {
    if (column.role != results::Role::parameter || column.parameter == "seed" ||
        column.parameter == "variant" || column.parameter == "plugins")
      continue;
    const std::string slot = slot_of(column.parameter);
    const auto is_there = [&](const Varied& v) { return v.parameter == slot; };
    if (!slot.empty() && std::any_of(varied.begin(), varied.end(), is_there)) continue;
    std::vector<std::string> values = texts_of(column);
    if (!differs_within(variants, values)) continue;
    if (slot.empty())
      varied.push_back({column.name, column.parameter, std::move(values)});
    else
      varied.push_back({slot, slot, slot_labels(results, slot)});
  }
  return varied;
}

const Column& find_column(const results::Results& results, const std::string& name, const char* what) {
  if (const Column* column = results.find(name)) return *column;
  std::vector<std::string> known;
  for (const Column& c : results.columns)
    if (c.role == (std::string(what) == "metric" ? results::Role::metric : results::Role::parameter))
      known.push_back(c.name);
  throw Error(fmt::format("the results have no {} '{}'.{}", what, name, suggestion(name, known)));
}

// For each group of rows that differ in column `at` alone, keeps the row whose trials are best on validation.
void keep_selected(Comparison& comparison, std::size_t at, const std::vector<std::vector<double>>& validation,
                   bool lower) {
  std::map<std::pair<std::string, std::vector<std::string>>, std::size_t> best;
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < comparison.rows.size(); ++i) {
    std::vector<std::string> rest = comparison.rows[i].setting;
    rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(at));
    const auto [found, is_new] = best.insert({{comparison.rows[i].variant, rest}, i});
    const double here = mean_of(validation[i]), there = mean_of(validation[found->second]);
    if (!is_new && (std::isnan(there) || (lower ? here < there : here > there))) found->second = i;
  }
  std::set<std::size_t> kept;
  for (const auto& [key, i] : best) kept.insert(i);
  std::vector<ComparedRow> rows;
  for (std::size_t i : kept) rows.push_back(std::move(comparison.rows[i]));
  comparison.rows = std::move(rows);
}

}  // namespace

double ComparedRow::mean() const { return mean_of(values); }

double ComparedRow::deviation() const {
  if (values.size() < 2) return kNaN;
  const double m = mean();
  double sum = 0;
  for (double v : values) sum += (v - m) * (v - m);
  return std::sqrt(sum / static_cast<double>(values.size() - 1));
}

std::string validation_metric(const std::string& metric) {
  return metric.find("loss") != std::string::npos ? "final_validation_loss" : "final_validation_accuracy";
}

bool lower_is_better(const std::string& metric) { return metric.find("loss") != std::string::npos; }

Comparison compare(const results::Results& results, const CompareOptions& options) {
  Comparison out{options.metric, {}, {}, {}};
  if (results.trial.empty()) {
    out.notes.emplace_back("No trial has ended yet.");
    return out;
  }
  const std::vector<std::string> variants = results.texts("variant"), status = results.texts("status");
  // Where no trial is done there are no metrics at all.
  const bool any_done = std::find(status.begin(), status.end(), "done") != status.end();
  if (any_done) find_column(results, options.metric, "metric");
  const std::vector<double> metric =
      any_done ? results.numbers(options.metric) : std::vector<double>(status.size(), kNaN);
  const std::vector<Varied> varied = varied_parameters(results, variants);
  for (const Varied& v : varied) out.varied.push_back(v.name);
  std::vector<double> on_validation;
  std::string selected;  // the dotted path of what is chosen on validation
  if (!options.select.empty()) {
    selected = slot_of(options.select);
    if (selected.empty()) selected = find_column(results, options.select, "parameter").parameter;
    if (any_done) on_validation = results.numbers(validation_metric(options.metric));
  }

  std::map<std::vector<std::string>, std::size_t> rows;
  std::vector<std::vector<double>> validation;
  std::size_t not_done = 0, without_value = 0;
  for (std::size_t i = 0; i < variants.size(); ++i) {
    std::vector<std::string> key = {variants[i]};
    for (const Varied& v : varied) key.push_back(v.values[i]);
    const auto [at, is_new] = rows.insert({key, out.rows.size()});
    if (is_new) {
      out.rows.push_back({variants[i], {key.begin() + 1, key.end()}, {}, 0});
      validation.emplace_back();
    }
    ComparedRow& row = out.rows[at->second];
    if (status[i] != "done") {
      ++row.not_done, ++not_done;
    } else if (std::isnan(metric[i])) {
      ++without_value;
    } else {
      row.values.push_back(metric[i]);
      if (!on_validation.empty()) validation[at->second].push_back(on_validation[i]);
    }
  }
  if (!options.select.empty()) {
    const auto at = static_cast<std::size_t>(
        std::find_if(varied.begin(), varied.end(), [&](const Varied& v) { return v.parameter == selected; }) -
        varied.begin());
    if (at < varied.size()) {
      keep_selected(out, at, validation, lower_is_better(options.metric));
      out.notes.push_back(
          fmt::format("{} is chosen by {} for each variant; the table shows {} at that value.",
                      varied[at].name, validation_metric(options.metric), options.metric));
    }
  }
  if (not_done > 0)
    out.notes.push_back(
        fmt::format("{} of {} trials are not done and are averaged in nowhere.", not_done, variants.size()));
  if (without_value > 0)
    out.notes.push_back(fmt::format("{} trials that are done have no {}.", without_value, options.metric));
  return out;
}

}  // namespace heed
