#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/config.h"

namespace heed {

// Options are declared once. A struct names each of its members in `describe`, with range and meaning; the
// default is the member's initializer:
//
//     struct Options {
//       Index size = 16;
//       void describe(auto& option) { option("size", size, {.min = 1, .doc = "keys to the left that a query
//       sees"}); }
//     };
//
// The visitors below list, read and write such a struct. A member is bool, Index, double, std::string or a
// list of Index or double.
struct OptionText {
  std::optional<double> min = {}, max = {};  // both inclusive
  std::vector<std::string> choices = {};     // of a string: the only values that are allowed
  bool size = false;     // of a feed-forward: compare.match adjusts it to match parameters
  bool speed = false;    // changes speed and rounding, never the result: the size of a tile
  bool divides = false;  // of a task: says which part of its data is for training
  std::string doc = "";  // meaning and unit, one line
};

// Defaults that follow from other options, or from a file (its hash), are filled in by an optional member
// `void complete()`. It is called after the options are read and before they are checked.
//
// Lets an options struct refuse values that are wrong only together, in an optional member:
//
//     void check(const Refuse& refuse) const { if (4 * pairs > length) refuse("pairs", "4 * pairs must not
//     exceed length"); }
class Refuse {
 public:
  Refuse(const Config& in, const std::string& path, Problems& problems)
      : in_(in), path_(path), problems_(problems) {}
  void operator()(const std::string& option, const std::string& message) const;

 private:
  const Config& in_;
  const std::string& path_;
  Problems& problems_;
};

struct OptionInfo {
  std::string name, type,
      value;  // type: "boolean", "integer", "number", "string", "list of numbers"; value: the default
  OptionText text;
};

namespace detail {

Config to_config(bool value);
Config to_config(std::ptrdiff_t value);
Config to_config(double value);
Config to_config(const std::string& value);
Config to_config(const std::vector<std::ptrdiff_t>& value);
Config to_config(const std::vector<double>& value);

// Reads one value. If it cannot, adds a problem: `path`, what was found and what would be right.
void from_config(const Config& c, const std::string& path, const OptionText& text, bool& value,
                 Problems& problems);
void from_config(const Config& c, const std::string& path, const OptionText& text, std::ptrdiff_t& value,
                 Problems& problems);
void from_config(const Config& c, const std::string& path, const OptionText& text, double& value,
                 Problems& problems);
void from_config(const Config& c, const std::string& path, const OptionText& text, std::string& value,
                 Problems& problems);
void from_config(const Config& c, const std::string& path, const OptionText& text,
                 std::vector<std::ptrdiff_t>& value, Problems& problems);
void from_config(const Config& c, const std::string& path, const OptionText& text, std::vector<double>& value,
                 Problems& problems);

template <class T>
constexpr const char* type_name() {
  if constexpr (std::is_same_v<T, bool>)
    return "boolean";
  else if constexpr (std::is_same_v<T, std::ptrdiff_t>)
    return "integer";
  else if constexpr (std::is_same_v<T, double>)
    return "number";
  else if constexpr (std::is_same_v<T, std::string>)
    return "string";
  else if constexpr (std::is_same_v<T, std::vector<std::ptrdiff_t>>)
    return "list of integers";
  else
    return "list of numbers";
}

struct Lister {
  std::vector<OptionInfo> found;
  template <class T>
  void operator()(const char* name, T& value, OptionText text) {
    found.push_back({name, type_name<T>(), to_config(value).canonical(), std::move(text)});
  }
};

struct Writer {
  Config out = Config::map();
  template <class T>
  void operator()(const char* name, T& value, const OptionText&) {
    out.set(name, to_config(value));
  }
};

struct Reader {
  const Config& in;
  const std::string& path;
  Problems& problems;
  template <class T>
  void operator()(const char* name, T& value, const OptionText& text) {
    if (const Config* given = in.find(name)) from_config(*given, path + '.' + name, text, value, problems);
  }
};

// Adds a problem for each key of `in` that is not among the known ones.
void refuse_unknown(const Config& in, const std::string& path, const std::string& owner,
                    const std::vector<OptionInfo>& known, Problems& problems);

}  // namespace detail

// Returns every option of O with type, default, range and meaning.
template <class O>
std::vector<OptionInfo> list_options() {
  detail::Lister lister;
  O options;
  options.describe(lister);
  return std::move(lister.found);
}

// Sets the members that `in` (a map or null) names. Unknown keys, wrong types and values out of range become
// problems. path: of `in`, as "variants[2].window"; owner: of the options, as "'window'".
template <class O>
void read_options(O& options, const Config& in, const std::string& path, const std::string& owner,
                  Problems& problems) {
  if (!in.is_map() && !in.is_null())
    return problems.add(in.place(),
                        path + ": the options of " + owner + " must be a map, not " + in.described() + '.');
  detail::refuse_unknown(in, path, owner, list_options<O>(), problems);
  const std::size_t before = problems.size();
  detail::Reader reader{in, path, problems};
  options.describe(reader);
  if constexpr (requires { options.complete(); })
    if (problems.size() == before) options.complete();
  if constexpr (requires(const Refuse& refuse) { std::as_const(options).check(refuse); })
    if (problems.size() == before) std::as_const(options).check(Refuse(in, path, problems));
}

// Returns the resolved values, defaults included.
template <class O>
Config write_options(O options) {
  detail::Writer writer;
  options.describe(writer);
  return std::move(writer.out);
}

// Returns options that were checked before. Throws: ConfigError if they have a problem.
template <class O>
O make_options(const Config& in, const std::string& owner, O options = {}) {
  Problems problems;
  read_options(options, in, owner, '\'' + owner + '\'', problems);
  problems.throw_if_any();
  return options;
}

// For variants without options.
struct NoOptions {
  void describe(auto&) {}
};

}  // namespace heed
