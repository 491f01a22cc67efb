#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <tuple>
#include <variant>

#include "core/error.h"
#include "core/mixer.h"
#include "core/ops/product.h"
#include "core/register.h"
#include "variants/parts/feature_maps.h"
#include "variants/parts/linear_state.h"
#include "variants/parts/packed_tile.h"
#include "variants/parts/positions.h"
#include "variants/parts/state_kernel.h"

namespace {
using namespace heed;

// Linear attention: o_i = sum_j f(q_i).f(k_j) v_j / z_i with a feature map f (variants/parts/feature_maps.h)
// and
//     z_i = sum_j f(q_i).f(k_j) + eps,   or, with eps_rule max, the larger of that sum and eps.
// Katharopoulos et al. 2020, eq. 5 and 9; eps as in their code. No scale but that of f. The gradients are
// derived in docs/variants/linear.md.
//
// The sums over j do not depend on i, so they are a state of fixed size:
//     s = sum_j f(k_j) v_j^T   (W, value)        t = sum_j f(k_j)   (1, W)        W: the number of features
// Time is processed in chunks, so no array is (T, T): the quadratic form inside a chunk, the state across
// chunks.
template <class S>
struct LinearAttention {
  struct Options {
    std::string feature_map = "elu", eps_rule;
    FeatureMaps<S> maps;
    Index key_width = 0, chunk = 64;
    double eps = 1e-6;
    void describe(auto& option) {
      option("feature_map", feature_map,
             {.choices = feature_map_names<S>(maps), .doc = "f of queries and keys"});
      std::apply([&](auto&... map) { (map.describe(option), ...); }, maps);
      option("key_width", key_width, {.min = 0, .doc = "width of a head's queries and keys; 0: dim / heads"});
      option("chunk", chunk,
             {.min = 1, .speed = true, .doc = "positions per chunk; changes only speed and rounding"});
      option("eps", eps, {.min = 1e-12, .max = 1, .doc = "keeps the denominator above 0"});
      option("eps_rule", eps_rule,
             {.choices = {"add", "max"},
              .doc = "denominator z + eps or max(z, eps); default: max for cosformer, else add"});
    }
    void complete() {
      const auto clamps = [](const auto& map) { return map.kClamps; };
      if (eps_rule.empty()) eps_rule = std::visit(clamps, chosen()) ? "max" : "add";
    }
    AnyFeatureMap<S> chosen() const { return feature_map_named<S>(maps, feature_map); }
  } options;

  using State = LinearState<S>;

  struct Saved {
    ConstMat<S> o;          // (Tq, value)
    ConstMat<S> z;          // (1, Tq) denominators
    LinearStates<S> pasts;  // of all keys before each chunk; without a mask, of all keys
  };

  Traits traits() const {
    const auto of = [](const auto& map) {
      return Traits{.permutation = map.kPermutes, .smooth = map.kSmooth};
    };
    return std::visit(of, options.chosen());
  }

  HeadShape shape(const LayerSpec<S>& spec) const {
    require_divisible(spec.dim, spec.heads);
    const Index width = spec.dim / spec.heads;
    return {spec.heads, options.key_width > 0 ? options.key_width : width, width};
  }

