// Softmax attention and its options: the kernel, and the layer with its projections.
#include <string>
#include <utility>
#include <vector>

#include "tests/golden/handlers.h"
#include "tests/golden/kernel.h"
#include "tests/golden/layer.h"

namespace heed::golden {
namespace {

// The options of softmax_extras.h5, where a case names them.
void add_extras(const Case& c, Given& given) {
  if (!c.attributes.contains("qk_norm")) return;
  for (const auto& [attribute, option] : {std::pair("qk_norm", "qk_norm"),
                                          {"qk_norm_gain", "qk_norm_gain"},
                                          {"sink", "sink"},
                                          {"output_gate", "gate"}})
    given.emplace_back(option, Config::scalar(c.text(attribute)));
  given.emplace_back("qk_norm_eps", Config::number(c.number("eps")));
  given.emplace_back("cap", Config::number(c.number("softcap")));
}

ParamNames extra_names(const Case& c) {
  ParamNames out;
  for (const auto& [golden, heed] : {std::pair("q_gain", "q_gain"),
                                     {"k_gain", "k_gain"},
                                     {"logit_scale", "logit_scale"},
                                     {"sink", "sink"},
                                     {"W_gate", "gate.weight"}})
    if (c.params.contains(golden)) out.push_back({golden, heed});
  return out;
}

std::vector<double> sinks(const Case& c) {
  const std::string kind = c.text_or_empty("sink");
  if (kind == "learned") return c.param("sink").values;
  return kind == "zero" ? std::vector<double>(static_cast<std::size_t>(c.integer("heads")))
                        : std::vector<double>();
}

}  // namespace

std::vector<Run> run_softmax_kernel(const Case& c, const Registry& registry) {
  const VariantInfo& variant = find_variant(registry, "softmax");
  const Tensor &q = c.input("q"), &v = c.input("v");
  const double scale = c.number("scale");
  Given given = {{"scale", Config::number(scale)},
                 {"key_width", Config::integer(q.size(3))},
                 {"value_width", Config::integer(v.size(3))},
                 {"key_heads", Config::integer(v.size(1))}};
  add_extras(c, given);
  std::vector<Run> runs;
  for (const auto& [options, name] : tile_choices(variant, given)) {
    const LayerSpec<double> spec = kernel_spec(c, q.size(1) * q.size(3), c.input("k").size(2) - q.size(2));
    Run& run =
        runs.emplace_back(run_kernel(c, {.variant = variant,
                                         .options = options,
                                         .spec = spec,
                                         .scale = scale,
                                         .cap = c.attributes.contains("softcap") ? c.number("softcap") : 0,
                                         .sinks = sinks(c),
                                         .names = extra_names(c)}));
    run.text = name;
    run.outputs["probs"] = run.outputs["weights"];
  }
  return runs;
}

std::vector<Run> run_softmax_layer(const Case& c, const Registry& registry) {
  const VariantInfo& variant = find_variant(registry, "softmax");
  Given given = {{"scale", Config::number(c.number("scale"))},
                 {"key_width", Config::integer(c.integer("d_k"))},
                 {"value_width", Config::integer(c.integer("d_v"))},
                 {"key_heads", Config::integer(key_heads(c))}};
  add_extras(c, given);
  const bool factorized = c.params.contains("W_vdown");
  // One matrix for each head: those of values, down then up, are heed's value and output maps.
  ParamNames names = factorized ? ParamNames{{"W_q", "query.weight", true},
                                             {"W_k", "key.weight", true},
                                             {"W_vdown", "value.weight", true},
                                             {"W_vup", "output.weight"}}
                                : projection_names(c);
  for (const ParamName& name : extra_names(c)) names.push_back(name);
  std::vector<Run> runs;
  for (const auto& [options, name] : tile_choices(variant, given)) {
    LayerSpec<double> spec;
    spec.heads = c.integer("heads");
    spec.bias = c.params.contains("b_q");
    LayerSetting setting{.variant = variant, .options = options, .spec = spec, .names = names};
    set_rope(c, registry, setting);
    Run& run = runs.emplace_back(run_layer(c, setting));
    run.text = name;
    run.outputs["probs"] = run.outputs["weights"];
    if (!factorized) run.outputs["heads_out"] = heads_out(c, run.outputs["weights"]);
  }
  return runs;
}

}  // namespace heed::golden
