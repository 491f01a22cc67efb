#include "experiments/report/compare/joined_results.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "experiments/report/compare/compared_trials.h"
#include "experiments/trial/label.h"

namespace heed {
namespace {

using results::Column;
using results::Results;
using results::Role;
using results::Value;

// The location of a trial: the sweep, and the row in it.
struct At {
  std::size_t sweep, row;
};

// Parameters are identified by their paths, because names in a file depend on the other parameters of the
// sweep.
std::string key_of(const Column& column) {
  return column.role == Role::parameter ? "parameter " + column.parameter : column.name;
}

const Column* find(const Results& sweep, const std::string& key) {
  const auto at = std::find_if(sweep.columns.begin(), sweep.columns.end(),
                               [&](const Column& c) { return key_of(c) == key; });
  return at == sweep.columns.end() ? nullptr : &*at;
}

double number_of(const Value* value) {
  if (!value) return std::numeric_limits<double>::quiet_NaN();
  if (const auto* whole = std::get_if<std::int64_t>(value)) return static_cast<double>(*whole);
  if (const auto* flag = std::get_if<bool>(value)) return *flag ? 1 : 0;
  return std::get<double>(*value);
}

// Converts values to one type: strings if one is a string, else numbers. Values of one type do not change.
std::vector<Value> of_one_type(const std::vector<const Value*>& cells) {
  std::set<std::size_t> types;
  bool gaps = false;
  for (const Value* cell : cells)
    if (cell)
      types.insert(cell->index());
    else
      gaps = true;
  const bool text = types.contains(Value(std::string()).index());
  std::vector<Value> out;
  for (const Value* cell : cells)
    if (text)
      out.emplace_back(cell ? value_text(*cell) : "");
    else if (types.size() == 1 && !gaps)
      out.push_back(*cell);
    else
      out.emplace_back(number_of(cell));
  return out;
}

bool same_value(const Value& a, const Value& b) {
  if (a == b) return true;
  const auto *x = std::get_if<double>(&a), *y = std::get_if<double>(&b);
  return x && y && std::isnan(*x) && std::isnan(*y);
}

// Returns true if two records of one trial are equal, except in what varies between runs.
bool same_results(const Results& a, std::size_t i, const Results& b, std::size_t j) {
  return std::all_of(a.columns.begin(), a.columns.end(), [&](const Column& column) {
    if (column.role != Role::metric || column.varies) return true;
    const Column* other = find(b, key_of(column));
    return !other || same_value(column.values[i], other->values[j]);
  });
}

bool is_done(const Results& sweep, std::size_t row) { return sweep.texts("status")[row] == "done"; }

// Returns the rows to keep: each id once.
std::vector<At> rows_of(const std::vector<Results>& sweeps, std::vector<std::string>& notes) {
  std::vector<At> rows;
  std::map<std::string, std::size_t> place;
  std::size_t different = 0;
  for (std::size_t s = 0; s < sweeps.size(); ++s) {
    const std::vector<std::string> ids = sweeps[s].texts("id");
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const auto [at, is_new] = place.insert({ids[i], rows.size()});
      if (is_new) {
        rows.push_back({s, i});
        continue;
      }
      At& first = rows[at->second];
      if (!is_done(sweeps[s], i)) continue;
      if (!is_done(sweeps[first.sweep], first.row))
        first = {s, i};
      else
        different += !same_results(sweeps[first.sweep], first.row, sweeps[s], i);
    }
  }
  if (different > 0)
    notes.push_back(
        fmt::format("{} trial{} in several of these sweeps with different results; the first of each "
                    "counts.",
                    different, different == 1 ? " is" : "s are"));
  return rows;
}

Column joined_column(const std::vector<Results>& sweeps, const std::vector<At>& rows,
                     const std::string& key) {
  Column out;
  std::vector<const Value*> cells;
  for (const Results& sweep : sweeps)
    if (const Column* c = find(sweep, key)) {
      if (out.name.empty()) out = {c->name, c->parameter, c->role, {}, c->unit, c->doc, false};
      out.varies |= c->varies;
    }
  for (const At& at : rows) {
    const Column* c = find(sweeps[at.sweep], key);
    cells.push_back(c ? &c->values[at.row] : nullptr);
  }
  out.values = of_one_type(cells);
  return out;
}

// Returns true for parameters that define a variant.
bool is_of_the_variant(const Column& c) {
  return c.role == Role::parameter && (c.parameter.starts_with("attention") || c.parameter == "grow");
}

// Returns how a label shows an option of a variant: "size", of a layer "0.size".
std::string option_of(const std::string& parameter) {
  constexpr std::string_view kSection = "attention.";
  return parameter.starts_with(kSection) ? parameter.substr(kSection.size()) : parameter;
}

// Returns the names of a stack's layers without repetitions: "softmax+window" of four layers in turn.
std::string in_turn(const std::vector<std::string>& names) {
  std::size_t period = 1;
  const auto repeats = [&] {
    for (std::size_t i = period; i < names.size(); ++i)
      if (names[i] != names[i - period]) return false;
    return true;
  };
  while (!repeats()) ++period;
  return fmt::format(
      "{}", fmt::join(names.begin(), names.begin() + std::ptrdiff_t(std::min(period, names.size())), "+"));
}

// Returns the variant of each trial by its name in the registry: "softmax", "softmax+window".
std::vector<std::string> names_of_variants(const Results& all) {
  std::vector<std::vector<std::string>> layers(all.trial.size());
  for (const Column& c : all.columns)
    if (is_of_the_variant(c) && c.parameter.ends_with(".name"))
      for (std::size_t i = 0; i < layers.size(); ++i)
        if (const std::string name = value_text(c.values[i]); !name.empty()) layers[i].push_back(name);
  std::vector<std::string> names;
  for (const std::vector<std::string>& l : layers) names.push_back(in_turn(l));
  return names;
}

// Returns the groups that have different values in two sweeps.
std::set<std::string> told_apart(const std::vector<std::string>& groups, const std::vector<At>& rows,
                                 const std::vector<std::string>& values) {
  std::map<std::string, std::map<std::size_t, std::set<std::string>>> used;  // by group and sweep
  for (std::size_t i = 0; i < groups.size(); ++i) used[groups[i]][rows[i].sweep].insert(values[i]);
  std::set<std::string> out;
  for (const auto& [group, of_sweep] : used)
    for (const auto& [sweep, seen] : of_sweep)
      if (seen != of_sweep.begin()->second) out.insert(group);
  return out;
}

// Adds to labels what another sweep has differently under the same label: the variant, or options of it.
void tell_variants_apart(Results& all, const std::vector<At>& rows) {
  const auto variant = std::find_if(all.columns.begin(), all.columns.end(),
                                    [](const Column& c) { return c.parameter == "variant"; });
  if (variant == all.columns.end()) return;
  const std::vector<std::string> labels = all.texts("variant"), names = names_of_variants(all);
  std::vector<std::vector<std::pair<std::string, std::string>>> shown(labels.size());
  const auto show = [&](const std::string& option, const std::vector<std::string>& groups,
                        const std::vector<std::string>& values) {
    const std::set<std::string> differing = told_apart(groups, rows, values);
    for (std::size_t i = 0; i < labels.size(); ++i)
      if (differing.contains(groups[i])) shown[i].emplace_back(option, values[i]);
  };
  show("name", labels, names);
  std::vector<std::string> groups = labels;  // options are compared among trials of one variant
  for (std::size_t i = 0; i < groups.size(); ++i) groups[i] += '\n' + names[i];
  for (const Column& c : all.columns) {
    if (!is_of_the_variant(c) || c.parameter.ends_with(".name")) continue;
    std::vector<std::string> values;
    for (const Value& v : c.values) values.push_back(value_text(v));
    show(option_of(c.parameter), groups, values);
  }
  for (std::size_t i = 0; i < labels.size(); ++i) variant->values[i] = label(labels[i], shown[i]);
}

}  // namespace

std::string JoinedResults::renamed(const std::string& label) const {
  const auto at = std::find(labels.begin(), labels.end(), label);
  return at == labels.end() ? label : results.texts("variant")[static_cast<std::size_t>(at - labels.begin())];
}

JoinedResults joined(const std::vector<Results>& sweeps) {
  JoinedResults out;
  const std::vector<At> rows = rows_of(sweeps, out.notes);
  out.results.provenance = sweeps[0].provenance;
  for (std::size_t i = 0; i < rows.size(); ++i) out.results.trial.push_back(static_cast<std::int64_t>(i));
  std::vector<std::string> keys;
  for (const Results& sweep : sweeps)
    for (const Column& c : sweep.columns)
      if (std::find(keys.begin(), keys.end(), key_of(c)) == keys.end()) keys.push_back(key_of(c));
  for (const std::string& key : keys) out.results.columns.push_back(joined_column(sweeps, rows, key));
  results::shorten_names(out.results.columns);
  out.labels = out.results.find("variant") ? out.results.texts("variant") : std::vector<std::string>();
  tell_variants_apart(out.results, rows);
  return out;
}

}  // namespace heed
