// Whole models, run as training runs them: Model::accumulate on a batch, every gradient compared.
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/model/model.h"
#include "core/ops/patches.h"
#include "tests/golden/handlers.h"

namespace heed::golden {
namespace {

// Gradients and parameters of a case, by the names that a model gives them.
struct Names {
  ParamNames all;

  void add(const std::string& golden, const std::string& heed) { all.push_back({golden, heed}); }
  void add_norm(const std::string& golden, const std::string& heed) {
    add(golden + "_weight", heed + ".gain");
    add(golden + "_bias", heed + ".bias");
  }
  // `golden`: "decoder0_self_W_q" has the prefix "decoder0_self_"
  void add_attention(const std::string& golden, const std::string& heed) {
    for (const auto& [letter, name] :
         {std::pair("q", "query"), {"k", "key"}, {"v", "value"}, {"o", "output"}}) {
      add(golden + "W_" + letter, fmt::format("{}.{}.weight", heed, name));
      add(golden + "b_" + letter, fmt::format("{}.{}.bias", heed, name));
    }
  }
  void add_feed_forward(const std::string& golden, const std::string& heed) {
    for (const auto& [number, name] : {std::pair("1", "in"), {"2", "out"}}) {
      add(golden + "W_" + number, fmt::format("{}.feed_forward.{}.weight", heed, name));
      add(golden + "b_" + number, fmt::format("{}.feed_forward.{}.bias", heed, name));
    }
  }
  // Blocks of self-attention and feed-forward: "block0_" and "blocks.0".
  void add_blocks(const std::string& golden, const std::string& heed, Index layers) {
    for (Index i = 0; i < layers; ++i) {
      const std::string from = fmt::format("{}{}_", golden, i), to = fmt::format("{}blocks.{}", heed, i);
      add_norm(from + "ln1", to + ".norm1");
      add_attention(from, to + ".attention");
      add_norm(from + "ln2", to + ".norm2");
      add_feed_forward(from, to);
    }
  }
  void add_decoder_blocks(Index layers) {
    for (Index i = 0; i < layers; ++i) {
      const std::string from = fmt::format("decoder{}_", i), to = fmt::format("blocks.{}", i);
      add_norm(from + "ln1", to + ".norm1");
      add_attention(from + "self_", to + ".attention");
      add_norm(from + "ln2", to + ".norm2");
      add_attention(from + "cross_", to + ".cross_attention");
      add_norm(from + "ln3", to + ".norm3");
      add_feed_forward(from, to);
    }
  }
  void add_head(const Case& c) {
    if (c.params.contains("W_head")) add("W_head", "head");
    add("b_head", "head.bias");
  }
};

std::vector<Token> tokens_of(const Case& c, const char* key, Index limit) {
  std::vector<Token> out;
  for (const double x : c.constant(key).values)
    out.push_back(x == kUnscored ? kUnscored : static_cast<Token>(require_index(key, x, limit)));
  return out;
}

std::vector<Index> lengths_of(const Case& c, const char* key, Index longest) {
  std::vector<Index> out;
  for (const double x : c.constant(key).values) out.push_back(require_index(key, x, longest + 1));
  return out;
}

// What all models of the files have in common; `ff` is the prefix of a block with a feed-forward.
ModelSpec spec_of(const Case& c, const std::string& block, Index dim, Index layers,
                  const Registry& registry) {
  if (c.text("norm") != "layer_norm") throw Unknown("the norm '" + c.text("norm") + "'");
  const std::string activation = c.text("activation");
  if (activation != "gelu_erf" && activation != "gelu_tanh")
    throw Unknown("the activation '" + activation + "'");
  ModelSpec spec;
  spec.options = {.layers = layers, .heads = c.integer("heads"), .dim = dim, .norm_eps = c.number("eps")};
  spec.options.tied = !c.params.contains("W_head");
  spec.feed_forward = {"mlp", options_of(find_variant(registry, "mlp"),
                                         {{"width", Config::integer(c.param(block + "W_1").size(1))},
                                          {"activation", Config::scalar(activation)}})};
  spec.options.head_bias = true;
  require_scale(c, dim / spec.options.heads);
  return spec;
}

// Loss and gradients, scaled by the upstream gradient of the loss.
Run run_model(const Case& c, const ModelSpec& spec, const Batch& batch, const Names& names,
              const Registry& registry) {
  Params<double> params;
  Model<double> model(spec, registry, params);
  params.freeze();
  params.initialize(1);
  load(c, names.all, params);
  Step<double> step;
  const Score score = model.accumulate(step, batch);
  const double upstream = c.upstream_out().values.at(0);
  for (double& g : params.grads()) g *= upstream;
  Run run{"", {{"out", Tensor{{1}, {score.mean_loss()}}}}, {}};
  store_grads(c, names.all, params, run);
  if (batch.labeled == Labels::per_sequence) {
    Tensor logits = Tensor::zeros({batch.batch, spec.shape.classes});
    model.evaluate(step, batch, {}, logits.values);
    run.outputs["logits"] = logits;
  }
  return run;
}

// The same for each tile size of the attention.
template <class Make>
std::vector<Run> run_tiles(const Registry& registry, Make make) {
  std::vector<Run> runs;
  for (const auto& [options, text] : tile_choices(find_variant(registry, "softmax"), {})) {
    runs.push_back(make(Choice{"softmax", options}));
    runs.back().text = text;
  }
  return runs;
}

Patches patches_of(const Case& c) {
  const Tensor& image = c.input("image");
  const Patches p{image.size(1), image.size(2), image.size(3), c.integer("patch_height"),
                  c.integer("patch_width")};
  p.check();
  return p;
}

// (batch, patches, numbers of a patch) of all images, and back
std::vector<double> cut_images(const Patches& p, const Tensor& images) {
  std::vector<double> out(images.values.size());
  const auto one = static_cast<std::size_t>(p.count() * p.size());
  for (std::size_t at = 0; at < out.size(); at += one)
    p.cut(std::span(images.values).subspan(at, one), std::span(out).subspan(at, one));
  return out;
}

Tensor join_images(const Patches& p, const std::vector<double>& patches, const Tensor& like, double factor) {
  Tensor out = Tensor::zeros(like.shape);
  const auto one = static_cast<std::size_t>(p.count() * p.size());
  for (std::size_t at = 0; at < patches.size(); at += one)
    p.join(std::span(patches).subspan(at, one), std::span(out.values).subspan(at, one));
  for (double& x : out.values) x *= factor;
  return out;
}

}  // namespace

std::vector<Run> run_encoder_decoder(const Case& c, const Registry& registry) {
  const Tensor &source_table = c.param("source_table"), &target_table = c.param("target_table");
  const Index batch = c.constant("source_ids").size(0), source_time = c.constant("source_ids").size(1),
              time = c.constant("target_ids").size(1), layers = c.integer("layers_decoder");
  const auto source = tokens_of(c, "source_ids", source_table.size(0));
  const auto target = tokens_of(c, "target_ids", target_table.size(0));
  const auto labels = tokens_of(c, "labels", target_table.size(0));
  const auto source_lengths = lengths_of(c, "source_lengths", source_time);
  const auto target_lengths = lengths_of(c, "target_lengths", time);

  ModelSpec spec = spec_of(c, "decoder0_", target_table.size(1), layers, registry);
  spec.encoder_layers = c.integer("layers_encoder");
  spec.shape = token_shape(target_table.size(0), time, ModelType::encoder_decoder);
  spec.shape.source = {Stream::Kind::tokens, source_table.size(0), source_time};

  Names names;
  names.add("source_table", "encoder.embedding");
  names.add("source_position", "encoder.positions.table");
  names.add_blocks("encoder", "encoder.", spec.encoder_layers);
  names.add_norm("encoder_final", "encoder.norm");
  names.add("target_table", "embedding");
  names.add("target_position", "positions.table");
  names.add_decoder_blocks(layers);
  names.add_norm("decoder_final", "norm");
  names.add_head(c);

  const Batch all{{.time = time, .tokens = target, .lengths = target_lengths},
                  labels,
                  batch,
                  Labels::per_position,
                  {.time = source_time, .tokens = source, .lengths = source_lengths}};
  return run_tiles(registry, [&](const Choice& softmax) {
    spec.attention = {softmax};
    spec.cross_attention = {softmax};
    return run_model(c, spec, all, names, registry);
  });
}

std::vector<Run> run_masked_lm(const Case& c, const Registry& registry) {
  const Tensor& table = c.param("token_table");
  const Index batch = c.constant("ids").size(0), time = c.constant("ids").size(1),
              layers = c.integer("layers");
  const auto ids = tokens_of(c, "ids", table.size(0));
  const auto labels = tokens_of(c, "labels", table.size(0));
  const auto lengths = lengths_of(c, "lengths", time);

  ModelSpec spec = spec_of(c, "block0_", table.size(1), layers, registry);
  spec.shape = token_shape(table.size(0), time, ModelType::encoder);
  Names names;
  names.add("token_table", "embedding");
  names.add("position", "positions.table");
  names.add_blocks("block", "", layers);
  names.add_norm("final", "norm");
  names.add_head(c);
  const Batch all{{.time = time, .tokens = ids, .lengths = lengths}, labels, batch};
  return run_tiles(registry, [&](const Choice& softmax) {
    spec.attention = {softmax};
    return run_model(c, spec, all, names, registry);
  });
}

std::vector<Run> run_vit(const Case& c, const Registry& registry) {
  const Patches p = patches_of(c);
  const Tensor& image = c.input("image");
  const Index batch = image.size(0), layers = c.integer("layers"), classes = c.param("W_head").size(1);
  const std::vector<double> vectors = cut_images(p, image);
  const auto labels = tokens_of(c, "labels", classes);
  const std::string pool = c.text("pool");
  if (pool != "cls" && pool != "mean") throw Unknown("the pool '" + pool + "'");

  ModelSpec spec = spec_of(c, "block0_", c.param("W_patch").size(1), layers, registry);
  spec.class_token = pool == "cls";
  spec.pool = pool == "cls" ? Pool::first : Pool::mean;
  spec.shape = {.input = {Stream::Kind::vectors, p.size(), p.count()},
                .classes = classes,
                .model = ModelType::encoder,
                .labels = Labels::per_sequence};
  Names names;
  names.add("W_patch", "embedding.weight");
  names.add("b_patch", "embedding.bias");
  if (spec.class_token) names.add("class_token", "class_token");
  names.add("position", "positions.table");
  names.add_blocks("block", "", layers);
  names.add_norm("final", "norm");
  names.add_head(c);
  return run_tiles(registry, [&](const Choice& softmax) {
    spec.attention = {softmax};
    std::vector<double> dvectors(vectors.size());
    const Batch all{{.time = p.count(), .vectors = vectors, .vector_gradients = dvectors},
                    labels,
                    batch,
                    Labels::per_sequence};
    Run run = run_model(c, spec, all, names, registry);
    run.grads["image"] = join_images(p, dvectors, image, c.upstream_out().values.at(0));
    return run;
  });
}

std::vector<Run> run_patch_embed(const Case& c, const Registry& registry) {
  const Patches p = patches_of(c);
  const Tensor &image = c.input("image"), &weight = c.param("W_patch");
  const std::vector<double> vectors = cut_images(p, image);
  std::vector<double> dvectors(vectors.size());
  ModelSpec spec;
  spec.options.dim = weight.size(1);
  spec.positions = {"none"};
  Params<double> params;
  Input<double> input({Stream::Kind::vectors, p.size(), p.count()}, spec, registry, params);
  params.freeze();
  const ParamNames names = {{"W_patch", "embedding.weight"}, {"b_patch", "embedding.bias"}};
  load(c, names, params);

  Step<double> step;
  Tensor out = Tensor::zeros({image.size(0), p.count(), weight.size(1)});
  require_shape("upstream", c.upstream_out(), out.shape);
  const SequenceBatch batch{.time = p.count(), .vectors = vectors, .vector_gradients = dvectors};
  out.matrix() = input.forward(step, batch, image.size(0)).rows();
  Tensor dout = c.upstream_out();
  input.backward(step, seq(dout));
  Run run{"", {{"out", out}}, {{"image", join_images(p, dvectors, image, 1)}}};
  store_grads(c, names, params, run);
  return {run};
}

}  // namespace heed::golden
