#include <fmt/format.h>

#include <algorithm>
#include <span>
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
// The sums over j do not depend on i, so they are a state of fixed size:
//     s = sum_j f(k_j) v_j^T   (key, value)        t = sum_j f(k_j)   (1, key)
// Time is processed in chunks, so no array is (T, T): the quadratic form inside a chunk, the state across
// chunks.
template <class S>
struct LinearAttention {
  struct Options {
    std::string features = "elu";
    Index chunk = 64;
    double eps = 1e-6;
    void describe(auto& option) {
      option("features", features, {.choices = {"elu"}, .doc = "the feature map; elu: elu(x) + 1"});
      option("chunk", chunk,
             {.min = 1, .speed = true, .doc = "positions per chunk; changes only speed and rounding"});
      option("eps", eps, {.min = 1e-12, .max = 1, .doc = "added to the denominator"});
    }
  } options;

  // A sum of outer products, and the sum of one side. Terms are added chunk by chunk, because a long
  // running sum of single terms drifts in float.
  struct State {
    Mat<S> s, t;
    void clear() { s.setZero(), t.setZero(); }
    void add(Mat<S> f, In<S> v) {
      add_product_atb(f, v, s);
      for (Index r = 0; r < f.rows(); ++r) row(t, 0) += row(f, r);
    }
    void add(Mat<S> f, In<S> g, In<S> h) {
      add_product_atb(f, g, s);
      for (Index r = 0; r < f.rows(); ++r) row(t, 0) += h(r, 0) * row(f, r);
    }
  };

  // One for each chunk, of all keys before it; without a mask, one for all keys.
  class States {
   public:
    States(const Head<S>& in, Index count, Memory<S>& memory)
        : key_(in.k.cols()),
          s_(kept_room(memory, count * key_, in.v.cols())),
          t_(kept_room(memory, count, key_)) {}
    State operator[](Index n) const { return {row_block(s_, n * key_, key_), row_block(t_, n, 1)}; }

   private:
    Index key_;
    Mat<S> s_, t_;
  };

  struct Saved {
    ConstMat<S> o;  // (Tq, value)
    ConstMat<S> z;  // (1, Tq) denominators, including eps
    States pasts;
  };

  // Declares no parameters; refuses what linear attention does not support.
  void declare(const LayerSpec<S>& spec, Params<S>&) const {
    if (spec.position && spec.position->slope(0, spec.heads) != 0)
      throw Error(
          "linear attention has no scores that a position could bias: with 'linear', position must be "
          "another kind than alibi.");
  }

