// Any registered variant, with heed's own names: how a plugin is compared with numbers that its author made.
//
// Inputs are q, k, v and those that the mixer declares (level kernel) or x and perhaps context (level layer).
// Parameters have the names that the variant declares, without the model's prefix. Every other attribute or
// constant is an option.
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "core/error.h"
#include "tests/golden/handlers.h"
#include "tests/golden/kernel.h"
#include "tests/golden/layer.h"

namespace heed::golden {
namespace {

// Attributes that describe the case; all others are options of the variant.
constexpr std::string_view kSetting[] = {"variant",       "level", "heads", "causal",
                                         "causal_offset", "bias",  "depth", "layers"};

bool is_setting(const std::string& name) { return std::ranges::find(kSetting, name) != std::end(kSetting); }

Config scalar_option(const Case& c, const std::string& name, const std::string& type) {
  const Case::Attribute& value = c.attributes.at(name);
  if (type == "boolean") return Config::boolean(c.flag(name));
  if (const auto* text = std::get_if<std::string>(&value)) return Config::scalar(*text);
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return Config::integer(*integer);
  return Config::number(std::get<double>(value));
}

// The options of the case. One that the variant does not have is kept: resolving it names the nearest one.
Given options_in(const Case& c, const VariantInfo& variant) {
  Given given;
  for (const auto& [name, value] : c.attributes) {
    if (is_setting(name)) continue;
    const auto option = std::ranges::find(variant.options, name, &OptionInfo::name);
    given.emplace_back(name, scalar_option(c, name, option == variant.options.end() ? "" : option->type));
  }
  for (const auto& [name, t] : c.constants)
    if (const auto option = std::ranges::find(variant.options, name, &OptionInfo::name);
        option != variant.options.end()) {
      std::vector<Config> items;
      for (const double x : t.values)
        items.push_back(option->type == "list of integers" ? Config::integer(static_cast<long long>(x))
                                                           : Config::number(x));
      given.emplace_back(name, Config::sequence(items));
    }
  return given;
}

// Whatever the file leaves out or heed does not compare would pass unnoticed.
void require_complete(const Case& c) {
  if (!c.unreadable.empty())
    throw Error(fmt::format("the attribute '{}' is neither a number nor a string", c.unreadable[0]));
  for (const Tensors* tensors : {&c.inputs, &c.params})
    for (const auto& [name, t] : *tensors)
      if (!c.grads.contains(name)) throw Error(fmt::format("'grads/{}' is missing", name));
  static_cast<void>(c.output("out"));
}

void require_compared(const Case& c, const std::vector<Run>& runs) {
  for (const Run& run : runs) {
    for (const auto& [name, t] : c.outputs)
      if (!run.outputs.contains(name)) throw Error(fmt::format("heed has no output '{}' here", name));
    for (const auto& [name, t] : c.inputs)
      if (!run.grads.contains(name))
        throw Error(fmt::format("'{}' has no input '{}'", c.text("variant"), name));
  }
}

Index integer_or(const Case& c, const char* name, Index otherwise) {
  return c.attributes.contains(name) ? c.integer(name) : otherwise;
}

Run run_kernel_case(const Case& c, const VariantInfo& variant, const Config& options) {
  const Tensor &q = c.input("q"), &k = c.input("k"), &v = c.input("v");
  LayerSpec<double> spec;
  spec.heads = integer_or(c, "heads", v.size(1));
  spec.dim = spec.context_dim = spec.heads * v.size(3);
  spec.length = std::max(q.size(2), k.size(2));
  spec.causality = {c.flag("causal"), integer_or(c, "causal_offset", k.size(2) - q.size(2))};
  spec.depth = integer_or(c, "depth", 0), spec.layers = integer_or(c, "layers", 1);
  return run_kernel(c, {.variant = variant, .options = options, .spec = spec, .names = std::nullopt});
}

Run run_layer_case(const Case& c, const VariantInfo& variant, const Config& options) {
  LayerSpec<double> spec;
  spec.heads = integer_or(c, "heads", 1);
  spec.bias = integer_or(c, "bias", 1) != 0;
  spec.depth = integer_or(c, "depth", 0), spec.layers = integer_or(c, "layers", 1);
  return run_layer(c, {.variant = variant, .options = options, .spec = spec, .names = std::nullopt});
}

}  // namespace

std::vector<Run> run_registered(const Case& c, const Registry& registry) {
  const VariantInfo& variant = find_variant(registry, c.text("variant"));
  const std::string level = c.text("level");
  if (level != "kernel" && level != "layer") throw Unknown("the level '" + level + "'");
  const bool kernel = level == "kernel";
  if (kernel && !variant.is_mixer())
    throw Error(fmt::format("'{}' is a layer: its level is 'layer'", variant.name));
  require_complete(c);
  std::vector<Run> runs;
  for (const auto& [options, name] : tile_choices(variant, options_in(c, variant)))
    runs.emplace_back(kernel ? run_kernel_case(c, variant, options) : run_layer_case(c, variant, options))
        .text = name;
  require_compared(c, runs);
  return runs;
}

}  // namespace heed::golden
