#include "experiments/sweep/settle_compare.h"

#include <algorithm>

#include <fmt/format.h>

#include "experiments/sweep/overridden.h"
#include "experiments/sweep/overrides.h"
#include "experiments/sweep/own_settings.h"
#include "experiments/sweep/sections.h"
#include "experiments/sweep/variant_list.h"
#include "experiments/trial/compare_options.h"

namespace heed {
namespace {

// Returns true if a label, "window(size=8)" or "window+softmax", begins with a registered variant.
bool names_variant(const std::string& label, const Registry& registry) {
  return registry.find_variant(label.substr(0, label.find_first_of("(+"))) != nullptr;
}

// What an override of the list of variants removes names of.
struct Replaced {
  const std::vector<VariantEntry>& entries;     // of the command line
  const std::vector<std::string>& file_labels;  // of the file's own variants
  const Registry& registry;

  // Returns true if a name is that of a variant, or the label of one in the file.
  bool knows(const std::string& name) const {
    return names_variant(name, registry) || std::ranges::find(file_labels, name) != file_labels.end();
  }
};

// Replaces a reference that is not among the variants of the command line by the first of these.
void settle_reference(Config* reference, const std::string& path, const Replaced& replaced,
                      std::vector<std::string>& notes) {
  const std::vector<VariantEntry>& entries = replaced.entries;
  const Config* variant = reference && reference->is_map() ? reference->find("variant") : reference;
  if (!variant || !variant->is_scalar() || from_command_line(*reference) || entries.empty() ||
      !replaced.knows(variant->text()))
    return;
  const bool is_there = std::any_of(entries.begin(), entries.end(),
                                    [&](const VariantEntry& v) { return v.label == variant->text(); });
  if (is_there) return;
  notes.push_back(
      fmt::format("{}: '{}' is not among the variants of the command line; the first of them, '{}', becomes "
                  "the reference.",
                  path, variant->text(), entries[0].label));
  *reference = Config::scalar(entries[0].label, kCommandLine);
}

// Removes tunable options of variants that are not on the command line.
void settle_adjust(Config* adjust, const Replaced& replaced) {
  if (!adjust || !adjust->is_map()) return;
  std::erase_if(adjust->entries(), [&](const Config::Entry& e) {
    return !from_command_line(e.value) && replaced.knows(e.key) &&
           std::none_of(replaced.entries.begin(), replaced.entries.end(),
                        [&](const VariantEntry& v) { return is_called(v, e.key); });
  });
}

// Removes parameters of a reference that have one value on the command line.
void settle_reference_values(const Config& tree, Config* reference, std::vector<std::string>& notes) {
  if (!reference || !reference->is_map() || from_command_line(*reference)) return;
  std::erase_if(reference->entries(), [&](const Config::Entry& e) {
    const Config* set = e.key == "variant" ? nullptr : tree.find_path(e.key);
    if (!set || !from_command_line(*set) || is_swept(tree, e.key)) return false;
    notes.push_back(
        fmt::format("compare.reference: '{}' has one value on the command line, which the "
                    "reference has, too.",
                    e.key));
    return true;
  });
}

// Removes the file's rule, which stops the worse values of what is selected.
void drop_stop(SweepFile& file) {
  Config* sweep = file.tree.find("sweep");
  const Config* stop = sweep ? sweep->find("stop") : nullptr;
  if (!stop || from_command_line(*stop)) return;
  file.notes.emplace_back("sweep.stop: nothing is selected, so nothing competes; no trial is stopped.");
  sweep->erase("stop");
}

}  // namespace

std::vector<std::string> labels_of(const Config& tree, const Registry& registry) {
  Problems reported_later;
  std::vector<std::string> out;
  for (const VariantEntry& v : read_variants(tree, registry, reported_later)) out.push_back(v.label);
  return out;
}

void settle_compare(SweepFile& file, const std::vector<std::string>& file_labels, const Registry& registry) {
  Config* compare = file.tree.find("compare");
  if (!compare || !compare->is_map()) return;
  const Config* variants = file.tree.find("variants");
  if (variants && from_command_line(*variants)) {
    Problems refused_later;
    const std::vector<VariantEntry> entries = read_variants(file.tree, registry, refused_later);
    const Replaced replaced{entries, file_labels, registry};
    settle_reference(compare->find("reference"), "compare.reference", replaced, file.notes);
    if (Config* match = compare->find("match"); match && match->is_map()) {
      settle_reference(match->find("reference"), "compare.match.reference", replaced, file.notes);
      settle_adjust(match->find("adjust"), replaced);
    }
  }
  settle_reference_values(file.tree, compare->find("reference"), file.notes);
  const Config* select = compare->find("select");
  if (!select || !select->is_scalar()) return;
  if (from_command_line(*select)) {
    if (select->text() == kNothing) drop_stop(file);
    return;
  }
  const Config* set = file.tree.find_path(select->text());
  const std::vector<std::string> own = own_paths(file.tree);
  if (set && from_command_line(*set) && !is_swept(file.tree, select->text()) &&
      std::ranges::find(own, compared_path(select->text())) == own.end()) {
    file.notes.push_back(fmt::format(
        "compare.select: '{}' has one value on the command line; nothing is selected.", select->text()));
    compare->erase("select");
    drop_stop(file);
  }
}

}  // namespace heed
