#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "core/config.h"
#include "core/options.h"
#include "core/registry.h"

namespace heed {

// Reads a section of a sweep file into its options struct. `others`: keys of the section that are read
// elsewhere.
template <class O>
void read_section(O& options, const Config* section, const std::string& name,
                  const std::vector<std::string>& others, Problems& problems) {
  Config known = section ? *section : Config::map();
  const std::string owner = '\'' + name + '\'';
  if (known.is_map()) {
    std::vector<OptionInfo> all = list_options<O>();
    const std::size_t own = all.size();
    for (const std::string& key : others) all.push_back({key, "", "", {}});
    detail::refuse_unknown(known, name, owner, all, problems);
    std::erase_if(known.entries(), [&](const Config::Entry& e) {
      return std::none_of(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(own),
                          [&](const OptionInfo& o) { return o.name == e.key; });
    });
  }
  read_options(options, known, name, owner, problems);
}

// A name with options, as users write it: `softmax` or `{window: {size: 8}}`.
struct Named {
  std::string name;
  Config options;  // a map, or null
  Place place;     // of the name
};
// Reads it. Returns false and adds a problem if it is written otherwise. what: for the message, "a variant".
bool read_named(const Config& c, const std::string& path, const std::string& what, Named& out,
                Problems& problems);

// Returns what is wrong with a name that is not among the known ones: it belongs to something else ("'mqar'
// is a task, not a variant."), or to nothing.
std::string unknown_name(const std::string& what, const std::string& name,
                         const std::vector<std::string>& known, const Registry& registry);

// Returns the options of the sections `task`, `model` and `train` by dotted path: "train.lr", "task.pairs".
// The slots of `model` (positions, feed_forward, ...), task.name, train.optimizer and train.schedule have
// type string. `train` has the options of every optimizer and schedule.
std::vector<OptionInfo> section_options(const Config& tree, const Registry& registry);

// Refuses a list at a path that takes one value, with the way to sweep it. Its first item takes its place, so
// that it is refused once.
void refuse_lists(Config& sections, const std::vector<OptionInfo>& options, Problems& problems);

// Returns true if `sweep` varies this path.
bool is_swept(const Config& tree, const std::string& path);

// Returns true if the option at a path takes a list as its value. Then a list of lists sweeps it.
bool takes_list(const std::string& path, const std::vector<OptionInfo>& options);

// Returns why nothing can be set at a path, as a sentence that names the nearest one, or an empty string if
// it can be set.
std::string refuse_path(const std::string& path, const std::vector<OptionInfo>& options);

}  // namespace heed
