#include "results/names.h"

#include <algorithm>
#include <cstddef>
#include <map>

namespace heed::results {

namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

constexpr int kLastCandidate = 2;

std::string candidate(const std::string& parameter, int number) {
  if (number == 0) return parameter.substr(parameter.rfind('.') + 1);
  if (number == kLastCandidate) return "parameter_" + parameter;
  std::string name = parameter;
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
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

std::vector<std::string> short_names(const std::vector<std::string>& parameters,
                                     const std::set<std::string>& taken) {
  std::vector<int> chosen(parameters.size(), 0);
  std::vector<std::string> names(parameters.size());
  for (bool changed = true; changed;) {
    changed = false;
    std::map<std::string, int> users;
    for (std::size_t i = 0; i < names.size(); ++i) ++users[names[i] = candidate(parameters[i], chosen[i])];
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (chosen[i] == kLastCandidate || (users[names[i]] == 1 && !taken.contains(names[i]))) continue;
      ++chosen[i];
      changed = true;
    }
  }
  return names;
}

}  // namespace heed::results
