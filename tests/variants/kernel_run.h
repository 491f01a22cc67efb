#pragma once

#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/mixer.h"
#include "core/registry.h"
#include "core/rng.h"

namespace heed::test {

using Matd = Matrix<double>;

inline Config options(std::initializer_list<std::pair<const char*, Config>> entries) {
  Config c = Config::map();
  for (const auto& [name, value] : entries) c.set(name, value);
  return c;
}
inline Config whole(Index n) { return Config::integer(n); }
inline Config whole(const std::vector<Index>& list) {
  std::vector<Config> items;
  for (Index n : list) items.push_back(Config::integer(n));
  return Config::sequence(std::move(items));
}

inline const Registry& registry() {
  static const Registry filled = [] {
    Registry r;
    register_builtin_variants(r);
    return r;
  }();
  return filled;
}

struct Sizes {
  Index batch = 2, heads = 2, tq = 5, tk = 5, width = 4, value = 4;  // width: dim / heads
  Causality causality = {};
  double slope = 0;  // ALiBi: head h has (h + 1) * slope
  Index depth = 0;
};

struct Slopes final : Position<double> {
  explicit Slopes(double s) : first(s) {}
  double slope(Index head, Index) const override { return first * static_cast<double>(head + 1); }
  double first;
};

// One mixer on random q, k, v and further inputs in double: forward, backward with a random upstream
// gradient, weights.
class KernelRun {
 public:
  KernelRun(const std::string& variant, const Config& chosen, const Sizes& s, std::uint64_t seed = 1)
      : sizes(s), position_(s.slope) {
    LayerSpec<double> spec{.dim = s.heads * s.width,
                           .context_dim = s.heads * s.width,
                           .heads = s.heads,
                           .depth = s.depth,
                           .layers = 1,
                           .length = std::max(s.tq, s.tk),
                           .causality = s.causality,
                           .position = s.slope != 0 ? &position_ : nullptr};
    kernel = registry().variant(variant).make_kernel(chosen, spec, params);
    params.freeze();
    params.initialize(seed);
    key = kernel->shape().key, query = kernel->shape().query_width();
    const Index key_heads = kernel->shape().key_heads;
    q = random(s.tq, s.heads * query, seed, "q"), k = random(s.tk, key_heads * key, seed, "k");
    v = random(s.tk, key_heads * s.value, seed, "v");
    upstream = random(s.tq, s.heads * s.value, seed, "do");
    for (const MixerInput& input : kernel->inputs())
      extra.push_back(
          random(input.side == Side::query ? s.tq : s.tk, s.heads * input.width, seed, input.name.c_str()));
    dextra = extra;
    o.assign(upstream.size(), 0.5);  // forward writes all of it
  }

  void forward() {
    step.rewind();
    std::vector<double>*q_of = &q, *k_of = &k;
    if (kernel->normalizes()) {
      q_of = &normal_q_, k_of = &normal_k_;
      normal_q_ = q, normal_k_ = k;
      kernel->normalize(step, Side::query, heads(q, sizes.tq, query), heads(normal_q_, sizes.tq, query));
      kernel->normalize(step, Side::key, heads(k, sizes.tk, key), heads(normal_k_, sizes.tk, key));
    }
    kernel->forward(step, inputs<const double>(*q_of, *k_of, v, extra, const_views_),
                    heads(o, sizes.tq, sizes.value));
  }
  void backward() {
    dq.assign(q.size(), 0), dk.assign(k.size(), 0), dv.assign(v.size(), 0);
    for (std::vector<double>& d : dextra) d.assign(d.size(), 0);
    params.zero_grads();
    add_backward();
  }
  void add_backward() {
    const bool normal = kernel->normalizes();
    std::vector<double> normal_dq(normal ? q.size() : 0), normal_dk(normal ? k.size() : 0);
    kernel->backward(step, heads(upstream, sizes.tq, sizes.value),
                     inputs<double>(normal ? normal_dq : dq, normal ? normal_dk : dk, dv, dextra, views_));
    if (!normal) return;
    kernel->normalize_backward(step, Side::query, heads(q, sizes.tq, query),
                               heads(normal_dq, sizes.tq, query), heads(dq, sizes.tq, query));
    kernel->normalize_backward(step, Side::key, heads(k, sizes.tk, key), heads(normal_dk, sizes.tk, key),
                               heads(dk, sizes.tk, key));
  }
  void run() { forward(), backward(); }

  double loss() {  // <upstream, o>
    forward();
    double sum = 0;
    for (std::size_t i = 0; i < o.size(); ++i) sum += upstream[i] * o[i];
    return sum;
  }

  Matd weights(Index b, Index h) {
    Matd p = Matd::Constant(sizes.tq, sizes.tk, 0.5);
    if (!kernel->weights(step, b, h, mat(p.data(), p.rows(), p.cols())))
      throw Error("the mixer shows no weights");
    return p;
  }

  Heads<double> heads(std::vector<double>& x, Index time, Index width) const {
    return {x.data(), sizes.batch, std::ssize(x) / (sizes.batch * time * width), time, width};
  }
  // The one that head h reads, where several share one.
  Matd head(std::vector<double>& x, Index time, Index width, Index b, Index h) const {
    const Heads<double> all = heads(x, time, width);
    return all(b, h / (sizes.heads / all.heads));
  }
  Mask mask() const { return resolve(sizes.causality, sizes.tq, sizes.tk); }

  Sizes sizes;
  Index key = 0, query = 0;  // width of a head's keys and queries
  Params<double> params;
  std::unique_ptr<HeadKernel<double>> kernel;
  Step<double> step;
  std::vector<double> q, k, v, o, upstream, dq, dk, dv;
  std::vector<std::vector<double>> extra, dextra;

