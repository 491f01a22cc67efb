// Positions: added to embeddings, turning queries and keys, or biasing scores.
#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/model/input.h"
#include "core/ops/embedding.h"
#include "tests/golden/handlers.h"
#include "tests/golden/kernel.h"

namespace heed::golden {
namespace {

// Throws: Skipped where it is not registered.
const PositionInfo& find_position(const Registry& registry, const std::string& name) {
  if (const PositionInfo* found = registry.find_position(name)) return *found;
  throw Skipped("heed has no position '" + name + "' yet");
}

constexpr Index kPositions = 1 << 20;  // more than any sequence has

// Every channel pair of every row at a position of its own.
Run rotate_rows(const Case& c, const PositionInfo& info, const Given& given) {
  const Tensor &x = c.input("x"), &dy = c.upstream_out(), &positions = c.constant("positions");
  Params<double> params;
  const auto position =
      info.make<double>(options_of(info, given), {x.size(1) * x.size(3), x.size(1), x.size(2)}, params);
  params.freeze();
  require_shape("x", x, {x.size(0), x.size(1), x.size(2), x.size(3)});
  require_shape("upstream", dy, x.shape);
  require_shape("positions", positions, {x.size(2)});
  Tensor y = x, dx = dy;
  for (Index row = 0; row < x.rows(); ++row) {
    const double given_at = positions.values[static_cast<std::size_t>(row % x.size(2))];
    const Index at = require_index("positions", given_at, kPositions);
    position->rotate({y.matrix().row(row).data(), 1, 1, 1, x.size(3)}, at);
    position->rotate_backward({dx.matrix().row(row).data(), 1, 1, 1, x.size(3)}, at);
  }
  return {"", {{"out", y}}, {{"x", dx}}};
}

// Softmax attention under a position that acts on queries, keys or scores.
std::vector<Run> run_with_softmax(const Case& c, const Registry& registry, const PositionInfo& info,
                                  const Given& given) {
  const Tensor &q = c.input("q"), &v = c.input("v");
  Params<double> none;
  const Index heads = q.size(1), dim = heads * q.size(3);
  const auto position = info.make<double>(options_of(info, given), {dim, heads, q.size(2)}, none);
  none.freeze();
  Tensor slopes = Tensor::zeros({heads});
  for (Index h = 0; h < heads; ++h) slopes.values[static_cast<std::size_t>(h)] = position->slope(h, heads);
  const VariantInfo& softmax = find_variant(registry, "softmax");
  std::vector<Run> runs;
  for (const auto& [options, name] : tile_choices(softmax, {{"scale", Config::number(c.number("scale"))},
                                                            {"key_width", Config::integer(q.size(3))},
                                                            {"value_width", Config::integer(v.size(3))}})) {
    LayerSpec<double> spec = kernel_spec(c, dim, c.input("k").size(2) - q.size(2));
    spec.position = position.get();
    Run& run = runs.emplace_back(run_kernel(c, {.variant = softmax, .options = options, .spec = spec}));
    run.text = name;
    run.outputs["slopes"] = slopes;
  }
  return runs;
}

Given rope_options(const Case& c) {
  Given out = {{"layout", Config::scalar(c.text("layout"))}, {"base", Config::number(c.number("base"))}};
  if (c.attributes.contains("rotary_dims"))
    out.emplace_back("fraction",
                     Config::number(c.number("rotary_dims") / static_cast<double>(c.input("x").size(3))));
  return out;
}

}  // namespace

std::vector<Run> run_sinusoidal(const Case& c, const Registry& registry) {
  const PositionInfo& info = find_position(registry, "sinusoidal");
  const Tensor &x = c.input("x"), &dy = c.upstream_out();
  Params<double> params;
  const auto position = info.make<double>(options_of(info, {{"base", Config::number(c.number("base"))}}),
                                          {x.size(2), 1, x.size(1)}, params);
  params.freeze();
  require_shape("upstream", dy, x.shape);
  Tensor y = x, table = Tensor::zeros({1, x.size(1), x.size(2)});
  position->embed(seq(y), 0);
  position->embed(seq(table), 0);
  position->embed_backward(seq(dy), 0);
  table.shape.erase(table.shape.begin());
  return {{"", {{"out", y}, {"table", table}}, {{"x", dy}}}};  // what is added is constant
}

// The table's rows come from the position, their gathering from the embedding, as tokens are gathered.
std::vector<Run> run_learned(const Case& c, const Registry& registry) {
  const PositionInfo& info = find_position(registry, "learned");
  const Tensor &x = c.input("x"), &dy = c.upstream_out(), &given = c.param("table");
  Params<double> params;
  const auto position = info.make<double>(options_of(info, {}), {given.cols(), 1, given.rows()}, params);
  params.freeze();
  load(c, {{"table", "table"}}, params);
  std::vector<Token> at;
  for (const double p : c.constant("positions").values)
    at.push_back(static_cast<Token>(require_index("positions", p, given.rows())));
  require_shape("x", x, {x.size(0), x.size(1), given.cols()});
  require_shape("positions", c.constant("positions"), {x.size(0), x.size(1)});
  require_shape("upstream", dy, x.shape);

  Tensor table = Tensor::zeros({1, given.rows(), given.cols()}), dtable = table, y = Tensor::zeros(x.shape);
  position->embed(seq(table), 0);
  embed<double>(table.matrix(), at, y.matrix());
  y.matrix() += x.matrix();
  embed_backward<double>(at, dy.matrix(), dtable.matrix());
  const Tensor& cdtable = dtable;
  position->embed_backward(seq(cdtable), 0);
  Run run{"", {{"out", y}}, {{"x", dy}}};
  store_grads(c, {{"table", "table"}}, params, run);
  return {run};
}

std::vector<Run> run_rope(const Case& c, const Registry& registry) {
  const PositionInfo& info = find_position(registry, "rope");
  if (c.inputs.contains("q")) return run_with_softmax(c, registry, info, rope_options(c));
  return {rotate_rows(c, info, rope_options(c))};
}

std::vector<Run> run_alibi(const Case& c, const Registry& registry) {
  return run_with_softmax(c, registry, find_position(registry, "alibi"), {});
}

// The input of a decoder. The conditions are further rows of its embedding, and the prefix is the first row
// of its positions. A last row reads the last token and predicts nothing.
std::vector<Run> run_permuted_order(const Case& c, const Registry& registry) {
  const Tensor &condition = c.input("condition"), &table = c.param("token_table"),
               &positions = c.param("position"), &targets = c.param("target_position"),
               &prefix = c.param("prefix_position"), &ids = c.constant("ids"), &order = c.constant("order"),
               &labels = c.constant("labels_shuffled");
  const Index batch = condition.rows(), dim = condition.cols(), vocabulary = table.rows(),
              length = positions.rows();
  for (const auto& [name, t] : {std::pair("ids", &ids), {"order", &order}, {"labels_shuffled", &labels}})
    require_shape(name, *t, {batch, length});

  ModelSpec spec;
  spec.options.dim = dim;
  spec.shape = token_shape(vocabulary + batch, length);
  spec.ordered = true;
  Params<double> params;
  Input<double> input(spec.shape.input, spec, registry, params);
  params.freeze();
  Param<double> tokens_table = params.find("embedding"), position_table = params.find("positions.table");
  tokens_table.value() << table.matrix(), condition.matrix();
  position_table.value() << prefix.matrix(), positions.matrix();
  params.find("target_positions").value() = targets.matrix();

  std::vector<Token> tokens, places;
  for (Index b = 0; b < batch; ++b) {
    tokens.push_back(static_cast<Token>(vocabulary + b));
    for (Index s = 0; s < length; ++s) {
      const Index place = require_index("order", order.matrix()(b, s), length);
      places.push_back(static_cast<Token>(place));
      tokens.push_back(static_cast<Token>(require_index("ids", ids.matrix()(b, place), vocabulary)));
      if (labels.matrix()(b, s) != tokens.back()) throw Error("labels_shuffled does not follow the order");
    }
    places.push_back(static_cast<Token>(length));
  }
  const SequenceBatch in{.time = length + 1, .tokens = tokens, .order = places};
  Step<double> step;
  Run run{"", {{"out", Tensor::zeros({batch, length + 1, dim})}}, {{"condition", condition}}};
  require_shape("upstream", c.upstream_out(), run.outputs["out"].shape);
  run.outputs["out"].matrix() = input.forward(step, in, batch).rows();
  Tensor dout = c.upstream_out();
  input.backward(step, seq(dout));
  const auto store = [&](const char* name, const Tensor& like, const auto& rows) {
    run.grads[name] = like;
    run.grads[name].matrix() = rows;
  };
  store("condition", condition, tokens_table.grad().bottomRows(batch));
  store("token_table", table, tokens_table.grad().topRows(vocabulary));
  store("prefix_position", prefix, position_table.grad().topRows(1));
  store("position", positions, position_table.grad().bottomRows(length));
  store("target_position", targets, params.find("target_positions").grad());
  return {run};
}

}  // namespace heed::golden
