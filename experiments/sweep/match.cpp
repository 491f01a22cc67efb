#include "experiments/sweep/match.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "experiments/sweep/sections.h"

namespace heed {
namespace {

// Reads `adjust: dim` for every variant, or `adjust: {tokenformer: tokens}` for one. If both the label and
// the name of a variant are keys, the label is used.
void read_adjust(const Config& adjust, const std::vector<VariantEntry>& variants, Match& match,
                 Problems& problems) {
  const auto take = [&](const Config& value, const VariantEntry& variant) {
    match.adjust[variant.label] = value.text();
    match.adjust_places[variant.label] = value.place();
  };
  if (adjust.is_scalar()) {
    for (const VariantEntry& v : variants) take(adjust, v);
    return;
  }
  if (!adjust.is_map())
    return problems.add(
        adjust.place(),
        fmt::format("compare.match.adjust: expected the name of an option, or a map of variants "
                    "to names, found {}.",
                    adjust.described()));
  std::set<std::string> known;
  for (const VariantEntry& v : variants) {
    known.insert(v.label);
    for (const Choice& c : v.attention) known.insert(c.name);
  }
  for (const Config::Entry& e : adjust.entries()) {
    if (!e.value.is_scalar()) {
      problems.add(e.value.place(),
                   fmt::format("compare.match.adjust.{}: expected the name of an option, found {}.", e.key,
                               e.value.described()));
      continue;
    }
    if (!known.contains(e.key))
      problems.add(e.key_place, fmt::format("compare.match.adjust: '{}' is no variant of this sweep.{}",
                                            e.key, suggestion(e.key, {known.begin(), known.end()})));
    for (const VariantEntry& v : variants)
      if (v.label == e.key || (is_called(v, e.key) && !adjust.find(v.label))) take(e.value, v);
  }
}

}  // namespace

Match read_match(const Config* compare, const std::string& reference,
                 const std::vector<VariantEntry>& variants, Problems& problems) {
  Match match;
  const Config* section = compare ? compare->find("match") : nullptr;
  if (!section || section->is_null() || variants.empty()) return match;
  match.place = section->place();
  read_section(match.options, section, "compare.match", {"adjust"}, problems);
  if (!section->is_map()) return match;
  std::string& name = match.options.reference;
  if (name.empty()) {
    name = reference.empty() ? variants[0].label : reference;
  } else {
    std::vector<std::string> labels;
    for (const VariantEntry& v : variants) labels.push_back(v.label);
    if (std::find(labels.begin(), labels.end(), name) == labels.end())
      problems.add(section->find("reference")->place(),
                   fmt::format("compare.match.reference: '{}' is no variant of this sweep.{}", name,
                               suggestion(name, labels)));
  }
  if (const Config* adjust = section->find("adjust"); adjust && !adjust->is_null())
    read_adjust(*adjust, variants, match, problems);
  return match;
}

}  // namespace heed
