#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "core/error.h"
#include "core/mixer.h"
#include "core/ops/product.h"
#include "core/register.h"
#include "variants/parts/packed_tile.h"

namespace {
using namespace heed;

// Linear attention: o_i = sum_j f(q_i).f(k_j) v_j / (sum_j f(q_i).f(k_j) + eps), f(x) = elu(x) + 1; no scale.
// Katharopoulos et al. 2020, eq. 5 and 9; eps as in their code. The gradients are derived in
// docs/variants/linear.md.
//
// The sums over j do not know i, so they are a state of a fixed size:
//     s = sum_j f(k_j) v_j^T   (key, value)        t = sum_j f(k_j)   (1, key)
// Time is worked through in chunks, so nothing is ever (T, T): inside a chunk the quadratic form, across
// chunks the state.
template <class S>
struct LinearAttention {
  struct Options {
    std::string features = "elu";
    Index chunk = 64;
    double eps = 1e-6;
    void describe(auto& option) {
      option("features", features, {.choices = {"elu"}, .doc = "the feature map; elu: elu(x) + 1"});
      option("chunk", chunk, {.min = 1, .doc = "positions worked on at once; changes speed, not the result"});
      option("eps", eps, {.min = 1e-12, .max = 1, .doc = "added to the denominator"});
    }
  } options;

  struct Saved {
    ConstMat<S> o;  // (Tq, value)
    ConstMat<S> z;  // (1, Tq) denominators, eps included
  };

  // No parameters: the place to refuse what linear attention cannot do.
  void declare(const LayerSpec<S>& spec, Params<S>&) const {
    if (spec.position && spec.position->slope(0, spec.heads) != 0)
      throw Error(
          "linear attention has no scores that a position could bias: with 'linear', position must be "
          "another kind than alibi.");
  }

  // Causal sums need as many queries as keys, one beside the other; the cross shapes that traits claim by
  // default are those without a mask.
  void prepare(Index tq, Index tk, const Mask& mask) const {
    if (mask.causal && (tq != tk || mask.offset != 0))
      throw Error(
          fmt::format("causal linear attention needs queries and keys side by side, but there are {} "
                      "queries and {} keys at offset {}: take it without the mask, or another variant.",
                      tq, tk, mask.offset));
  }

  // With p = f(q) f(k)^T inside the chunk, its future hidden:
  //     z = f(q) t + sum p + eps        o = (f(q) s + p v) / z
  Saved forward(const Head<S>& in, Mat<S> o, Memory<S>& memory) const {
    Mat<S> z = memory.keep(1, in.q.rows());
    const Mat<S> fq = features(in.q, memory), fk = features(in.k, memory);
    State state(in, memory);
    if (!in.mask.causal) add_all_keys(fk, in.v, state);
    for (Index at = 0; at < fq.rows(); at += options.chunk) {
      typename Memory<S>::Scope scope(memory);
      const Chunk c(at, options.chunk, fq.rows());
      const Mat<S> fq_c = c.rows(fq), a = tile_room(memory, c.size, o.cols());
      product_ab(fq_c, state.s, a);
      for (Index r = 0; r < c.size; ++r) z(0, at + r) = dot(row(fq_c, r), row(state.t, 0)) + eps();
      if (in.mask.causal) {
        const Mat<S> p = weights_of(fq_c, c.rows(fk), memory);
        for (Index r = 0; r < c.size; ++r) z(0, at + r) += row(p, r).sum();
        add_product_ab(p, c.rows(in.v), a);
        state.add(c.rows(fk), c.rows(in.v));
      }
      for (Index r = 0; r < c.size; ++r) o.row(at + r).array() = row(a, r) / z(0, at + r);
    }
    return {o, z};
  }

