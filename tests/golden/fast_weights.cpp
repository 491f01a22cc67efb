// Fast weights: rules that update a state (K,V) token by token.
#include <fmt/format.h>

#include <iterator>
#include <string_view>
#include <vector>

#include "tests/golden/handlers.h"
#include "tests/golden/layer.h"
#include "tests/variants/delta_runs.h"

namespace heed::golden {
namespace {

// The matrix (time, channels) of one head of one sequence; (time, 1) of a tensor (batch, heads, time).
Matrix<double> head(const Tensor& t, Index i) {
  const Index cols = t.shape.size() == 4 ? t.size(3) : 1;
  return const_mat(t.values.data() + i * t.size(2) * cols, t.size(2), cols);
}
void set_head(const Matrix<double>& m, Index i, Tensor& t) {
  std::copy_n(m.data(), m.size(), t.values.begin() + i * m.size());
}

// What a rule of the delta family erases and writes: one number for each token, or one for each channel.
struct DeltaGates {
  DeltaGates(const Case& c, Index i, const Matrix<double>& k, const Matrix<double>& v)
      : channels(c.inputs.contains("erase")),
        erase(channels ? head(c.input("erase"), i) : head(c.input("beta"), i).replicate(1, k.cols())),
        write(channels ? head(c.input("write"), i) : head(c.input("beta"), i).replicate(1, v.cols())) {}
  bool channels;
  Matrix<double> erase, write;
};

// The cases give keys and gates that no projection reaches, so this runs the parts that the mixers are made
// of.
template <class Decay>
Run run_delta_chunks(const Case& c, Index chunk) {
  Run run{fmt::format("chunk {}", chunk), {{"out", Tensor::zeros(c.upstream_out().shape)}}, c.inputs};
  const Tensor &q = c.input("q"), &v = c.input("v");
  Tensor& final_state = run.outputs["final_state"] =
      Tensor::zeros({q.size(0), q.size(1), q.size(3), v.size(3)});
  const bool decays = c.inputs.contains("log_decay"), starts = c.inputs.contains("initial_state");
  for (Index i = 0; i < q.size(0) * q.size(1); ++i) {
    const Matrix<double> keys = head(c.input("k"), i), values = head(v, i);
    const DeltaGates gates(c, i, keys, values);
    test::DeltaSequence x{
        c.number("scale") * head(q, i),
        keys,
        -gates.erase.cwiseProduct(keys),
        gates.write.cwiseProduct(values),
        decays ? head(c.input("log_decay"), i) : Matrix<double>(0, 1),
        starts ? head(c.input("initial_state"), i) : Matrix<double>::Zero(q.size(3), v.size(3))};
    const test::DeltaResult r = test::delta_by_chunks<Decay>(x, head(c.upstream_out(), i), 0 * x.s, chunk);
    set_head(r.o, i, run.outputs["out"]);
    set_head(r.last, i, final_state);
    const Matrix<double> derase = -r.grad.e.cwiseProduct(keys), dwrite = r.grad.v.cwiseProduct(values);
    set_head(c.number("scale") * r.grad.q, i, run.grads["q"]);
    set_head(r.grad.k - gates.erase.cwiseProduct(r.grad.e), i, run.grads["k"]);
    set_head(gates.write.cwiseProduct(r.grad.v), i, run.grads["v"]);
    if (gates.channels) {
      set_head(derase, i, run.grads["erase"]);
      set_head(dwrite, i, run.grads["write"]);
    } else {
      set_head(derase.rowwise().sum() + dwrite.rowwise().sum(), i, run.grads["beta"]);
    }
    if (decays) set_head(r.grad.g, i, run.grads["log_decay"]);
    if (starts) set_head(r.grad.s, i, run.grads["initial_state"]);
  }
  return run;
}

template <class Decay>
std::vector<Run> run_delta_kernel(const Case& c, const Registry&) {
  std::vector<Run> runs;
  for (const Index chunk : {1, 3, 4, 64}) runs.push_back(run_delta_chunks<Decay>(c, chunk));
  return runs;
}

// The layer of Schlag et al. 2021.
std::vector<Run> run_delta_layer(const Case& c, const Registry& registry) {
  const VariantInfo& variant = find_variant(registry, "delta");
  const Index heads = c.integer("heads");
  if (c.text("feature_map") != "elu_plus_one_sum_normalised")
    throw Unknown("the feature map '" + c.text("feature_map") + "'");
  require_scale(c, c.input("x").size(2) / heads);
  ParamNames names = projection_names(c);
  names.push_back({"W_beta", "beta.weight"});
  std::vector<Run> runs;
  for (const auto& [options, name] : tile_choices(variant, {{"features", Config::scalar("elu_sum")},
                                                            {"convolution", Config::integer(0)},
                                                            {"output_norm", Config::boolean(false)}})) {
    LayerSpec<double> spec;
    spec.heads = heads;
    spec.bias = false;
    Run& run = runs.emplace_back(
        run_layer(c, {.variant = variant, .options = options, .spec = spec, .names = names}));
    run.text = name;
  }
  return runs;
}

// Kimi Delta Attention. The file's l2_eps and eps are heed's.
std::vector<Run> run_kda_layer(const Case& c, const Registry& registry) {
  const VariantInfo& variant = find_variant(registry, "kda");
  require_scale(c, c.integer("d_k"));
  ParamNames names = projection_names(c);
  for (const auto& [golden, heed] : {std::pair("W_beta", "beta.weight"),
                                     {"W_decay_down", "decay.down.weight"},
                                     {"W_decay_up", "decay.up.weight"},
                                     {"A_log", "A_log"},
                                     {"dt_bias", "dt_bias"},
                                     {"W_gate_down", "gate.down.weight"},
                                     {"W_gate_up", "gate.up.weight"},
                                     {"b_gate", "gate.up.bias"},
                                     {"out_gain", "out_gain"}})
    names.push_back({golden, heed});
  for (const auto& [golden, heed] :
       {std::pair("conv_q", "query_conv"), {"conv_k", "key_conv"}, {"conv_v", "value_conv"}})
    names.push_back({golden, heed, false, true});
  std::vector<Run> runs;
  for (const auto& [options, name] :
       tile_choices(variant, {{"convolution", Config::integer(c.integer("conv_width"))},
                              {"key_width", Config::integer(c.integer("d_k"))},
                              {"value_width", Config::integer(c.integer("d_v"))}})) {
    LayerSpec<double> spec;
    spec.heads = c.integer("heads");
    spec.bias = false;
    Run& run = runs.emplace_back(
        run_layer(c, {.variant = variant, .options = options, .spec = spec, .names = names}));
    run.text = name;
  }
  return runs;
}

// A rule with its kernel and its layer; null: no case of it is known.
struct Rule {
  std::string_view name;
  Handler kernel = nullptr, layer = nullptr;
};

constexpr Rule kRules[] = {
    {"delta", run_delta_kernel<ScalarDecay<double>>, run_delta_layer},
    {"gated_delta", run_delta_kernel<ScalarDecay<double>>},
    {"gated_delta_2", run_delta_kernel<ChannelDecay<double>>},
    {"gated_linear", run_decayed},
    {"kda", run_delta_kernel<ChannelDecay<double>>, run_kda_layer},
    {"retention", run_retention},
    {"ssd", run_decayed},
    {"sum", run_sum_rule},
};

}  // namespace

std::vector<Run> run_fast_weights(const Case& c, const Registry& registry) {
  for (const Rule& rule : kRules) {
    if (rule.name != c.text("rule")) continue;
    const Handler run = c.text("level") == "layer" ? rule.layer : rule.kernel;
    if (run) return run(c, registry);
  }
  throw Skipped(fmt::format("heed has no variant for the rule '{}' yet", c.text("rule")));
}

}  // namespace heed::golden
