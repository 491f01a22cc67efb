// Softmax under a pattern of visible pairs.
#include <algorithm>

#include "core/error.h"
#include "tests/golden/handlers.h"
#include "tests/golden/kernel.h"

namespace heed::golden {
namespace {

// Which variant a pattern is, and with which options.
struct Pattern {
  std::string variant;
  Given given;
};

Config whole(const Case& c, const char* key) { return Config::integer(c.integer(key)); }

Pattern pattern_of(const Case& c) {
  const std::string name = c.text("pattern");
  if (name == "window") return {"window", {{"left", whole(c, "left")}, {"right", whole(c, "right")}}};
  if (name == "window_global") {
    std::vector<Config> global;
    for (const double position : c.constant("global_positions").values)
      global.push_back(Config::integer(static_cast<long long>(position)));
    return {"window",
            {{"left", whole(c, "left")}, {"right", whole(c, "right")}, {"global", Config::sequence(global)}}};
  }
  if (name == "strided" || name == "strided_merged" || name == "strided_split_heads") {
    if (name != "strided" && c.integer("local") != c.integer("stride"))
      throw Unknown("a local width that is not the stride");
    const char* mode = name == "strided" ? "strided" : name == "strided_merged" ? "merged" : "split";
    return {"strided", {{"stride", whole(c, "stride")}, {"mode", Config::scalar(mode)}}};
  }
  if (name == "fixed")
    return {"fixed",
            {{"segment", whole(c, "stride")},
             {"summary", whole(c, "summary")},
             {"slots", whole(c, "num_slots")}}};
  if (name == "bigbird") {
    const Tensor& random = c.constant("random_blocks");
    const Index blocks = random.size(0);
    if (c.integer("window_blocks") != 3 ||
        c.constant("global_blocks").values != std::vector<double>{0, static_cast<double>(blocks - 1)})
      throw Unknown("a bigbird with another window or other global blocks");
    return {"bigbird", {{"block", whole(c, "block")}, {"random", Config::integer(random.size(1))}}};
  }
  if (name == "moba") return {"moba", {{"block", whole(c, "block")}, {"top_k", whole(c, "top_k")}}};
  if (name == "topk") return {"topk", {{"k", whole(c, "k")}}};
  throw Unknown("the pattern '" + name + "'");
}

// The random blocks are stored for each head; the file has one table for all.
void set_random_blocks(const Case& c, Params<double>& params) {
  const Param<double> table = params.find("random_blocks");
  const Tensor& given = c.constant("random_blocks");
  if (!table || table.rows() % given.rows() != 0 || table.cols() != given.cols())
    throw Error("the table of random blocks has another shape");
  for (Index row = 0; row < table.rows(); row += given.rows())
    table.value().middleRows(row, given.rows()) = given.matrix();
}

// The visible pairs, in the shape of the file: over its missing axes (batch, heads) all must be alike, and
// where they are not the mean is neither 0 nor 1. Equal scores make every visible weight positive.
Tensor mask_of(const Tensor& weights, const Tensor& like) {
  Tensor out = Tensor::zeros(like.shape);
  const auto n = out.values.size(), copies = weights.values.size() / n;
  for (std::size_t i = 0; i < weights.values.size(); ++i)
    out.values[i % n] += weights.values[i] > 0 ? 1 / static_cast<double>(copies) : 0;
  return out;
}

}  // namespace

std::vector<Run> run_sparse(const Case& c, const Registry& registry) {
  const auto [name, given] = pattern_of(c);
  const VariantInfo& variant = find_variant(registry, name);
  const Tensor& q = c.input("q");
  require_scale(c, q.size(3));
  // Topk and moba choose by the scores: small ones, by a power of two, give the same choice, and no weight is
  // rounded to 0. Every other pattern is there without them.
  Case plain = c;
  const double small = name == "topk" || name == "moba" ? 0x1p-20 : 0;
  for (double& x : plain.inputs["q"].values) x *= small;
  std::vector<Run> runs;
  for (const auto& [options, text] : tile_choices(variant, given)) {
    // Patterns are given in the indices of queries and keys: query i stands at position i.
    KernelSetting setting{
        .variant = variant,
        .options = options,
        .spec = kernel_spec(c, q.size(1) * q.size(3), name == "topk" ? c.input("k").size(2) - q.size(2) : 0),
        .scale = c.number("scale")};
    if (name == "bigbird") setting.prepare = [&](Params<double>& params) { set_random_blocks(c, params); };
    Run& run = runs.emplace_back(run_kernel(c, setting));
    run.text = text;
    run.outputs["mask"] = mask_of(run_kernel(plain, setting).outputs["weights"], c.output("mask"));
  }
  return runs;
}

}  // namespace heed::golden