  // The gradients of numerator and denominator are
  //     g_i = d_o_i / z_i               h_i = -(d_o_i . o_i) / z_i
  // and all else is linear. Inside a chunk, with p as above and dp = g v^T + h, its future hidden:
  //     df(q) = g s^T + h t + dp f(k)       df(k) = v r^T + u + dp^T f(q)       dv = f(k) r + p^T g
  // where s, t come from the past, and from the future
  //     r = sum_i f(q_i) g_i^T   (key, value)       u = sum_i h_i f(q_i)   (1, key)
  // f'(x), which is 1 above 0 and exp(x) = f(x) below, is min(f(x), 1).
  void backward(const Head<S>& in, const Saved& saved, In<S> d_o, HeadGrad<S>& grad,
                Memory<S>& memory) const {
    const Mat<S> fq = features(in.q, memory), fk = features(in.k, memory);
    const Mat<S> g = tile_room(memory, fq.rows(), d_o.cols());
    Mat<S> h = memory.temp(fq.rows(), 1);
    for (Index i = 0; i < fq.rows(); ++i) {
      row(g, i) = d_o.row(i).array() / saved.z(0, i);
      h(i, 0) = -(row(g, i) * saved.o.row(i).array()).sum();
    }
    // What keys and values get inside their chunk; then what the state brings, and all is added in one
    // rounding.
    const Mat<S> dfk = zeros(memory, fk.rows(), fk.cols()), dv = zeros(memory, fk.rows(), in.v.cols());
    State past(in, memory), future(in, memory);
    if (!in.mask.causal) add_all_keys(fk, in.v, past);
    for (Index at = 0; at < fq.rows(); at += options.chunk) {
      typename Memory<S>::Scope scope(memory);
      const Chunk c(at, options.chunk, fq.rows());
      const Mat<S> fq_c = c.rows(fq), g_c = c.rows(g), dfq = tile_room(memory, c.size, fq.cols());
      product_abt(g_c, past.s, dfq);
      for (Index r = 0; r < c.size; ++r) row(dfq, r) += h(at + r, 0) * row(past.t, 0);
      if (in.mask.causal) {
        const Mat<S> fk_c = c.rows(fk), p = weights_of(fq_c, fk_c, memory);
        const Mat<S> dp = tile_room(memory, c.size, c.size);
        product_abt(g_c, c.rows(in.v), dp);
        for (Index r = 0; r < c.size; ++r) row(dp, r) += h(at + r, 0);
        hide_future(dp);
        add_product_ab(dp, fk_c, dfq);
        product_atb(dp, fq_c, c.rows(dfk));
        product_atb(p, g_c, c.rows(dv));
        past.add(fk_c, c.rows(in.v));
      } else {
        future.add(fq_c, g_c, c.rows(h));
      }
      for (Index r = 0; r < c.size; ++r) grad.q.row(at + r).array() += row(dfq, r) * row(fq_c, r).min(S(1));
    }
    for (Index at = last_chunk(fk.rows()); at >= 0; at -= options.chunk) {
      const Chunk c(at, options.chunk, fk.rows());
      add_product_abt(c.rows(in.v), future.s, c.rows(dfk));
      add_product_ab(c.rows(fk), future.s, c.rows(dv));
      for (Index r = at; r < at + c.size; ++r) {
        grad.k.row(r).array() += (row(dfk, r) + row(future.t, 0)) * row(fk, r).min(S(1));
        grad.v.row(r).array() += row(dv, r);
      }
      if (in.mask.causal) future.add(c.rows(fq), c.rows(g), c.rows(h));
    }
  }

  // p_ij = f(q_i).f(k_j) / z_i: positive; a row sums to 1 - eps / z_i.
  void weights(const Head<S>& in, const Saved& saved, Mat<S> p, Memory<S>& memory) const {
    const Mat<S> fq = features(in.q, memory), fk = features(in.k, memory);
    product_abt(fq, fk, p);
    if (in.mask.causal) hide_future(p);
    for (Index i = 0; i < p.rows(); ++i) p.row(i) /= saved.z(0, i);
  }

  // One head: state and readout, and the causal pairs inside a chunk.
  Cost cost(const HeadSize& size) const {
    const auto key = static_cast<double>(size.key), value = static_cast<double>(size.value);
    double flops = 2 * static_cast<double>(size.tq + size.tk) * key * (value + 1);
    if (size.mask.causal)
      flops += static_cast<double>(size.tq * std::min(options.chunk, size.tq)) * (key + value + 1);
    return {flops, 4 * (key * value + key)};
  }

 private:
  // Some positions that are worked on at once.
  struct Chunk {
    Chunk(Index first, Index most, Index time) : at(first), size(std::min(most, time - first)) {}
    auto rows(auto all) const { return row_block(all, at, size); }
    Index at, size;
  };

  // A sum of outer products, and beside it the sum of one side alone. Added to a chunk at a time: a long
  // running sum of single terms would drift in float.
  struct State {
    State(const Head<S>& in, Memory<S>& memory)
        : s(zeros(memory, in.k.cols(), in.v.cols())), t(zeros(memory, 1, in.k.cols())) {}
    void add(Mat<S> f, In<S> v) {
      add_product_atb(f, v, s);
      for (Index r = 0; r < f.rows(); ++r) row(t, 0) += row(f, r);
    }
    void add(Mat<S> f, In<S> g, In<S> h) {
      add_product_atb(f, g, s);
      for (Index r = 0; r < f.rows(); ++r) row(t, 0) += h(r, 0) * row(f, r);
    }
    Mat<S> s, t;
  };

  S eps() const { return static_cast<S>(options.eps); }
  Index last_chunk(Index time) const { return (time - 1) / options.chunk * options.chunk; }
  static S dot(const TileRow<S>& a, const TileRow<S>& b) { return (a * b).sum(); }

  // f(x) = x + 1 above 0, exp(x) below; the branch not taken stays at 1 or 0 and cannot overflow.
  static Mat<S> features(In<S> x, Memory<S>& memory) {
    const Mat<S> f = tile_room(memory, x.rows(), x.cols());
    for (Index i = 0; i < x.rows(); ++i) {
      row(f, i) = x.row(i).array();
      row(f, i) = row(f, i).max(S(0)) + row(f, i).min(S(0)).exp();
    }
    return f;
  }

  void add_all_keys(Mat<S> fk, ConstMat<S> v, State& state) const {
    for (Index at = 0; at < fk.rows(); at += options.chunk) {
      const Chunk c(at, options.chunk, fk.rows());
      state.add(c.rows(fk), c.rows(v));
    }
  }

  static void hide_future(Mat<S> p) { p.template triangularView<Eigen::StrictlyUpper>().setZero(); }

  static Mat<S> weights_of(Mat<S> fq, Mat<S> fk, Memory<S>& memory) {
    const Mat<S> p = tile_room(memory, fq.rows(), fk.rows());
    product_abt(fq, fk, p);
    hide_future(p);
    return p;
  }
};
}  // namespace

HEED_MIXER(linear, LinearAttention,
           "Linear attention: a feature map in place of the softmax, a state of fixed size",
           "Katharopoulos et al. 2020")
