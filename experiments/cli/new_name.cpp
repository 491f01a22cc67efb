#include "experiments/cli/new_name.h"

#include <algorithm>
#include <cctype>
#include <regex>
#include <string_view>

#include <fmt/format.h>

#include "experiments/cli/new_files.h"

namespace heed::cli {
namespace {

constexpr std::size_t kLongest = 60;

bool is_good_name(const std::string& name) {
  static const std::regex form("[a-z][a-z0-9]*(_[a-z0-9]+)*");
  return name.size() <= kLongest && std::regex_match(name, form);
}

bool is_keyword(std::string_view name) {
  static const std::vector<std::string_view> keywords = {
      "alignas",      "alignof",       "and",          "and_eq",     "asm",       "auto",      "bitand",
      "bitor",        "bool",          "break",        "case",       "catch",     "char",      "class",
      "compl",        "concept",       "const",        "const_cast", "consteval", "constexpr", "constinit",
      "continue",     "co_await",      "co_return",    "co_yield",   "decltype",  "default",   "delete",
      "do",           "double",        "dynamic_cast", "else",       "enum",      "explicit",  "export",
      "extern",       "float",         "for",          "friend",     "goto",      "if",        "inline",
      "int",          "long",          "mutable",      "namespace",  "new",       "noexcept",  "not",
      "not_eq",       "nullptr",       "operator",     "or",         "or_eq",     "private",   "protected",
      "public",       "register",      "requires",     "return",     "short",     "signed",    "sizeof",
      "static",       "static_assert", "static_cast",  "struct",     "switch",    "template",  "this",
      "thread_local", "throw",         "try",          "typedef",    "typeid",    "typename",  "union",
      "unsigned",     "using",         "virtual",      "void",       "volatile",  "while",     "xor",
      "xor_eq"};
  return std::find(keywords.begin(), keywords.end(), name) != keywords.end();
}

// Targets that every CMake project has.
bool is_target_of_cmake(std::string_view name) {
  static const std::vector<std::string_view> targets = {
      "all",     "clean",          "edit_cache", "help",          "install",
      "package", "package_source", "preinstall", "rebuild_cache", "test"};
  return std::find(targets.begin(), targets.end(), name) != targets.end();
}

// Types of core, which the file sees as well as its own.
bool is_type_of_heed(const std::string& type) {
  return std::string_view(new_files::kTypes).find(' ' + type + ' ') != std::string_view::npos;
}

// Does a source use this identifier?
bool uses(const std::string& source, const std::string& identifier) {
  return std::regex_search(source, std::regex("\\b" + identifier + "\\b"));
}

}  // namespace

std::string type_name(const std::string& variant) {
  std::string out;
  bool up = true;
  for (const char c : variant) {
    if (c != '_') out += up ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
    up = c == '_';
  }
  return out;
}

std::string refuse_variant_name(const std::string& name, const std::string& source,
                                const Registry& registry) {
  if (!is_good_name(name))
    return fmt::format(
        "'{:.60}' is not a valid name of a variant: use lowercase letters, digits and single '_', as in "
        "cosine_top2, at most {} characters.",
        name, kLongest);
  const auto refused = [&](const std::string& why) {
    return fmt::format("a variant cannot be called '{}': {}.", name, why);
  };
  // Optimizers and schedules have names of their own: a variant may be called cosine.
  if (registry.find_variant(name) || registry.find_position(name) || registry.find_task(name))
    return refused(fmt::format("heed has {} of this name", registry.kind_of(name)));
  if (const std::string why = refuse_reserved(name); !why.empty()) return refused(why);
  if (is_keyword(name)) return refused("it is a keyword of C++");
  if (name == "std" || name == "heed") return refused("it is a namespace that the file uses");
  if (is_target_of_cmake(name)) return refused("every CMake project has a target of this name");
  if (is_type_of_heed(type_name(name)))
    return refused(fmt::format("its type would be {}, which heed has already", type_name(name)));
  const bool template_name = name == "my_variant";  // the name in the template
  if (!template_name && uses(source, type_name(name)))
    return refused(
        fmt::format("its type would be {}, a name that the file needs for something else", type_name(name)));
  return "";
}

}  // namespace heed::cli
