#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "core/check/bench.h"

namespace heed::check {

// All results of a pass: each tensor with its name for messages.
template <class S>
struct Outcome {
  std::vector<std::pair<std::string, Matrix<S>>> tensors;  // output first, then gradients
};

template <class S>
Outcome<S> outcome_of(const Bench<S>& bench) {
  Outcome<S> out{{{"the output", bench.y}, {"the gradient of x", bench.dx}}};
  if (bench.setup.cross) out.tensors.emplace_back("the gradient of the context", bench.dcontext);
  for (const ParamInfo& p : bench.params.infos())
    if (p.role != Role::fixed)
      out.tensors.emplace_back("the gradient of " + p.name,
                               const_mat<S>(bench.params.grads().data() + p.offset, p.rows, p.cols));
  return out;
}

// Returns true if all numbers are equal. NaN is not equal to itself.
template <class A, class B>
bool same_bits(const A& a, const B& b) {
  return a.rows() == b.rows() && a.cols() == b.cols() && (a.array() == b.array()).all();
}

// Returns the first tensor that differs, or an empty string if all are equal.
template <class S>
std::string different_bits(const Outcome<S>& a, const Outcome<S>& b) {
  for (std::size_t i = 0; i < a.tensors.size(); ++i)
    if (!same_bits(a.tensors[i].second, b.tensors[i].second)) return a.tensors[i].first;
  return {};
}

// Returns the first tensor with a number that is not finite, or an empty string.
template <class S>
std::string not_finite(const Outcome<S>& a) {
  for (const auto& [name, tensor] : a.tensors)
    if (!tensor.allFinite()) return name;
  return {};
}

struct Difference {
  // |a - b| divided by the largest entry of b's tensor, but at least by a hundredth of the largest
  // gradient, because tiny tensors are mostly rounding (1e-4 of that is eight roundings in float). A tensor
  // far below that in b (a thousandth of the largest gradient) is divided by `zeros` times that gradient.
  double largest = 0;
  std::string where;
};

template <class A, class B>
Difference relative_difference(const Outcome<A>& a, const Outcome<B>& b, double zeros = 1e-2) {
  double gradients = 0;
  for (std::size_t i = 1; i < b.tensors.size(); ++i)
    if (b.tensors[i].second.size() > 0)
      gradients = std::max(gradients, static_cast<double>(b.tensors[i].second.cwiseAbs().maxCoeff()));
  Difference out;
  for (std::size_t i = 0; i < a.tensors.size(); ++i) {
    const Matrix<double> wanted = b.tensors[i].second.template cast<double>();
    if (wanted.size() == 0) continue;
    const double size = wanted.cwiseAbs().maxCoeff();
    const double least = i == 0 ? 0 : (size < 1e-3 * gradients ? zeros : 1e-2) * gradients;
    const double scale = std::max(size, least + 1e-300);
    const double found = (a.tensors[i].second.template cast<double>() - wanted).cwiseAbs().maxCoeff() / scale;
    if (found > out.largest || std::isnan(found))
      out = {std::isnan(found) ? HUGE_VAL : found, a.tensors[i].first};
  }
  return out;
}

}  // namespace heed::check
