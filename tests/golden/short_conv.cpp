// The causal depthwise convolution that recurrent layers have in front.
#include "variants/parts/short_conv.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "core/ops/activation.h"
#include "tests/golden/handlers.h"

namespace heed::golden {
namespace {

bool has_silu(const Case& c) {
  const std::string name = c.text("activation");
  if (name != "silu" && name != "none") throw Unknown("the activation '" + name + "'");
  return name == "silu";
}

// One sequence. With a state from earlier, the rows of x come after it, and the first outputs are left out.
struct Sequence {
  Sequence(const Case& c, Index b) : x(rows(c, b)), dx(Matrix<double>::Zero(x.rows(), x.cols())) {}

  static Matrix<double> rows(const Case& c, Index b) {
    const Tensor& in = c.input("x");
    const ConstMat<double> own = row_block(in.matrix(), b * in.size(1), in.size(1));
    if (!c.inputs.contains("initial_state")) return own;
    const Index kept = c.input("initial_state").size(1);
    Matrix<double> both(kept + own.rows(), own.cols());
    both << row_block(c.input("initial_state").matrix(), b * kept, kept), own;
    return both;
  }

  Matrix<double> x, dx;
};

void copy_rows(const Matrix<double>& from, Index at, Tensor& to, Index b) {
  to.matrix().middleRows(b * to.size(1), to.size(1)) = from.middleRows(at, to.size(1));
}

// Forward and backward in pieces of so many rows.
Run run_pieces(const Case& c, Index piece) {
  const Tensor& in = c.input("x");
  const Index batch = in.size(0), time = in.size(1), kept = c.integer("width") - 1;
  const Index first = c.inputs.contains("initial_state") ? kept : 0;
  const Matrix<double> taps = c.param("weight").matrix().transpose();
  const Tensor bias = c.flag("bias") ? c.param("bias") : Tensor{{0}, {}};
  const ShortConv<double> conv{const_mat(taps.data(), taps.rows(), taps.cols()),
                               const_mat(bias.values.data(), c.flag("bias") ? 1 : 0, taps.cols())};
  Matrix<double> dtaps = Matrix<double>::Zero(taps.rows(), taps.cols());
  Tensor dbias = Tensor::zeros(bias.shape), out = Tensor::zeros(in.shape), dx = out;
  Tensor final_state = Tensor::zeros({batch, kept, in.size(2)}), dinitial = final_state;
  const ShortConvGrad<double> grad{mat(dtaps.data(), taps.rows(), taps.cols()),
                                   mat(dbias.values.data(), conv.bias.rows(), taps.cols())};
  const bool silu = has_silu(c);
  for (Index b = 0; b < batch; ++b) {
    Sequence s(c, b);
    const Mat<double> x = mat(s.x.data(), s.x.rows(), s.x.cols()), d = mat(s.dx.data(), x.rows(), x.cols());
    for (Index at = 0; at < time; at += piece) {
      const Index n = std::min(piece, time - at);
      const Mat<double> y = row_block(out.matrix(), b * time + at, n);
      short_conv<double>(conv, x, first + at, y);
      Matrix<double> before = y, dy = row_block(c.upstream_out().matrix(), b * time + at, n);
      const Mat<double> dy_view = mat(dy.data(), n, dy.cols());
      if (silu) activate<double>(Activation::silu, y, y);
      if (silu) activate_backward<double>(Activation::silu, mat(before.data(), n, dy.cols()), dy_view);
      short_conv_backward<double>(conv, x, first + at, dy_view, d, grad);
    }
    copy_rows(s.dx, first, dx, b);
    if (first > 0) copy_rows(s.dx, 0, dinitial, b);
    for (Index r = 0; r < kept; ++r)
      if (const Index from = x.rows() - kept + r; from >= 0)
        final_state.matrix().row(b * kept + r) = x.row(from);
  }
  Run run{fmt::format("pieces of {}", piece), {{"out", out}, {"final_state", final_state}}, {{"x", dx}}};
  if (first > 0) run.grads["initial_state"] = dinitial;
  Tensor& dweight = run.grads["weight"] = c.param("weight");
  dweight.matrix() = dtaps.transpose();
  if (c.flag("bias")) run.grads["bias"] = dbias;
  return run;
}

}  // namespace

std::vector<Run> run_short_conv(const Case& c, const Registry&) {
  std::vector<Run> runs;
  for (const Index piece : {1, 3, 64}) runs.push_back(run_pieces(c, piece));
  return runs;
}

}  // namespace heed::golden
