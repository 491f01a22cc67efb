// Linear attention with decay: the rules sum, retention, gated_linear and ssd of fast weights.
#include <fmt/format.h>

#include <cmath>
#include <string>
#include <vector>

#include "core/ops/decayed_attention.h"
#include "tests/golden/handlers.h"
#include "tests/golden/kernel.h"

namespace heed::golden {
namespace {

// (time, channels) of head h; heads of q and k may be shared by several of v.
ConstMat<double> rows(const Tensor& t, Index b, Index h, Index heads) {
  const Index own = t.size(1), at = b * own + h / (heads / own), cols = t.shape.size() == 4 ? t.size(3) : 1;
  return const_mat(t.values.data() + at * t.size(2) * cols, t.size(2), cols);
}
Mat<double> rows(Tensor& t, Index b, Index h, Index heads) {
  const ConstMat<double> m = rows(std::as_const(t), b, h, heads);
  return mat(const_cast<double*>(m.data()), m.rows(), m.cols());
}

// The parts that the mixers are made of, because no projection reaches the decays of a case.
Run run_chunk(const Case& c, Index chunk) {
  const Tensor &q = c.input("q"), &v = c.input("v"), &d_o = c.upstream_out();
  const Index batch = v.size(0), heads = v.size(1), time = v.size(2), key = q.size(3), value = v.size(3);
  require_shape("log_decay", c.input("log_decay"),
                c.input("log_decay").shape.size() == 4 ? std::vector{batch, heads, time, key}
                                                       : std::vector{batch, heads, time});
  const bool starts = c.inputs.contains("initial_state");
  Run run{fmt::format("chunk {}", chunk), {{"out", Tensor::zeros(d_o.shape)}}, {}};
  for (const auto& [name, t] : c.inputs) run.grads[name] = Tensor::zeros(t.shape);
  Step<double> step;
  Memory<double> memory = step.memory();
  for (Index b = 0; b < batch; ++b)
    for (Index h = 0; h < heads; ++h) {
      const auto in = [&](const char* name) { return rows(c.input(name), b, h, heads); };
      const auto grad = [&](const char* name) { return rows(run.grads[name], b, h, heads); };
      const Decayed<double> x{in("q"), in("k"), in("v"), in("log_decay"), c.number("scale"), chunk};
      const ConstMat<double> initial =
          starts ? in("initial_state") : const_mat(static_cast<const double*>(nullptr), 0, value);
      const Mat<double> states =
          decayed_forward<double>(x, initial, rows(run.outputs["out"], b, h, heads), memory);
      Mat<double> d_state = memory.temp(key, value);
      decayed_backward<double>(x, states, rows(d_o, b, h, heads),
                               {grad("q"), grad("k"), grad("v"), grad("log_decay")}, d_state, memory);
      if (starts) grad("initial_state") = d_state;
    }
  return run;
}

std::vector<Run> run_mixer(const Case& c, const Registry& registry, const std::string& name,
                           const Given& options) {
  const VariantInfo& variant = find_variant(registry, name);
  std::vector<Run> runs;
  for (const auto& [chosen, text] : tile_choices(variant, options)) {
    const LayerSpec<double> spec = kernel_spec(c, c.integer("heads") * c.input("q").size(3), 0);
    runs.emplace_back(run_kernel(c, {.variant = variant, .options = chosen, .spec = spec})).text = text;
  }
  return runs;
}

}  // namespace

std::vector<Run> run_decayed(const Case& c, const Registry&) {
  std::vector<Run> runs;
  for (const Index chunk : {1, 3, 4, 64}) runs.push_back(run_chunk(c, chunk));
  return runs;
}

std::vector<Run> run_sum_rule(const Case& c, const Registry& registry) {
  return run_mixer(c, registry, "fast_weights", {{"scale", Config::number(c.number("scale"))}});
}

std::vector<Run> run_retention(const Case& c, const Registry& registry) {
  require_scale(c, c.input("q").size(3));
  return run_mixer(c, registry, "retention",
                   {{"output_norm", Config::boolean(false)}, {"output_gate", Config::scalar("none")}});
}

}  // namespace heed::golden
