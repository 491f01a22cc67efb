// Linear attention.
#include <algorithm>
#include <string>
#include <utility>

#include "core/error.h"
#include "tests/golden/handlers.h"
#include "tests/golden/kernel.h"
#include "tests/golden/layer.h"

namespace heed::golden {
namespace {

// Linear attention: p = f(q).f(k) / (z + eps), so any pair with p > 0 gives z; the largest p loses least.
Tensor denominator(const Case& c, const Tensor& weights, double eps) {
  const auto feature = [](const Tensor& t) -> Matrix<double> {
    return t.matrix().array().max(0) + t.matrix().array().min(0).exp();
  };
  const Matrix<double> fq = feature(c.input("q")), fk = feature(c.input("k"));
  const Index tq = weights.size(2), tk = weights.size(3);
  Tensor out = Tensor::zeros({weights.size(0), weights.size(1), tq});
  for (Index r = 0; r < weights.rows(); ++r) {
    Index j = 0;
    const double p = weights.matrix().row(r).maxCoeff(&j);
    out.values[static_cast<std::size_t>(r)] = fq.row(r).dot(fk.row(r / tq * tk + j)) / p - eps;
  }
  return out;
}

// The name of the feature map in the file and heed's.
constexpr std::pair<const char*, const char*> kMaps[] = {
    {"elu_plus_one", "elu"},    {"relu", "relu"},           {"taylor2", "taylor"},
    {"cosformer", "cosformer"}, {"performer", "performer"}, {"hedgehog", "hedgehog"}};

std::string feature_map(const Case& c) {
  for (const auto& [golden, heed] : kMaps)
    if (c.text("feature_map") == golden) return heed;
  throw Unknown("the feature map '" + c.text("feature_map") + "'");
}

// The performer with a stabilizer (as released) has no right gradient to compare with: the file's takes the
// stabilizer as a constant, so it is not the derivative of the file's own output. heed's has no stabilizer.
void refuse_stabilizer(const Case& c) {
  if (c.text("stabiliser") != "none" || c.number("feature_eps") != 0)
    throw Skipped(
        "its gradient takes the stabilizer as a constant, so it is not the derivative of its output; heed's "
        "performer has no stabilizer (docs/variants/linear.md)");
}

Given linear_options(const Case& c) {
  if (c.number("scale") != 1) throw Error("linear attention has no scale");
  const std::string map = feature_map(c);
  Given out = {{"feature_map", Config::scalar(map)}};
  if (map == "performer") {
    refuse_stabilizer(c);
    out.push_back({"performer_features", Config::integer(c.integer("num_features"))});
  }
  if (map == "cosformer") out.push_back({"cosformer_length", Config::integer(c.integer("length"))});
  if (map == "hedgehog") {
    out.push_back({"hedgehog_softmax", Config::scalar(c.text("softmax_over"))});
    out.push_back({"hedgehog_map", Config::scalar(c.flag("shared_map") ? "shared" : "per_head")});
    out.push_back({"hedgehog_multiplier", Config::number(c.number("multiplier"))});
  }
  if (const std::string rule = c.text_or_empty("eps_rule"); !rule.empty())
    out.push_back({"eps_rule", Config::scalar(rule)});
  out.push_back({"eps", Config::number(c.number("eps"))});
  return out;
}

ParamNames feature_names(const Case& c) {
  ParamNames out;
  for (const auto& [golden, heed] : {std::pair("W_phi_q", "query_features.weight"),
                                     {"W_phi_k", "key_features.weight"},
                                     {"b_phi_q", "query_features.bias"},
                                     {"b_phi_k", "key_features.bias"}})
    if (c.params.contains(golden)) out.push_back({golden, heed});
  return out;
}

// The file gives the random features.
void set_random_features(const Case& c, Params<double>& params) {
  if (feature_map(c) == "performer")
    std::ranges::copy(c.constant("features").values, params.find("random_features").value().data());
}

}  // namespace

std::vector<Run> run_linear_kernel(const Case& c, const Registry& registry) {
  const VariantInfo& variant = find_variant(registry, "linear");
  const Tensor& q = c.input("q");
  std::vector<Run> runs;
  for (const auto& [options, name] : tile_choices(variant, linear_options(c))) {
    const LayerSpec<double> spec = kernel_spec(c, q.size(1) * q.size(3), 0);
    Run& run = runs.emplace_back(
        run_kernel(c, {.variant = variant,
                       .options = options,
                       .spec = spec,
                       .names = feature_names(c),
                       .prepare = [&](Params<double>& params) { set_random_features(c, params); }}));
    run.text = name;
    if (feature_map(c) == "elu")
      run.outputs["denominator_without_eps"] = denominator(c, run.outputs["weights"], c.number("eps"));
  }
  return runs;
}

std::vector<Run> run_linear_layer(const Case& c, const Registry& registry) {
  const VariantInfo& variant = find_variant(registry, "linear");
  std::vector<Run> runs;
  for (const auto& [options, name] : tile_choices(variant, linear_options(c))) {
    LayerSpec<double> spec;
    spec.heads = c.integer("heads");
    spec.bias = c.params.contains("b_q");
    Run& run = runs.emplace_back(
        run_layer(c, {.variant = variant, .options = options, .spec = spec, .names = projection_names(c)}));
    run.text = name;
  }
  return runs;
}

}  // namespace heed::golden
