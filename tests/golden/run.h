// What the handlers share.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "core/layer.h"
#include "core/registry.h"
#include "tests/golden/golden_file.h"

namespace heed::golden {

// What heed computed for a case. An intermediate that heed has no counterpart for is left out of outputs.
struct Run {
  std::string text;  // "tile 3"; empty where there is only one run
  Tensors outputs, grads;
};

// heed cannot run a case yet, or does not know what it is.
struct Skipped : std::runtime_error {
  using std::runtime_error::runtime_error;
};
struct Unknown : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Returns the variant. Throws: Skipped where it is not registered.
const VariantInfo& find_variant(const Registry& registry, const std::string& name);

// Options by name, and their resolved form.
using Given = std::vector<std::pair<std::string, Config>>;
Config options_of(const Entry& entry, const Given& given);

// Returns the options of a run and its text, once for each tile size. A tile size changes speed and must not
// change the result.
std::vector<std::pair<Config, std::string>> tile_choices(const VariantInfo& variant, const Given& given);

// A parameter of a case and heed's name for it. With head_columns the file has one matrix per head,
// (heads, in, out), and heed one matrix of adjacent columns, (in, heads * out). With transposed the file has
// the transpose of heed's matrix.
struct ParamName {
  std::string golden, heed;
  bool head_columns = false, transposed = false;
};
using ParamNames = std::vector<ParamName>;

// Returns heed's own names, for a case that uses them. Throws: heed::Error where a parameter is missing or
// has another shape: (rows, cols), or (n) for a single row or column.
ParamNames heed_names(const Case& c, const Params<double>& params);
// Sets the fixed values (tables that are not trained) that the case has among its constants.
void load_fixed(const Case& c, Params<double>& params);

// Copies the case's parameters into heed's. Throws: heed::Error where one is missing on either side.
void load(const Case& c, const ParamNames& names, Params<double>& params);
// Copies the gradients of heed's parameters into run.grads, under the names of the case.
void store_grads(const Case& c, const ParamNames& names, Params<double>& params, Run& run);

inline Seq<double> seq(Tensor& t) { return {t.values.data(), t.size(0), t.size(1), t.size(2)}; }
inline Seq<const double> seq(const Tensor& t) { return {t.values.data(), t.size(0), t.size(1), t.size(2)}; }

// heed::Error where a tensor has another shape: kernels trust the shapes they are given.
void require_shape(const char* name, const Tensor& t, const std::vector<Index>& shape);
// An integer of the file that will be an index; heed::Error where it is not in 0 .. limit-1.
Index require_index(const char* name, double value, Index limit);

// y = op(x) with its parameters; an op is anything with forward(step, x, y) and backward(step, dy, dx).
template <class Make>
Run run_op(const Case& c, Make make, const ParamNames& names) {
  require_shape("upstream", c.upstream_out(), c.input("x").shape);
  Params<double> params;
  auto op = make(params);
  params.freeze();
  params.initialize(1);
  load(c, names, params);
  const Tensor &x = c.input("x"), &dy = c.upstream_out();
  Tensor y = Tensor::zeros(x.shape), dx = Tensor::zeros(x.shape);
  Step<double> step;
  op.forward(step, seq(x), seq(y));
  op.backward(step, seq(dy), seq(dx));
  Run run{"", {{"out", y}}, {{"x", dx}}};
  store_grads(c, names, params, run);
  return run;
}

// Self-attention and feed-forwards, as run_op wants them.
struct SelfLayer {
  std::unique_ptr<Layer<double>> layer;
  void forward(Step<double>& step, Seq<const double> x, Seq<double> y) { layer->forward(step, x, x, y); }
  void backward(Step<double>& step, Seq<const double> dy, Seq<double> dx) {
    layer->backward(step, dy, dx, dx);
  }
};

// A variant without an option for the scale must have the case's by itself; heed::Error where it has not.
void require_scale(const Case& c, Index key_width);

}  // namespace heed::golden
