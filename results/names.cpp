#include "results/names.h"

#include <algorithm>
#include <cstddef>
#include <map>

namespace heed::results {

namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

constexpr int kLastCandidate = 2;

std::string last_part(const std::string& parameter) { return parameter.substr(parameter.rfind('.') + 1); }

std::string with_underscores(std::string parameter) {
  std::replace(parameter.begin(), parameter.end(), '.', '_');
  return parameter;
}

// The sections whose keys heed declares itself have different keys. Variants and tasks, also those of
// plugins, may call their options as they like.
std::string name_in_file(const std::string& parameter) {
  const std::string last = last_part(parameter);
  const bool is_short = parameter == "train." + last || parameter == "model." + last;
  return is_short ? last : with_underscores(parameter);
}

std::string candidate(const std::string& parameter, int number, std::string (*first)(const std::string&)) {
  if (number == kLastCandidate) return "parameter_" + parameter;
  return number == 0 ? first(parameter) : with_underscores(parameter);
}

// Returns for each parameter its first candidate that nothing else has.
std::vector<std::string> names_by(std::string (*first)(const std::string&),
                                  const std::vector<std::string>& parameters,
                                  const std::set<std::string>& taken) {
  std::vector<int> chosen(parameters.size(), 0);
  std::vector<std::string> names(parameters.size());
  for (bool changed = true; changed;) {
    changed = false;
    std::map<std::string, int> users;
    for (std::size_t i = 0; i < names.size(); ++i)
      ++users[names[i] = candidate(parameters[i], chosen[i], first)];
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (chosen[i] == kLastCandidate || (users[names[i]] == 1 && !taken.contains(names[i]))) continue;
      ++chosen[i];
      changed = true;
    }
  }
  return names;
}

}  // namespace

bool is_python_name(const std::string& name) {
  return !name.empty() && is_letter(name[0]) &&
         std::all_of(name.begin(), name.end(), [](char c) { return is_letter(c) || is_digit(c); });
}

bool is_variable_name(const std::string& name) {
  if (name.empty() || !(is_letter(name[0]) || is_digit(name[0])) || name.back() == ' ') return false;
  return std::all_of(name.begin(), name.end(), [](char c) { return c >= ' ' && c < 127 && c != '/'; });
}

std::vector<std::string> variable_names(const std::vector<std::string>& parameters,
                                        const std::set<std::string>& taken) {
  return names_by(name_in_file, parameters, taken);
}

std::vector<std::string> short_names(const std::vector<std::string>& parameters,
                                     const std::set<std::string>& taken) {
  return names_by(last_part, parameters, taken);
}

}  // namespace heed::results