 private:
  // dim: of all heads together
  std::vector<double> random(Index time, Index dim, std::uint64_t seed, const char* name) const {
    std::vector<double> x(static_cast<std::size_t>(sizes.batch * time * dim));
    Draws draws = Rng(seed, name).at(0);
    for (double& value : x) value = draws.normal();
    return x;
  }
  template <class S>
  HeadInputs<S> inputs(std::vector<double>& q_of, std::vector<double>& k_of, std::vector<double>& v_of,
                       std::vector<std::vector<double>>& extra_of, std::vector<Heads<S>>& views) const {
    views.clear();
    for (std::size_t n = 0; n < extra_of.size(); ++n) {
      const MixerInput& input = kernel->inputs()[n];
      views.push_back(heads(extra_of[n], input.side == Side::query ? sizes.tq : sizes.tk, input.width));
    }
    return {heads(q_of, sizes.tq, query), heads(k_of, sizes.tk, key), heads(v_of, sizes.tk, sizes.value),
            views};
  }

  Slopes position_;
  std::vector<double> normal_q_, normal_k_;  // what the kernel reads, if it normalizes
  std::vector<Heads<double>> views_;
  std::vector<Heads<const double>> const_views_;
};

// Softmax attention as it is written in a book, with an n x n matrix: what tiled code must agree with.
struct Naive {
  Matd p, o, dq, dk, dv;
};
using Visible = std::function<bool(Index i, Index j)>;

inline Naive naive_softmax(const Matd& q, const Matd& k, const Matd& v, const Matd& d_o, double tau,
                           const Visible& visible, double slope = 0, Index shift = 0) {
  Naive n;
  n.p = Matd::Zero(q.rows(), k.rows());
  for (Index i = 0; i < q.rows(); ++i) {
    double max = -std::numeric_limits<double>::infinity(), sum = 0;
    const auto score = [&](Index j) {
      return tau * q.row(i).dot(k.row(j)) - slope * static_cast<double>(std::abs(i + shift - j));
    };
    for (Index j = 0; j < k.rows(); ++j)
      if (visible(i, j)) max = std::max(max, score(j));
    for (Index j = 0; j < k.rows(); ++j)
      if (visible(i, j)) sum += n.p(i, j) = std::exp(score(j) - max);
    if (sum > 0) n.p.row(i) /= sum;
  }
  n.o = n.p.lazyProduct(v);  // lazy: by the definition, and quick to compile
  n.dv = n.p.transpose().lazyProduct(d_o);
  Matd ds = d_o.lazyProduct(v.transpose());
  for (Index i = 0; i < q.rows(); ++i) {
    const double dot = ds.row(i).dot(n.p.row(i));
    ds.row(i) = (n.p.row(i).array() * (ds.row(i).array() - dot)).matrix();
  }
  n.dq = tau * ds.lazyProduct(k);
  n.dk = tau * ds.transpose().lazyProduct(q);
  return n;
}

inline double distance(const Matd& a, const Matd& b) { return (a - b).cwiseAbs().maxCoeff(); }

// The largest difference between a run and the book: outputs, weights and gradients of all heads.
inline double distance_from_naive(KernelRun& run, double tau,
                                  const std::function<bool(Index h, Index i, Index j)>& visible) {
  run.run();
  const Sizes& s = run.sizes;
  double worst = 0;
  for (Index b = 0; b < s.batch; ++b)
    for (Index h = 0; h < s.heads; ++h) {
      const Naive n = naive_softmax(
          run.head(run.q, s.tq, run.key, b, h), run.head(run.k, s.tk, run.key, b, h),
          run.head(run.v, s.tk, s.value, b, h), run.head(run.upstream, s.tq, s.value, b, h), tau,
          [&](Index i, Index j) { return visible(h, i, j); }, s.slope * static_cast<double>(h + 1),
          run.mask().causal ? run.mask().offset : 0);
      worst =
          std::max({worst, distance(n.o, run.head(run.o, s.tq, s.value, b, h)),
                    distance(n.p, run.weights(b, h)), distance(n.dq, run.head(run.dq, s.tq, run.key, b, h)),
                    distance(n.dk, run.head(run.dk, s.tk, run.key, b, h)),
                    distance(n.dv, run.head(run.dv, s.tk, s.value, b, h))});
    }
  return worst;
}

// The largest difference between backward and central differences, relative to the largest gradient: every
// coordinate of q, k, v, further inputs and the mixer's parameters.
inline double distance_from_differences(KernelRun& run, double h = 1e-5) {
  run.run();
  double worst = 0, largest = 1e-3;
  const std::vector<double> grads(run.params.grads().begin(), run.params.grads().end());
  const auto check = [&](std::span<double> x, const std::vector<double>& dx) {
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double at = x[i];
      x[i] = at + h;
      const double above = run.loss();
      x[i] = at - h;
      const double below = run.loss();
      x[i] = at;
      worst = std::max(worst, std::abs((above - below) / (2 * h) - dx[i]));
      largest = std::max(largest, std::abs(dx[i]));
    }
  };
  check(run.q, run.dq), check(run.k, run.dk), check(run.v, run.dv);
  for (std::size_t n = 0; n < run.extra.size(); ++n) check(run.extra[n], run.dextra[n]);
  for (const ParamInfo& p : run.params.infos())
    if (p.role != Role::fixed) {
      const auto from = static_cast<std::size_t>(p.offset), size = static_cast<std::size_t>(p.rows * p.cols);
      check(run.params.values().subspan(from, size),
            {grads.begin() + p.offset, grads.begin() + p.offset + p.rows * p.cols});
    }
  return worst / largest;
}

}  // namespace heed::test
