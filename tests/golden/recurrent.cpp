// Recurrent networks: the cell over time with a given state, the layer and a block.
#include <string>
#include <vector>

#include "core/error.h"
#include "core/step.h"
#include "tests/golden/block.h"
#include "tests/golden/handlers.h"
#include "tests/golden/layer.h"
#include "variants/parts/lstm_cell.h"
#include "variants/parts/recurrence.h"
#include "variants/parts/rnn_cell.h"

namespace heed::golden {
namespace {

void require_gate_order(const Case& c) {
  if (c.text("gate_order") != "i,f,g,o") throw Unknown("the gate order '" + c.text("gate_order") + "'");
}

bool is_relu(const Case& c, const char* attribute) {
  const std::string name = c.text(attribute);
  if (name != "tanh" && name != "relu") throw Unknown("the activation '" + name + "'");
  return name == "relu";
}

ParamNames cell_names(const Case& c) {
  ParamNames out = {{"W_ih", "input.weight"}, {"W_hh", "hidden.weight"}};
  if (c.flag("bias")) out.insert(out.end(), {{"b_ih", "input.bias"}, {"b_hh", "hidden.bias"}});
  return out;
}

ParamNames layer_names(const Case& c) {
  ParamNames out = cell_names(c);
  out.push_back({"W_o", "output.weight"});
  if (c.flag("bias")) out.push_back({"b_o", "output.bias"});
  return out;
}

// A state of the case is one tensor (batch, hidden) for each name; heed has them side by side.
Matrix<double> join(const Case& c, const std::vector<std::string>& names) {
  const Index batch = c.input("h0").size(0), hidden = c.input("h0").size(1);
  Matrix<double> out(batch, hidden * static_cast<Index>(names.size()));
  for (std::size_t i = 0; i < names.size(); ++i) {
    require_shape(names[i].c_str(), c.input(names[i]), {batch, hidden});
    out.middleCols(static_cast<Index>(i) * hidden, hidden) = c.input(names[i]).matrix();
  }
  return out;
}

void split(const Matrix<double>& states, const std::vector<std::string>& names, Tensors& to) {
  const Index hidden = states.cols() / static_cast<Index>(names.size());
  for (std::size_t i = 0; i < names.size(); ++i) {
    Tensor one = Tensor::zeros({states.rows(), hidden});
    one.matrix() = states.middleCols(static_cast<Index>(i) * hidden, hidden);
    to[names[i]] = one;
  }
}

template <class Cell>
Run run_cell(const Case& c, Cell cell, const std::vector<std::string>& first,
             const std::vector<std::string>& last) {
  const Tensor& x = c.input("x");
  const Index hidden = c.input("h0").size(1);
  require_shape("upstream", c.upstream_out(), {x.size(0), x.size(1), hidden});
  Params<double> params;
  Recurrence<Cell, double> recurrence(cell, {x.size(2), hidden, c.flag("bias")}, params);
  params.freeze();
  params.initialize(1);
  load(c, cell_names(c), params);

  Tensor h = Tensor::zeros(c.upstream_out().shape), dx = Tensor::zeros(x.shape);
  Matrix<double> states = join(c, first), dstates = Matrix<double>::Zero(states.rows(), states.cols());
  Step<double> step;
  recurrence.forward(step, seq(x), seq(h), states.data());
  recurrence.backward(step, seq(c.upstream_out()), seq(dx), dstates.data());
  Run run{"", {{"out", h}}, {{"x", dx}}};
  split(states, last, run.outputs);
  split(dstates, first, run.grads);
  store_grads(c, cell_names(c), params, run);
  return run;
}

// The options of the variant that a layer or block names.
Config layer_options(const Case& c, const VariantInfo& variant) {
  Given given = {{"hidden", Config::integer(c.integer("hidden"))}, {"bias", Config::boolean(c.flag("bias"))}};
  const bool relu = is_relu(c, "mixer_activation");
  if (variant.name == "rnn")
    given.emplace_back("activation", Config::scalar(relu ? "relu" : "tanh"));
  else if (relu)
    throw Unknown("an LSTM with relu");
  else
    require_gate_order(c);
  return options_of(variant, given);
}

}  // namespace

std::vector<Run> run_rnn_cell(const Case& c, const Registry&) {
  return {run_cell(c, RnnCell<double>{is_relu(c, "activation")}, {"h0"}, {"h_final"})};
}

std::vector<Run> run_lstm_cell(const Case& c, const Registry&) {
  require_gate_order(c);
  return {run_cell(c, LstmCell<double>{}, {"h0", "c0"}, {"h_final", "c_final"})};
}

std::vector<Run> run_recurrent_layer(const Case& c, const Registry& registry) {
  const VariantInfo& variant = find_variant(registry, c.text("variant"));
  LayerSetting setting{.variant = variant, .options = layer_options(c, variant), .names = layer_names(c)};
  setting.spec.bias = c.flag("bias");
  return {run_layer(c, setting)};
}

std::vector<Run> run_recurrent_block(const Case& c, const Registry& registry) {
  const VariantInfo& variant = find_variant(registry, c.text("variant"));
  return {run_block_of(c, variant, layer_options(c, variant), 1, layer_names(c), registry)};
}

}  // namespace heed::golden
