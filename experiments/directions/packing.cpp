#include "experiments/directions/packing.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/ops/product.h"
#include "core/optimizer.h"
#include "core/schedule.h"

namespace heed::directions {
namespace {

// Tried on 8 to 256 dimensions at 1 to 20 degrees.
constexpr double kTarget = 0.98;       // of the allowed |cosine|: pairs beyond it are pushed apart
constexpr double kLearningRate = 0.3;  // times 1 / sqrt(dim), the size of a number of a unit vector
constexpr Index kRows = 64;            // of cosines that are in memory at once

// Two products of (n, dim) and (n, n), for the cosines and for their gradient.
double flops_of_step(Index n, Index dim) {
  return 4 * static_cast<double>(n) * static_cast<double>(n) * static_cast<double>(dim);
}

// Directions that are changed by an optimizer.
class Descent {
 public:
  Descent(const Setting& s, Index n, const PackingOptions& options, const Registry& registry)
      : target_(static_cast<float>(kTarget * largest_cosine(s))),
        unit_(n, s.dim),
        lengths_(n),
        worst_(static_cast<std::size_t>((n + kRows - 1) / kRows)) {
    const double size = 1 / std::sqrt(static_cast<double>(s.dim));
    x_ = params_.declare("directions_" + std::to_string(n), n, s.dim, Init::normal(size), Role::undecayed);
    params_.freeze();
    params_.initialize(options.seed);
    Config adamw = Config::map();
    adamw.set("beta2", Config::number(0.99));
    adamw.set("eps", Config::number(1e-12));  // gradients are tiny when few pairs are left
    optimizer_ = registry.optimizer("adamw").make(adamw, params_);
    schedule_ = registry.schedule("cosine").make(
        Config::map(), {.lr = kLearningRate * size, .warmup = 0, .steps = options.steps});
  }

  // Computes all cosines and the gradient. Returns the largest |cosine|.
  float forward_backward(Step<float>& step) {
    lengths_ = x_.value().rowwise().norm();
    unit_ = x_.value().array().colwise() / lengths_.array();
    step.parallel_for(std::ssize(worst_), [&](Index block, Memory<float>& memory) {
      worst_[static_cast<std::size_t>(block)] = row_gradients(block * kRows, memory);
    });
    return *std::ranges::max_element(worst_);
  }

  void update(Step<float>& step) { optimizer_->update(step, (*schedule_)(optimizer_->steps())); }

  Matrix<double> directions() const {
    Matrix<double> out = x_.value().cast<double>();
    out.rowwise().normalize();
    return out;
  }

 private:
  // For each row u_i = x_i / |x_i| and all j:   g_ij = u_i u_j^T   h_ij = sign(g_ij) max(0, |g_ij| - target)
  // du_i = sum_j h_ij u_j                       dx_i = (du_i - (du_i u_i^T) u_i) / |x_i|
  // The factor 4 of dL/du is left out: AdamW does not see it.
  float row_gradients(Index from, Memory<float>& memory) {
    const Index n = unit_.rows(), dim = unit_.cols(), rows = std::min(kRows, n - from);
    const ConstMat<float> all = const_mat(unit_.data(), n, dim);
    Mat<float> h = memory.temp(rows, n), dx = row_block(x_.grad(), from, rows);
    product_abt<float>(row_block(all, from, rows), all, h);
    for (Index i = 0; i < rows; ++i) h(i, from + i) = 0;
    const float worst = h.cwiseAbs().maxCoeff();
    h = h.array().sign() * (h.array().abs() - target_).max(0);
    product_ab<float>(h, all, dx);
    for (Index i = 0; i < rows; ++i) {
      const auto u = all.row(from + i);
      dx.row(i) = (dx.row(i) - dx.row(i).dot(u) * u) / lengths_(from + i);
    }
    return worst;
  }

  float target_;
  Params<float> params_;
  Param<float> x_;
  std::unique_ptr<Optimizer<float>> optimizer_;
  std::unique_ptr<Schedule> schedule_;
  Matrix<float> unit_;
  Eigen::VectorXf lengths_;
  std::vector<float> worst_;  // of each block of rows
};

// The state of a bisection: `fits` fit, `too_many` did not or are not tried.
struct Bounds {
  Index fits, too_many;

  bool decided() const { return too_many - fits <= std::max<Index>(1, fits / 100); }
  Index middle() const {
    const double mean = std::sqrt(static_cast<double>(fits) * static_cast<double>(too_many));
    return std::clamp(static_cast<Index>(mean), fits + 1, too_many - 1);
  }
};

}  // namespace

double largest_cosine_between(const In<double>& directions) {
  double largest = 0;
  for (Index from = 0; from < directions.rows(); from += kRows) {
    const Index rows = std::min(kRows, directions.rows() - from);
    Matrix<double> cosines(rows, directions.rows());
    product_abt<double>(row_block(directions, from, rows), directions,
                        mat(cosines.data(), rows, cosines.cols()));
    for (Index i = 0; i < rows; ++i) cosines(i, from + i) = 0;
    largest = std::max(largest, cosines.cwiseAbs().maxCoeff());
  }
  return largest;
}

std::optional<Matrix<double>> pack(const Setting& s, Index n, const PackingOptions& options,
                                   const Registry& registry, Step<float>& step) {
  const double allowed = largest_cosine(s);
  Descent descent(s, n, options, registry);
  for (Index t = 0; t < options.steps; ++t) {
    const float worst = descent.forward_backward(step);
    if (static_cast<double>(worst) <= allowed) {  // rounded to float: the result is checked in double
      Matrix<double> found = descent.directions();
      if (largest_cosine_between(const_mat(found.data(), n, s.dim)) <= allowed) return found;
    }
    descent.update(step);
  }
  return std::nullopt;
}

Search search_packing(const Setting& s, const PackingOptions& options, const Registry& registry,
                      Step<float>& step) {
  const double bound = most_that_fit(s), steps = static_cast<double>(options.steps);
  const double affordable = std::floor(std::sqrt(options.flops / steps / flops_of_step(1, s.dim)));
  Search out{.reached = s.dim};
  Bounds n{s.dim, std::max(s.dim, static_cast<Index>(std::min(bound, affordable))) + 1};
  bool failed = false;
  for (double left = options.flops; !n.decided();) {
    const Index tried = n.middle();
    const double cost = steps * flops_of_step(tried, s.dim);  // at most: a success ends early
    if (cost > left) break;
    left -= cost;
    if (std::optional<Matrix<double>> found = pack(s, tried, options, registry, step)) {
      n.fits = out.reached = tried;
      out.directions = std::move(*found);
    } else {
      n.too_many = tried;
      failed = true;
    }
  }
  out.end = static_cast<double>(out.reached) >= bound ? SearchEnd::bound
            : failed && n.decided()                   ? SearchEnd::failed
                                                      : SearchEnd::work;
  return out;
}

}  // namespace heed::directions
