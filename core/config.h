#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/error.h"

namespace heed {

// Position of a value in the user's file. Lines and columns count from 1; line 0 means that the value has
// no position (a default, or a value made by a program).
struct Place {
  std::string file;
  int line = 0, column = 0;
  std::string to_string() const;  // "file:line:column", or only the file
};

// A configuration value: null, a scalar, a sequence or a map, each with its position. It holds a parsed
// YAML document, so that core and variants need no YAML library. Keys keep the order in which they were
// written.
class Config {
 public:
  enum class Kind { null, scalar, sequence, map };
  struct Entry;

  Config() = default;
  static Config null(Place place);
  static Config scalar(std::string text, Place place = {}, bool quoted = false);
  static Config sequence(std::vector<Config> items, Place place = {});
  static Config map(Place place = {});
  static Config number(double value);
  static Config integer(long long value);
  static Config boolean(bool value);

  Kind kind() const { return kind_; }
  bool is_null() const { return kind_ == Kind::null; }
  bool is_scalar() const { return kind_ == Kind::scalar; }
  bool is_sequence() const { return kind_ == Kind::sequence; }
  bool is_map() const { return kind_ == Kind::map; }
  const Place& place() const { return place_; }
  const std::string& text() const { return text_; }  // of a scalar, as written
  bool quoted() const { return quoted_; }            // "1" is a string, 1 is a number

  const std::vector<Config>& items() const { return items_; }
  std::vector<Config>& items() { return items_; }
  const std::vector<Entry>& entries() const { return entries_; }
  std::vector<Entry>& entries() { return entries_; }

  const Config* find(std::string_view key) const;  // nullptr if the key is absent
  Config* find(std::string_view key);
  void set(const std::string& key, Config value, Place key_place = {});  // replaces or appends
  void erase(std::string_view key);

  // Finds or sets the value at a dotted path such as "train.lr"; set_path creates missing maps. For
  // overrides and sweeps.
  const Config* find_path(std::string_view path) const;
  void set_path(std::string_view path, Config value);

  // Reads a scalar by the YAML 1.2 core schema: true/false, decimal integers (no octal), numbers. Returns
  // false if the text is something else.
  bool read(bool& value) const;
  bool read(long long& value) const;
  bool read(double& value) const;

  // Describes the value for a message: "the string 'abc'", "a list of 3", "a map".
  std::string described() const;

  // Returns the value on one line in a canonical form: keys sorted, numbers normalized (1e-3 is 0.001).
  // Values with equal meaning have equal text.
  std::string canonical() const;
  // Returns readable YAML in block style, in the order of the keys.
  std::string yaml(int indent = 0) const;

 private:
  Kind kind_ = Kind::null;
  std::string text_;
  bool quoted_ = false;
  Place place_;
  std::vector<Config> items_;
  std::vector<Entry> entries_;
};

struct Config::Entry {
  std::string key;
  Place key_place;
  Config value;
};

// A refused configuration (exit code 64). what() contains every problem found, one per line.
class ConfigError : public Error {
 public:
  using Error::Error;
};

// Collects the problems of a configuration, so that a user sees all of them at once.
class Problems {
 public:
  void add(const Place& place, const std::string& message);  // duplicates are ignored
  void add(const Problems& others);
  bool empty() const { return lines_.empty(); }
  std::size_t size() const { return lines_.size() + more_; }
  const std::vector<std::string>& lines() const { return lines_; }
  void throw_if_any() const;  // throws ConfigError with all lines, ordered by position

 private:
  void insert(const Place& place, const std::string& line);
  std::vector<std::string> lines_;  // ordered by position
  std::vector<Place> places_;       // of lines_
  std::size_t more_ = 0;            // problems found beyond those that are shown
};

// Returns the candidate closest to a misspelled name by edit distance (a swap of neighbors counts as one
// edit), or an empty string if none is close.
std::string nearest(std::string_view name, const std::vector<std::string>& candidates);
// Returns " Did you mean 'size'?" or "", followed by " Known: size, tile."
std::string suggestion(std::string_view name, const std::vector<std::string>& candidates);

}  // namespace heed