  // Causal sums require as many queries as keys. The cross shapes that the default traits claim are those
  // without a mask.
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
    const States pasts(in, in.mask.causal ? chunks(in.k.rows()) : 1, memory);
    pasts[0].clear();
    if (!in.mask.causal) add_all_keys(in, pasts[0], memory);
    for (Index n = 0; n < chunks(in.q.rows()); ++n) {
      typename Memory<S>::Scope scope(memory);
      const Chunk c(n * options.chunk, options.chunk, in.q.rows());
      const State past = pasts[in.mask.causal ? n : 0];
      const Mat<S> fq = features(c.rows(in.q), memory), a = tile_room(memory, c.size, o.cols());
      product_ab(fq, past.s, a);
      for (Index r = 0; r < c.size; ++r) z(0, c.at + r) = dot(row(fq, r), row(past.t, 0)) + eps();
      if (in.mask.causal) {
        const Mat<S> fk = features(c.rows(in.k), memory), p = weights_of(fq, fk, memory);
        for (Index r = 0; r < c.size; ++r) z(0, c.at + r) += row(p, r).sum();
        add_product_ab(p, c.rows(in.v), a);
        if (c.at + c.size < in.k.rows()) {
          State next = pasts[n + 1];
          next.s = past.s, next.t = past.t;
          next.add(fk, c.rows(in.v));
        }
      }
      for (Index r = 0; r < c.size; ++r) o.row(c.at + r).array() = row(a, r) / z(0, c.at + r);
    }
    return {o, z, pasts};
  }

  // The gradients of numerator and denominator are
  //     g_i = d_o_i / z_i               h_i = -(d_o_i . o_i) / z_i
  // and the rest is linear. Inside a chunk, with p as above and dp = g v^T + h, its future hidden:
  //     df(q) = g s^T + h t + dp f(k)       df(k) = v r^T + u + dp^T f(q)       dv = f(k) r + p^T g
  // where s, t come from the past, and from the future
  //     r = sum_i f(q_i) g_i^T   (key, value)       u = sum_i h_i f(q_i)   (1, key)
  // f'(x), which is 1 above 0 and exp(x) = f(x) below, is min(f(x), 1). Chunks are processed from the last
  // to the first; no temporary is larger than a chunk.
  void backward(const Head<S>& in, const Saved& saved, In<S> d_o, HeadGrad<S>& grad,
                Memory<S>& memory) const {
    const bool causal = in.mask.causal;
    State future{zeros(memory, in.k.cols(), in.v.cols()), zeros(memory, 1, in.k.cols())};
    for (Index n = chunks(in.q.rows()) - 1; n >= 0; --n) {
      typename Memory<S>::Scope scope(memory);
      const Chunk c(n * options.chunk, options.chunk, in.q.rows());
      const Mat<S> g = tile_room(memory, c.size, d_o.cols());
      Mat<S> h = memory.temp(c.size, 1);
      for (Index r = 0; r < c.size; ++r) {
        row(g, r) = d_o.row(c.at + r).array() / saved.z(0, c.at + r);
        h(r, 0) = -(row(g, r) * saved.o.row(c.at + r).array()).sum();
      }
      const State past = saved.pasts[causal ? n : 0];
      const Mat<S> fq = features(c.rows(in.q), memory), dfq = tile_room(memory, c.size, fq.cols());
      product_abt(g, past.s, dfq);
      for (Index r = 0; r < c.size; ++r) row(dfq, r) += h(r, 0) * row(past.t, 0);
      if (causal) {
        const Mat<S> fk = features(c.rows(in.k), memory), p = weights_of(fq, fk, memory);
        const Mat<S> dp = tile_room(memory, c.size, c.size);
        product_abt(g, c.rows(in.v), dp);
        for (Index r = 0; r < c.size; ++r) row(dp, r) += h(r, 0);
        hide_future(dp);
        add_product_ab(dp, fk, dfq);
        const Mat<S> dfk = tile_room(memory, c.size, fk.cols()), dv = tile_room(memory, c.size, g.cols());
        product_atb(dp, fq, dfk);
        product_atb(p, g, dv);
        future_backward(c, in.v, fk, future, dfk, dv, grad);
      }
      future.add(fq, g, h);
      for (Index r = 0; r < c.size; ++r) grad.q.row(c.at + r).array() += row(dfq, r) * row(fq, r).min(S(1));
    }
    for (Index at = 0; !causal && at < in.k.rows(); at += options.chunk) {
      typename Memory<S>::Scope scope(memory);
      const Chunk c(at, options.chunk, in.k.rows());
      const Mat<S> fk = features(c.rows(in.k), memory);
      future_backward(c, in.v, fk, future, zeros(memory, c.size, fk.cols()),
                      zeros(memory, c.size, in.v.cols()), grad);
    }
  }

  // p_ij = f(q_i).f(k_j) / z_i: positive; a row sums to 1 - eps / z_i.
  void weights(const Head<S>& in, const Saved& saved, Mat<S> p, Memory<S>& memory) const {
    const Mat<S> fq = features(in.q, memory), fk = features(in.k, memory);
    product_abt(fq, fk, p);
    if (in.mask.causal) hide_future(p);
    for (Index i = 0; i < p.rows(); ++i) p.row(i) /= saved.z(0, i);
  }

  // One token at a time, with s (key,value) and t (1,key) from the first token on:
  //     s += f(k)^T v      t += f(k)      o = f(q) s / (f(q) t + eps)
  Index state_size(const HeadSize& size) const { return size.key * (size.value + 1); }
  void decode(const Head<S>& token, std::span<S> state, Mat<S> o, Memory<S>& memory) const {
    const Index key = token.k.cols(), value = token.v.cols();
    const Mat<S> s = mat(state.data(), key, value);
    Mat<S> t = mat(state.data() + key * value, 1, key);
    const Mat<S> fq = features(token.q, memory), fk = features(token.k, memory);
    add_product_atb(fk, token.v, s);
    t += fk;
    product_ab(fq, s, o);
    o /= fq.row(0).dot(t.row(0)) + eps();
  }

  // Cost of one head: adding to the state (the state after the last chunk is not read), reading it, and the
  // visible pairs inside chunks.
  Cost cost(const HeadSize& size) const {
    const double state = static_cast<double>(size.key * size.value);
    Index steps = size.tq + size.tk, pairs = 0;
    for (Index at = 0; size.mask.causal && at < size.tq; at += options.chunk) {
      const Index n = std::min(options.chunk, size.tq - at);
      pairs += n * (n + 1) / 2;
      if (at + n == size.tq) steps -= n;
    }
    return {2 * static_cast<double>(steps) * state + 2 * static_cast<double>(pairs * (size.key + size.value)),
            4 * (state + static_cast<double>(size.key))};
  }

 private:
  // The positions of one chunk.
  struct Chunk {
    Chunk(Index first, Index most, Index time) : at(first), size(std::min(most, time - first)) {}
    auto rows(auto all) const { return row_block(all, at, size); }
    Index at, size;
  };

  S eps() const { return static_cast<S>(options.eps); }
  Index chunks(Index time) const { return (time + options.chunk - 1) / options.chunk; }
  static S dot(const TileRow<S>& a, const TileRow<S>& b) { return (a * b).sum(); }

  // f(x) = x + 1 above 0, exp(x) below; the branch not taken stays at 1 or 0 and cannot overflow.
  static Mat<S> features(In<S> x, Memory<S>& memory) {
    Mat<S> f = tile_room(memory, x.rows(), x.cols());
    gather<S>(x, Rows{nullptr, 0, x.rows()}, f);
    TileRow<S> all(f.data(), f.rows() * f.outerStride());
    all = all.max(S(0)) + all.min(S(0)).exp();
    return f;
  }

  void add_all_keys(const Head<S>& in, State state, Memory<S>& memory) const {
    for (Index at = 0; at < in.k.rows(); at += options.chunk) {
      typename Memory<S>::Scope scope(memory);
      const Chunk c(at, options.chunk, in.k.rows());
      state.add(features(c.rows(in.k), memory), c.rows(in.v));
    }
  }

  // Adds the gradients that a chunk's keys and values get from later queries to those from queries in the
  // chunk.
  static void future_backward(const Chunk& c, ConstMat<S> v, Mat<S> fk, const State& future, Mat<S> dfk,
                              Mat<S> dv, HeadGrad<S>& grad) {
    add_product_abt(c.rows(v), future.s, dfk);
    add_product_ab(fk, future.s, dv);
    for (Index r = 0; r < c.size; ++r) {
      grad.k.row(c.at + r).array() += (row(dfk, r) + row(future.t, 0)) * row(fk, r).min(S(1));
      grad.v.row(c.at + r).array() += row(dv, r);
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
           "Linear attention: a feature map instead of the softmax, a state of fixed size",
           "Katharopoulos et al. 2020")
