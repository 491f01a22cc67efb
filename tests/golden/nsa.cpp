// Native sparse attention: the file gives gates, heed takes what a sigmoid makes gates of.
#include <cmath>
#include <string>

#include "core/error.h"
#include "tests/golden/handlers.h"
#include "tests/golden/kernel.h"

namespace heed::golden {
namespace {

const char* const kGates[] = {"gate_compressed", "gate_selected", "gate_window"};
const char* const kBranches[] = {"compressed_out", "selected_out", "window_out"};

// The case with inputs that give its gates.
Case with_logits(Case c) {
  for (const char* gate : kGates)
    for (double& g : c.inputs[gate].values) g = std::log(g / (1 - g));
  return c;
}

// The case with one gate open and the others closed.
Case with_branch(Case c, std::size_t branch) {
  for (std::size_t b = 0; b < std::size(kGates); ++b)
    std::fill(c.inputs[kGates[b]].values.begin(), c.inputs[kGates[b]].values.end(),
              b == branch ? 1000 : -1000);
  return c;
}

// g = sigmoid(x) has dx = g (1 - g) dg.
void to_gate_gradients(const Case& c, Run& run) {
  for (const char* gate : kGates) {
    const std::vector<double>& g = c.input(gate).values;
    std::vector<double>& d = run.grads[gate].values;
    for (std::size_t i = 0; i < g.size(); ++i) d[i] /= g[i] * (1 - g[i]);
  }
}

}  // namespace

std::vector<Run> run_nsa(const Case& c, const Registry& registry) {
  if (c.text("compression") != "mean") throw Unknown("the compression '" + c.text("compression") + "'");
  const VariantInfo& variant = find_variant(registry, "nsa");
  const Tensor& q = c.input("q");
  require_scale(c, q.size(3));
  const auto whole = [&](const char* key) { return Config::integer(c.integer(key)); };
  const Given given = {{"block", whole("block")},
                       {"blocks", whole("block_count")},
                       {"window", whole("window")},
                       {"key_heads", whole("kv_heads")}};
  std::vector<Run> runs;
  for (const auto& [options, text] : tile_choices(variant, given)) {
    const KernelSetting setting{
        .variant = variant, .options = options, .spec = kernel_spec(c, q.size(1) * q.size(3), 0)};
    Run& run = runs.emplace_back(run_kernel(with_logits(c), setting));
    run.text = text;
    to_gate_gradients(c, run);
    for (std::size_t b = 0; b < std::size(kGates); ++b)
      run.outputs[kBranches[b]] = run_kernel(with_branch(c, b), setting).outputs["out"];
  }
  return runs;
}

}  // namespace heed::golden
