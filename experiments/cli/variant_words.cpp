#include "experiments/cli/variant_words.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "experiments/cli/command.h"
#include "experiments/sweep/sections.h"
#include "experiments/sweep/variant_names.h"
#include "experiments/trial/label.h"
#include "experiments/trial/yaml.h"

namespace heed::cli {
namespace {

// A variant as it is written on the command line: `window size=64 global=[0]`.
struct Wanted {
  std::string name;
  Config options = Config::map();
  std::vector<std::pair<std::string, std::string>> shown = {};  // the options, for its label
};

// Reads names, each followed by its options. Throws: UsageError if an option precedes the first name.
std::vector<Wanted> read_words(const std::vector<std::string>& words, Problems& problems) {
  std::vector<Wanted> out;
  for (const std::string& word : words) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos) {
      out.push_back({word});
      continue;
    }
    if (out.empty()) throw UsageError(fmt::format("'{}' sets an option, but no variant precedes it.", word));
    const std::string key = word.substr(0, equals), value = word.substr(equals + 1);
    if (out.back().options.find(key))
      throw UsageError(
          fmt::format("'{}' is given twice for {}. Write a list of values, as {}=[1,2], or {} again.", key,
                      out.back().name, key, out.back().name));
    if (const auto parsed = parse_yaml_value(value, "command line", problems))
      out.back().options.set(key, *parsed);
    out.back().shown.emplace_back(key, value);
  }
  return out;
}

// A feed-forward is not read from `variants`, where it would be a mistake.
VariantEntry feed_forward_entry(const Wanted& wanted, const Registry& registry, Problems& problems) {
  const Config options = registry.variant(wanted.name).resolve(wanted.options, wanted.name, problems);
  return {label(wanted.name, wanted.shown), {{wanted.name, options}}, wanted.name, {}};
}

// Returns the options that were given, with the values that one of several entries has.
std::vector<std::pair<std::string, std::string>> shown_values(const Wanted& wanted, const Config& options) {
  auto shown = wanted.shown;
  for (auto& [key, value] : shown)
    if (const Config* given = wanted.options.find(key), *one = options.find(key);
        given && one && given->is_sequence() && one->is_scalar())
      value = one->text();
  return shown;
}

}  // namespace

std::vector<VariantEntry> variants_of(const std::vector<std::string>& words, const Registry& registry) {
  Problems problems;
  std::vector<Wanted> wanted = read_words(words, problems);
  const std::vector<std::string> known = names(registry.variants());
  if (words.empty())
    for (const std::string& name : known) wanted.push_back({name});
  std::vector<VariantEntry> entries;
  for (const Wanted& w : wanted) {
    if (std::find(known.begin(), known.end(), w.name) == known.end())
      throw UsageError(unknown_name("variant", w.name, known, registry));
    if (is_feed_forward(registry.variant(w.name))) {
      entries.push_back(feed_forward_entry(w, registry, problems));
      continue;
    }
    Config entry = Config::map(), tree = Config::map();
    entry.set(w.name, w.options);
    tree.set("variants", Config::sequence({entry}));
    for (VariantEntry& read : read_variants(tree, registry, problems)) {
      read.label = label(w.name, shown_values(w, read.attention.front().options));
      entries.push_back(std::move(read));
    }
  }
  problems.throw_if_any();
  return entries;
}

}  // namespace heed::cli