  // Declares the parameters of the feature map. Throws: Error if there is a bias by position.
  void declare(const LayerSpec<S>& spec, Params<S>& params) {
    refuse_score_bias(spec, "linear");
    map_ = options.chosen();
    std::visit([&](auto& map) { map.declare(spec, shape(spec).key, params); }, map_);
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
  //     z = f(q) t + sum p        o = (f(q) s + p v) / (z + eps)
  Saved forward(const Head<S>& in, Mat<S> o, Memory<S>& memory) const {
    const LinearStates<S> pasts = kept_states(in, memory);
    pasts[0].clear();
    if (!in.mask.causal) add_all_keys(in, pasts[0], memory);
    return outputs(in, pasts, nullptr, o, memory);
  }
  // after: becomes the state after the last token, if it is asked for and there is a mask.
  Saved outputs(const Head<S>& in, const LinearStates<S>& pasts, const State* after, Mat<S> o,
                Memory<S>& memory) const {
    Mat<S> z = memory.keep(1, in.q.rows());
    for (Index n = 0; n < chunks(in.q.rows()); ++n) {
      typename Memory<S>::Scope scope(memory);
      const Chunk c(n * options.chunk, options.chunk, in.q.rows());
      const State past = pasts[in.mask.causal ? n : 0];
      const Mat<S> fq = features(queries(in, c), memory), a = tile_room(memory, c.size, o.cols());
      product_ab(fq, past.s, a);
      for (Index r = 0; r < c.size; ++r) z(0, c.at + r) = dot(row(fq, r), row(past.t, 0)) + added_eps();
      if (in.mask.causal) {
        const Mat<S> fk = features(keys(in, c), memory), p = weights_of(fq, fk, memory);
        for (Index r = 0; r < c.size; ++r) z(0, c.at + r) += row(p, r).sum();
        add_product_ab(p, c.rows(in.v), a);
        const bool last = c.at + c.size == in.k.rows();
        if (!last || after) {
          State next = last ? *after : pasts[n + 1];
          next.s = past.s, next.t = past.t;
          next.add(fk, c.rows(in.v));
        }
      }
      for (Index r = 0; r < c.size; ++r) {
        z(0, c.at + r) = clamped(z(0, c.at + r));
        o.row(c.at + r).array() = row(a, r) / z(0, c.at + r);
      }
    }
    return {o, z, pasts};
  }

  // The gradients of numerator and denominator are
  //     g_i = d_o_i / z_i               h_i = -(d_o_i . o_i) / z_i, or 0 if z_i was raised to eps
  // and the rest is linear. Inside a chunk, with p as above and dp = g v^T + h, its future hidden:
  //     df(q) = g s^T + h t + dp f(k)       df(k) = v r^T + u + dp^T f(q)       dv = f(k) r + p^T g
  // where s, t come from the past, and from the future
  //     r = sum_i f(q_i) g_i^T   (key, value)       u = sum_i h_i f(q_i)   (1, key)
  // Chunks are processed from the last to the first; no temporary is larger than a chunk.
  void backward(const Head<S>& in, const Saved& saved, In<S> d_o, HeadGrad<S>& grad,
                Memory<S>& memory) const {
    const State future = zero_state(in, memory);
    queries_backward(in, saved, d_o, future, grad, memory);
    if (!in.mask.causal) keys_backward(in, future, grad, memory);
  }
  // Adds the queries to `future`. With a mask, those of each chunk's keys first.
  void queries_backward(const Head<S>& in, const Saved& saved, In<S> d_o, State future, HeadGrad<S>& grad,
                        Memory<S>& memory) const {
    const bool causal = in.mask.causal;
    for (Index n = chunks(in.q.rows()) - 1; n >= 0; --n) {
      typename Memory<S>::Scope scope(memory);
      const Chunk c(n * options.chunk, options.chunk, in.q.rows());
      const Mat<S> g = tile_room(memory, c.size, d_o.cols());
      Mat<S> h = memory.temp(c.size, 1);
      for (Index r = 0; r < c.size; ++r) {
        row(g, r) = d_o.row(c.at + r).array() / saved.z(0, c.at + r);
        h(r, 0) = -(row(g, r) * saved.o.row(c.at + r).array()).sum();
        if (clamps() && saved.z(0, c.at + r) == eps()) h(r, 0) = 0;
      }
      const State past = saved.pasts[causal ? n : 0];
      const Mat<S> fq = features(queries(in, c), memory), dfq = tile_room(memory, c.size, fq.cols());
      product_abt(g, past.s, dfq);
      for (Index r = 0; r < c.size; ++r) row(dfq, r) += h(r, 0) * row(past.t, 0);
      if (causal) {
        const Mat<S> fk = features(keys(in, c), memory), p = weights_of(fq, fk, memory);
        const Mat<S> dp = tile_room(memory, c.size, c.size);
        product_abt(g, c.rows(in.v), dp);
        for (Index r = 0; r < c.size; ++r) row(dp, r) += h(r, 0);
        hide_future(dp);
        add_product_ab(dp, fk, dfq);
        const Mat<S> dfk = tile_room(memory, c.size, fk.cols()), dv = tile_room(memory, c.size, g.cols());
        product_atb(dp, fq, dfk);
        product_atb(p, g, dv);
        future_backward(in, c, fk, future, dfk, dv, grad, memory);
      }
      future.add(fq, g, h);
      features_backward(queries(in, c), fq, dfq, c.rows(grad.q), grad, memory);
    }
  }
  void keys_backward(const Head<S>& in, const State& future, HeadGrad<S>& grad, Memory<S>& memory) const {
    for (Index at = 0; at < in.k.rows(); at += options.chunk) {
      typename Memory<S>::Scope scope(memory);
      const Chunk c(at, options.chunk, in.k.rows());
      const Mat<S> fk = features(keys(in, c), memory);
      future_backward(in, c, fk, future, zeros(memory, c.size, fk.cols()), zeros(memory, c.size, in.v.cols()),
                      grad, memory);
    }
  }

  // For StateKernel. A map that depends on positions would count them from the first of a part.
  Splits splits() const {
    const bool by_position = std::visit([](const auto& map) { return !map.kPermutes; }, options.chosen());
    return by_position ? Splits::none : Splits::contiguous;
  }
  std::unique_ptr<HeadKernel<S>> divided(const HeadLoop<LinearAttention, S>& whole,
                                         const ContextParallel& parallel) const {
    return std::make_unique<StateKernel<LinearAttention, S>>(whole, parallel);
  }
  void add_keys(const Head<S>& in, std::span<S> state, Memory<S>& memory) const {
    const State sum = read_state(in, state, memory);
    add_all_keys(in, sum, memory);
    sum.write(state);
  }
  Saved forward_from(const Head<S>& in, std::span<S> state, Mat<S> o, Memory<S>& memory) const {
    const State outside = read_state(in, state, memory);
    const LinearStates<S> pasts = kept_states(in, memory);
    State first = pasts[0];
    first.s = outside.s, first.t = outside.t;
    Saved saved = outputs(in, pasts, &outside, o, memory);
    outside.write(state);
    return saved;
  }
  void backward_from(const Head<S>& in, const Saved& saved, In<S> d_o, std::span<S> d_state,
                     HeadGrad<S>& grad, Memory<S>& memory) const {
    const State future = read_state(in, d_state, memory);
    queries_backward(in, saved, d_o, future, grad, memory);
    future.write(d_state);
  }
  void queries_backward(const Head<S>& in, const Saved& saved, In<S> d_o, std::span<S> d_state,
                        HeadGrad<S>& grad, Memory<S>& memory) const {
    backward_from(in, saved, d_o, d_state, grad, memory);
  }
  void keys_backward(const Head<S>& in, std::span<const S> d_state, HeadGrad<S>& grad,
                     Memory<S>& memory) const {
    keys_backward(in, read_state(in, d_state, memory), grad, memory);
  }

  // p_ij = f(q_i).f(k_j) / z_i; a row sums to 1 - eps / z_i, or to 1 if eps is not added.
  void weights(const Head<S>& in, const Saved& saved, Mat<S> p, Memory<S>& memory) const {
    const Mat<S> fq = features(queries(in, Chunk(0, p.rows(), p.rows())), memory),
                 fk = features(keys(in, Chunk(0, p.cols(), p.cols())), memory);
    product_abt(fq, fk, p);
    if (in.mask.causal) hide_future(p);
    for (Index i = 0; i < p.rows(); ++i) p.row(i) /= saved.z(0, i);
  }

  // One token at a time, with s (W,value) and t (1,W) from the first token on:
  //     s += f(k)^T v      t += f(k)      o = f(q) s / (f(q) t + eps)
  Index state_size(const HeadSize& size) const { return width(size.key) * (size.value + 1); }
  void decode(const Head<S>& token, std::span<S> state, Mat<S> o, Memory<S>& memory) const {
    const Index w = width(token.k.cols()), value = token.v.cols();
    const Mat<S> s = mat(state.data(), w, value);
    Mat<S> t = mat(state.data() + w * value, 1, w);
    const FeatureRows<S> q{token.q, Side::query, token.index, token.mask.offset},
        k{token.k, Side::key, token.index, token.mask.offset};
    const Mat<S> fq = features(q, memory), fk = features(k, memory);
    add_product_atb(fk, token.v, s);
    t += fk;
    product_ab(fq, s, o);
    o /= clamped(fq.row(0).dot(t.row(0)) + added_eps());
  }

  // Cost of one head: the features, adding to the state (the state after the last chunk is not read), reading
  // it, and the visible pairs inside chunks.
  Cost cost(const HeadSize& size) const {
    const Index w = width(size.key);
    const double state = static_cast<double>(w * size.value);
    Index steps = size.tq + size.tk, pairs = 0;
    for (Index at = 0; size.mask.causal && at < size.tq; at += options.chunk) {
      const Index n = std::min(options.chunk, size.tq - at);
      pairs += n * (n + 1) / 2;
      if (at + n == size.tq) steps -= n;
    }
    const double features =
        std::visit([&](const auto& map) { return map.flops(size.tq + size.tk, size.key); }, map_);
    return {
        features + 2 * static_cast<double>(steps) * state + 2 * static_cast<double>(pairs * (w + size.value)),
        4 * (state + static_cast<double>(w))};
  }

 private:
  // The positions of one chunk.
  struct Chunk {
    Chunk(Index first, Index most, Index time) : at(first), size(std::min(most, time - first)) {}
    auto rows(auto all) const { return row_block(all, at, size); }
    Index at, size;
  };

  S eps() const { return static_cast<S>(options.eps); }
  bool clamps() const { return options.eps_rule == "max"; }
  S added_eps() const { return clamps() ? S(0) : eps(); }
  S clamped(S z) const { return clamps() ? std::max(z, eps()) : z; }
  Index chunks(Index time) const { return (time + options.chunk - 1) / options.chunk; }
  static S dot(const TileRow<S>& a, const TileRow<S>& b) { return (a * b).sum(); }

  static FeatureRows<S> queries(const Head<S>& in, const Chunk& c) {
    return {c.rows(in.q), Side::query, in.index, in.mask.offset + c.at};
  }
  static FeatureRows<S> keys(const Head<S>& in, const Chunk& c) {
    return {c.rows(in.k), Side::key, in.index, c.at};
  }

  // The map is looked up once for a chunk of rows.
  Index width(Index key) const {
    return std::visit([&](const auto& map) { return map.width(key); }, map_);
  }
  Mat<S> features(const FeatureRows<S>& rows, Memory<S>& memory) const {
    const Mat<S> f = tile_room(memory, rows.x.rows(), width(rows.x.cols()));
    std::visit([&](const auto& map) { map.forward(rows, f, memory); }, map_);
    return f;
  }
  void features_backward(const FeatureRows<S>& rows, Mat<S> f, Mat<S> df, Mat<S> dx, HeadGrad<S>& grad,
                         Memory<S>& memory) const {
    std::visit([&](const auto& map) { map.backward(rows, f, df, dx, grad, memory); }, map_);
  }

  // One for each chunk; without a mask, one.
  LinearStates<S> kept_states(const Head<S>& in, Memory<S>& memory) const {
    return {width(in.k.cols()), in.v.cols(), in.mask.causal ? chunks(in.k.rows()) : 1, memory};
  }
  State zero_state(const Head<S>& in, Memory<S>& memory) const {
    const Index w = width(in.k.cols());
    return {zeros(memory, w, in.v.cols()), zeros(memory, 1, w)};
  }
  State read_state(const Head<S>& in, std::span<const S> from, Memory<S>& memory) const {
    State state = zero_state(in, memory);
    state.read(from);
    return state;
  }

  void add_all_keys(const Head<S>& in, State state, Memory<S>& memory) const {
    for (Index at = 0; at < in.k.rows(); at += options.chunk) {
      typename Memory<S>::Scope scope(memory);
      const Chunk c(at, options.chunk, in.k.rows());
      state.add(features(keys(in, c), memory), c.rows(in.v));
    }
  }

  // Adds the gradients that a chunk's keys and values get from later queries to those from queries in the
  // chunk.
  void future_backward(const Head<S>& in, const Chunk& c, Mat<S> fk, const State& future, Mat<S> dfk,
                       Mat<S> dv, HeadGrad<S>& grad, Memory<S>& memory) const {
    add_product_abt(c.rows(in.v), future.s, dfk);
    add_product_ab(fk, future.s, dv);
    for (Index r = 0; r < c.size; ++r) {
      row(dfk, r) += row(future.t, 0);
      grad.v.row(c.at + r).array() += row(dv, r);
    }
    features_backward(keys(in, c), fk, dfk, c.rows(grad.k), grad, memory);
  }

  static void hide_future(Mat<S> p) { p.template triangularView<Eigen::StrictlyUpper>().setZero(); }

  static Mat<S> weights_of(Mat<S> fq, Mat<S> fk, Memory<S>& memory) {
    const Mat<S> p = tile_room(memory, fq.rows(), fk.rows());
    product_abt(fq, fk, p);
    hide_future(p);
    return p;
  }

  AnyFeatureMap<S> map_;
};
}  // namespace

HEED_MIXER(linear, LinearAttention,
           "Linear attention: a feature map instead of the softmax, a state of fixed size",
           "Katharopoulos et al. 2020")
