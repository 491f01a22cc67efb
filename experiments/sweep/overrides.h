#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/config.h"
#include "core/registry.h"

namespace heed {

// The place of everything that the command line sets.
extern const Place kCommandLine;

// Sets an override ("train.lr=0.001": a dotted path and a YAML value) in the tree of a sweep file. A list for
// an option that takes one value becomes an axis in sweep.parameters; an override of a swept key removes its
// axis. "variants.NAME.OPTION" and "tasks[0].OPTION" set one option of an entry. Notes what of the file has
// no effect any more.
void apply_override(Config& tree, const std::string& text, const Registry& registry,
                    std::vector<std::string>& notes, Problems& problems);

// Returns the value of `key=text` on the command line, whose place everything in it has. Adds a problem that
// names the key if the text is empty or is no value.
std::optional<Config> command_line_value(const std::string& key, const std::string& text, Problems& problems);

// Returns true if the command line sets a value, or something in it.
bool from_command_line(const Config& c);

// Returns a note for each key that several of the words `key=value` set: the last one counts.
std::vector<std::string> repeated_keys(const std::vector<std::string>& words);

// Returns a note for each override that changes the tree of a file, and whose change a later one undoes:
// train.steps=5 before 'train={lr: 0.1}'.
std::vector<std::string> undone_overrides(const Config& tree, const std::vector<std::string>& overrides,
                                          const Registry& registry);

}  // namespace heed
