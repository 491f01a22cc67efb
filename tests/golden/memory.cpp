// Memory beside the sequence: persistent vectors, and keys that are retrieved from earlier segments.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/error.h"
#include "tests/golden/handlers.h"
#include "tests/golden/kernel.h"

namespace heed::golden {
namespace {

// The case multiplies what is stored by numbers; heed's must be the same.
void require_multiplier(const Case& c, const char* name, Index of) {
  const double ours = std::sqrt(static_cast<double>(of));
  if (!(std::abs(c.number(name) - ours) <= 1e-14 * ours))
    throw Error(fmt::format("'{}' is {}, which cannot be chosen; heed's is {}", name, c.number(name), ours));
}

// (batch, heads, m + n, width) from (batch, heads, m, width) and (batch, heads, n, width).
Tensor appended(const Tensor& a, const Tensor& b) {
  const Index heads = a.size(0) * a.size(1), m = a.size(2), n = b.size(2);
  Tensor out = Tensor::zeros({a.size(0), a.size(1), m + n, a.size(3)});
  for (Index i = 0; i < heads; ++i) {
    out.matrix().middleRows(i * (m + n), m) = a.matrix().middleRows(i * m, m);
    out.matrix().middleRows(i * (m + n) + m, n) = b.matrix().middleRows(i * n, n);
  }
  return out;
}

// The last n positions of (batch, heads, time, width). Throws: heed::Error if an earlier one is not zero.
Tensor last(const Tensor& t, Index n) {
  const Index heads = t.size(0) * t.size(1), time = t.size(2);
  Tensor out = Tensor::zeros({t.size(0), t.size(1), n, t.size(3)});
  for (Index i = 0; i < heads; ++i) {
    if (!t.matrix().middleRows(i * time, time - n).isZero(0)) throw Error("stored keys have a gradient");
    out.matrix().middleRows(i * n, n) = t.matrix().middleRows(i * time + time - n, n);
  }
  return out;
}

// What is stored is the first segment of a sequence, and the case's sequence the second.
Case with_stored_segment(Case c) {
  c.inputs["k"] = appended(c.input("stored_keys"), c.input("k"));
  c.inputs["v"] = appended(c.input("stored_values"), c.input("v"));
  return c;
}

// 1 where a query has weight on a stored key.
Tensor retrieved(const Tensor& weights, Index stored) {
  Tensor out = Tensor::zeros({weights.size(0), weights.size(1), weights.size(2), stored});
  out.matrix() = (weights.matrix().leftCols(stored).array() > 0).cast<double>();
  return out;
}

}  // namespace

std::vector<Run> run_persistent_memory(const Case& c, const Registry& registry) {
  const VariantInfo& variant = find_variant(registry, "memory");
  const Tensor& v = c.input("v");
  const Index width = v.size(3), vectors = c.integer("memory_size");
  require_scale(c, width);
  require_multiplier(c, "key_multiplier", width);
  require_multiplier(c, "value_multiplier", vectors);
  std::vector<Run> runs;
  for (const auto& [options, text] : tile_choices(variant, {{"vectors", Config::integer(vectors)}})) {
    const KernelSetting setting{
        .variant = variant,
        .options = options,
        .spec = kernel_spec(c, v.size(1) * width, 0),
        .scale = c.number("scale"),
        .names = ParamNames{{"memory_key", "memory_key"}, {"memory_value", "memory_value"}}};
    Run& run = runs.emplace_back(run_kernel(c, setting));
    run.text = text;
    // lse comes from the weights of the sequence. Where the vectors take all of a row, there are none.
    const bool shown =
        std::ranges::all_of(run.outputs["lse"].values, [](double x) { return std::isfinite(x); });
    if (!shown) run.outputs.erase("lse");
  }
  return runs;
}

std::vector<Run> run_knn_memory(const Case& c, const Registry& registry) {
  const VariantInfo& variant = find_variant(registry, "knn_memory");
  const Index stored = c.input("stored_keys").size(2), time = c.input("q").size(2);
  require_scale(c, c.input("q").size(3));
  const Case whole = with_stored_segment(c);
  const bool gated = c.text("combine") == "gate";
  const Given given = {{"neighbors", Config::integer(c.integer("k"))},
                       {"segment", Config::integer(stored)},
                       {"combine", Config::scalar(c.text("combine"))}};
  std::vector<Run> runs;
  for (const auto& [options, text] : tile_choices(variant, given)) {
    KernelSetting setting{.variant = variant,
                          .options = options,
                          .spec = kernel_spec(whole, c.input("v").size(1) * c.input("v").size(3), stored),
                          .names = gated ? ParamNames{{"gate_logit", "gate_logit"}} : ParamNames{}};
    Run run = run_kernel(whole, setting);
    run.text = text;
    run.outputs["mask"] = retrieved(run.outputs["weights"], stored);
    run.grads["k"] = last(run.grads["k"], time);
    run.grads["v"] = last(run.grads["v"], time);
    for (const auto& [output, logit] : {std::pair("local_out", -1000.0), {"memory_out", 1000.0}}) {
      if (!gated) break;
      setting.prepare = [logit = logit](Params<double>& params) {
        params.find("gate_logit").value().setConstant(logit);
      };
      run.outputs[output] = run_kernel(whole, setting).outputs["out"];
    }
    runs.push_back(std::move(run));
  }
  return runs;
}

}  // namespace heed::golden
