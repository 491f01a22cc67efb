#include "core/model/expansion.h"

#include <cmath>

#include "core/error.h"
#include "core/ops/activation.h"

namespace heed {
namespace {

constexpr double kStddev = 0.02, kBase = 10000;

}  // namespace

template <class S>
Expansion<S>::Expansion(Index dim, Index length, bool bias, Params<S>& params)
    : dim_(dim),
      length_(length),
      up_("expand.up", dim, dim, bias, kStddev, params),
      down_("expand.down", dim, dim, bias, kStddev, params) {}

// s[p, 2i] = sin(p base^{-2i/C}),  s[p, 2i+1] = cos(the same)
template <class S>
void Expansion<S>::fill_table() {
  table_.resize(length_, dim_);
  for (Index c = 0; c < dim_; ++c) {
    const Index pair = c - c % 2;
    const double frequency = std::pow(kBase, -static_cast<double>(pair) / static_cast<double>(dim_));
    for (Index p = 0; p < length_; ++p) {
      const double angle = static_cast<double>(p) * frequency;
      table_(p, c) = static_cast<S>(c % 2 == 0 ? std::sin(angle) : std::cos(angle));
    }
  }
}

// a = W1 (h + s_p) + b1   u = gelu(a)   y = W2 u + b2
template <class S>
Seq<S> Expansion<S>::forward(Step<S>& step, Seq<const S> h, std::span<const Index> positions) {
  if (table_.size() == 0) fill_table();
  const Seq<S> x = step.memory().keep(h, dim_), u = step.memory().keep(h, dim_);
  for (Index r = 0; r < h.row_count(); ++r) {
    const Index p = positions[static_cast<std::size_t>(r)];
    HEED_CHECK(p < length_, "a label is beyond the table of positions");
    x.rows().row(r) = h.rows().row(r) + table_.row(p);
  }
  slope_ = step.memory().keep(h, dim_);
  up_.forward(step, x, slope_);
  activate_with_slope(step, Activation::gelu_erf, slope_, u);
  const Seq<S> y = step.memory().keep(h, dim_);
  down_.forward(step, u, y);
  return y;
}

// du = dy W2^T   da = du gelu'(a)   dh = da W1^T
template <class S>
void Expansion<S>::backward(Step<S>& step, Seq<S> dy) {
  Memory<S> memory = step.memory();
  typename Memory<S>::Scope scope(memory);
  const Seq<S> da = memory.temp(dy, dim_);
  da.rows().setZero();
  down_.backward(step, dy, da);
  da.rows().array() *= slope_.rows().array();
  dy.rows().setZero();
  up_.backward(step, da, dy);
}

template class Expansion<float>;
template class Expansion<double>;

}  // namespace heed
