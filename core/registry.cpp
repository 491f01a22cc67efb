#include "core/registry.h"

#include <fmt/format.h>

namespace heed {
namespace {

template <class E>
const E* find(const std::vector<E>& entries, std::string_view name) {
  for (const E& e : entries)
    if (e.name == name) return &e;
  return nullptr;
}

template <class E>
const E& get(const std::vector<E>& entries, std::string_view name, const char* kind) {
  if (const E* e = find(entries, name)) return *e;
  throw Error(fmt::format("unknown {} '{}'.{}", kind, name, suggestion(name, names(entries))));
}

template <class E>
void insert(std::vector<E>& entries, E info, const char* kind) {
  if (find(entries, info.name))
    throw Error(
        fmt::format("the {} '{}' is registered twice; give one of them another name.", kind, info.name));
  entries.push_back(std::move(info));
}

}  // namespace

void Registry::add(VariantInfo info) { insert(variants_, std::move(info), "variant"); }
void Registry::add(PositionInfo info) { insert(positions_, std::move(info), "kind of position"); }
void Registry::add(TaskInfo info) { insert(tasks_, std::move(info), "task"); }

const VariantInfo* Registry::find_variant(std::string_view name) const { return find(variants_, name); }
const PositionInfo* Registry::find_position(std::string_view name) const { return find(positions_, name); }
const TaskInfo* Registry::find_task(std::string_view name) const { return find(tasks_, name); }

const VariantInfo& Registry::variant(std::string_view name) const { return get(variants_, name, "variant"); }
const PositionInfo& Registry::position(std::string_view name) const {
  return get(positions_, name, "kind of position");
}
const TaskInfo& Registry::task(std::string_view name) const { return get(tasks_, name, "task"); }

}  // namespace heed
