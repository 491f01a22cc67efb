#pragma once

#include <string_view>

#include "core/error.h"
#include "variants/parts/packed_tile.h"
#include "variants/parts/row_norms.h"

namespace heed {

// A multiplicative gate: x * act(g), g an input of the mixer.
enum class Gate { none, sigmoid, silu };

inline Gate gate_named(std::string_view name) {
  if (name == "none") return Gate::none;
  if (name == "sigmoid") return Gate::sigmoid;
  HEED_CHECK(name == "silu", "a gate is asked for that does not exist");
  return Gate::silu;
}

// a = act(g). Tiles.
//     sigmoid: s = 1 / (1 + e^-g)      silu: g s
template <class S>
void gate_tile(Gate gate, Mat<S> g, Mat<S> a) {
  whole(a) = (1 + (-whole(g)).exp()).inverse();
  if (gate == Gate::silu) whole(a) *= whole(g);
}
// The same, and g becomes act'(g).
//     sigmoid: s (1 - s)      silu: s (1 + g (1 - s))
template <class S>
void gate_tile_with_slope(Gate gate, Mat<S> g, Mat<S> a) {
  whole(a) = (1 + (-whole(g)).exp()).inverse();
  if (gate == Gate::sigmoid) {
    whole(g) = whole(a) * (1 - whole(a));
  } else {
    for (Index i = 0; i < g.rows(); ++i) {
      TileRow<S> x = row(g, i), s = row(a, i);
      const Index n = x.size();
      for (Index c = 0; c < n; ++c) {
        const S value = x[c] * s[c];
        x[c] = s[c] + value * (1 - s[c]);
        s[c] = value;
      }
    }
  }
}

// What many recurrent layers do with the output of a head: an RMS norm with a gain, then a gate.
//     o = rms(u) * gain * act(g)
// u (T,V) and what it returns are tiles; g (T,V), or (T,1): one number for all channels.
template <class S>
struct HeadOutput {
  ConstMat<S> gain;  // (1,V); without rows: no norm
  double eps = 1e-5;
  Gate gate = Gate::none;

  bool norms() const { return gain.rows() > 0; }
  bool plain() const { return !norms() && gate == Gate::none; }  // o = u

  void forward(Mat<S> u, In<S> g, Mat<S> o, Memory<S>& memory) const {
    typename Memory<S>::Scope scope(memory);
    Mat<S> n = norms() ? normed(u, memory) : u;
    if (gate != Gate::none) {
      const Mat<S> input = of_channels(g, u.cols(), memory), a = tile_room(memory, u.rows(), u.cols());
      gate_tile(gate, input, a);
      for (Index i = 0; i < u.rows(); ++i) o.row(i).array() = row(n, i) * row(a, i);
    } else {
      for (Index i = 0; i < u.rows(); ++i) o.row(i).array() = row(n, i);
    }
  }

  // Returns du, with n = rms(u) * gain:    dn = d_o * act(g)    dg += d_o * n * act'(g)
  Mat<S> backward(Mat<S> u, In<S> g, In<S> d_o, Mat<S> dg, Mat<S> dgain, Memory<S>& memory) const {
    const Mat<S> dn = copy(d_o, memory);
    if (gate != Gate::none) {
      const Mat<S> n = norms() ? normed(u, memory) : u;
      const Mat<S> slope = of_channels(g, u.cols(), memory), a = tile_room(memory, u.rows(), u.cols());
      gate_tile_with_slope(gate, slope, a);
      for (Index i = 0; i < u.rows(); ++i) {
        if (g.cols() == u.cols())
          dg.row(i).array() += row(dn, i) * row(n, i) * row(slope, i);
        else
          dg(i, 0) += (row(dn, i) * row(n, i) * row(slope, i)).sum();
        row(dn, i) *= row(a, i);
      }
    }
    if (!norms()) return dn;
    const Mat<S> du = zeros(memory, u.rows(), u.cols());
    rms_rows_backward<S>(u, gain, eps, dn, du, dgain);
    return du;
  }

 private:
  static Mat<S> copy(In<S> x, Memory<S>& memory) {
    const Mat<S> tile = tile_room(memory, x.rows(), x.cols());
    gather<S>(x, Rows{nullptr, 0, x.rows()}, tile);
    return tile;
  }
  static Mat<S> of_channels(In<S> g, Index channels, Memory<S>& memory) {
    if (g.cols() == channels) return copy(g, memory);
    const Mat<S> tile = tile_room(memory, g.rows(), channels);
    for (Index i = 0; i < g.rows(); ++i) row(tile, i).setConstant(g(i, 0));
    return tile;
  }
  Mat<S> normed(Mat<S> u, Memory<S>& memory) const {
    const Mat<S> n = tile_room(memory, u.rows(), u.cols());
    rms_rows<S>(u, gain, eps, n);
    return n;
  }
};

}  // namespace heed
