#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "core/ops/product.h"
#include "core/register.h"
#include "variants/parts/adamw_step.h"

namespace {
using namespace heed;

// x = an approximation of U V^T, where x = U diag(s) V^T: all singular values move close to 1.
// x (N,M), N <= M. A quintic Newton-Schulz iteration, Jordan et al. 2024:
//     x = x / max(|x|, eps)                               Frobenius norm, so that no s is above 1
//     x = a x + (b x x^T + c (x x^T)^2) x                 `steps` times
template <class S>
void orthogonalize(Memory<S>& memory, Index steps, Mat<S> x) {
  constexpr S a = S(3.4445), b = S(-4.7750), c = S(2.0315);
  constexpr double kEps = 1e-7;
  const typename Memory<S>::Scope scope(memory);
  const Index n = x.rows();
  Mat<S> gram = memory.temp(n, n), polynomial = memory.temp(n, n), y = memory.temp(n, x.cols());
  // In double: squares of large floats overflow.
  const double norm = x.template cast<double>().norm();
  x *= static_cast<S>(1 / std::max(norm, kEps));
  for (Index k = 0; k < steps; ++k) {
    product_abt<S>(x, x, gram);
    product_ab<S>(gram, gram, polynomial);
    polynomial = b * gram + c * polynomial;
    product_ab<S>(polynomial, x, y);
    x = a * x + y;
  }
}

// Muon for the weight matrices of attention and feed-forward, AdamW for all other parameters. A weight w has
// shape (in, out):
//     m = mu m + (1-mu) g
//     u = (1-mu) g + mu m with Nesterov momentum, else u = m
//     w -= lr wd w
//     w -= lr scale orthogonalize(u),   scale: sqrt(max(1, out/in)), or 0.2 sqrt(max(in, out))
// Jordan et al. 2024; the second scale: Liu et al. 2025, section 2.2; torch.optim.Muon, which iterates in
// bfloat16
template <class S>
class Muon final : public Optimizer<S> {
 public:
  struct Options {
    double momentum = 0.95;
    bool nesterov = true;
    std::ptrdiff_t iterations = 5;
    std::string scale = "match_rms_adamw";
    double weight_decay = 0.1, beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
    void describe(auto& option) {
      option("momentum", momentum,
             {.min = 0, .max = 0.999999, .doc = "decay rate of a matrix's mean gradient"});
      option("nesterov", nesterov, {.doc = "Nesterov momentum: look one momentum step ahead"});
      option("iterations", iterations, {.min = 1, .max = 20, .doc = "Newton-Schulz iterations"});
      option("scale", scale,
             {.choices = {"match_rms_adamw", "original"},
              .doc = "size of a matrix's step: as large as AdamW's, or by out/in"});
      option("weight_decay", weight_decay,
             {.min = 0, .doc = "decoupled decay; only matrices decay, not biases, gains, embeddings"});
      option("beta1", beta1, {.min = 0, .max = 0.999999, .doc = "AdamW's, for what is not a matrix"});
      option("beta2", beta2, {.min = 0, .max = 0.999999, .doc = "AdamW's, for what is not a matrix"});
      option("eps", eps, {.min = 1e-16, .doc = "AdamW's, for what is not a matrix"});
    }
    void check(const Refuse& refuse) const {
      if (nesterov && momentum == 0)
        refuse("nesterov", "it is true, as by default, and has no effect if momentum is 0; set it to false.");
    }
  };

  Muon(const Options& options, Params<S>& params)
      : Optimizer<S>(params),
        o_(options),
        m_(this->add_state("first_moment")),
        v_(this->add_state("second_moment")) {
    for (const ParamInfo& p : params.infos())
      if (is_hidden_matrix(p)) matrices_.push_back(p);
  }

 private:
  static bool is_hidden_matrix(const ParamInfo& p) {
    const bool hidden = p.component == Component::attention || p.component == Component::feed_forward;
    return hidden && p.role == Role::decayed && p.rows > 1 && p.cols > 1;
  }

  void apply(Step<S>& step, double lr) override {
    const AdamWStep<S> adamw(o_, this->steps(), lr);
    const S mu = static_cast<S>(o_.momentum), rest = static_cast<S>(1 - o_.momentum);
    this->for_each_block(step, [&](auto block) {
      auto m = block.of(m_);
      if (in_matrix(block.offset))
        m = mu * m + rest * block.grad;
      else
        adamw.apply(block, m, block.of(v_));
    });
    step.parallel_for(static_cast<Index>(matrices_.size()), [&](Index i, Memory<S>& memory) {
      change(matrices_[static_cast<std::size_t>(i)], memory, lr);
    });
  }

  // Does a number of the flat vectors belong to one of the matrices?
  bool in_matrix(Index offset) const {
    const auto after = std::ranges::upper_bound(matrices_, offset, {}, &ParamInfo::offset);
    return after != matrices_.begin() && offset < (after - 1)->offset + (after - 1)->rows * (after - 1)->cols;
  }

  void change(const ParamInfo& p, Memory<S>& memory, double lr) {
    const auto of = [&](std::span<S> numbers) { return mat(numbers.data() + p.offset, p.rows, p.cols); };
    Mat<S> w = of(this->params_.values()), g = of(this->params_.grads()), m = of(m_);
    // The product x x^T is cheapest for a wide x.
    const bool tall = p.rows > p.cols;
    Mat<S> u = memory.temp(p.rows, p.cols), wide = tall ? memory.temp(p.cols, p.rows) : u;
    const S ahead = o_.nesterov ? static_cast<S>(1 - o_.momentum) : S(0);
    u = ahead * g + (o_.nesterov ? static_cast<S>(o_.momentum) : S(1)) * m;
    if (tall) transpose<S>(u, wide);
    orthogonalize(memory, o_.iterations, wide);
    if (tall) transpose<S>(wide, u);
    w = static_cast<S>(1 - lr * o_.weight_decay) * w - static_cast<S>(lr * scale(p)) * u;
  }

  double scale(const ParamInfo& p) const {
    const auto in = static_cast<double>(p.rows), out = static_cast<double>(p.cols);
    return o_.scale == "original" ? std::sqrt(std::max(1.0, out / in)) : 0.2 * std::sqrt(std::max(in, out));
  }

  Options o_;
  std::span<S> m_, v_;               // v_: zero for the matrices
  std::vector<ParamInfo> matrices_;  // in the order of their offsets
};
}  // namespace

HEED_OPTIMIZER(muon, Muon, "Orthogonalized momentum for hidden weight matrices, AdamW for the rest",
               "Jordan et al. 2024")
