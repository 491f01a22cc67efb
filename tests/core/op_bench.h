#pragma once

#include <string>
#include <vector>

#include "core/check/bench.h"
#include "core/check/gradient.h"
#include "core/params.h"
#include "core/step.h"

namespace heed {

struct OpShape {
  Index batch, time, in, out;
};

// Every trainable parameter, for the gradient check.
inline std::vector<GradientTensor> parameter_tensors(Params<double>& params) {
  std::vector<GradientTensor> out;
  for (const ParamInfo& p : params.infos())
    if (p.role != Role::fixed)
      out.push_back(
          {p.name, params.values().data() + p.offset, params.grads().data() + p.offset, p.rows, p.cols});
  return out;
}

// Moves parameters well away from their start, where biases are zero and gains one.
template <class S>
void disturb(Params<S>& params, double stddev) {
  for (const ParamInfo& p : params.infos())
    if (p.role != Role::fixed)
      params.find(p.name).value() += normal_matrix<S>(p.rows, p.cols, 1, "disturb " + p.name, stddev);
}

// An op y = op(x) with its parameters, on random numbers and with a random upstream gradient.
template <class Op, class S>
struct OpBench {
  template <class Make>
  OpBench(const OpShape& s, Make make, int threads = 1)
      : shape(s),
        step(threads),
        op(make(params)),
        x(normal_matrix<S>(s.batch * s.time, s.in, 1, "x")),
        y(s.batch * s.time, s.out),
        dy(normal_matrix<S>(s.batch * s.time, s.out, 1, "dy")),
        dx(Matrix<S>::Zero(s.batch * s.time, s.in)) {
    params.freeze();
    params.initialize(1);
    disturb(params, 0.4);
  }

  void forward() {
    step.rewind();
    op.forward(step, seq(x), seq(y));
  }
  void backward() { op.backward(step, seq(dy), seq(dx)); }
  void run() {
    params.zero_grads();
    dx.setZero();
    forward();
    backward();
  }

  Mat<S> value(const std::string& name) { return params.find(name).value(); }
  Mat<S> grad(const std::string& name) { return params.find(name).grad(); }

  // Every gradient against central differences of <dy, y>; empty if they agree.
  std::string gradient_fault() {
    run();
    std::vector<GradientTensor> tensors = parameter_tensors(params);
    tensors.push_back({"x", x.data(), dx.data(), x.rows(), x.cols()});
    return compare_gradients(tensors,
                             [&] {
                               forward();
                               return y.cwiseProduct(dy).sum();
                             })
        .fault;
  }

  OpShape shape;
  Params<S> params;
  Step<S> step;
  Op op;
  Matrix<S> x, y, dy, dx;

 private:
  Seq<S> seq(Matrix<S>& m) const { return {m.data(), shape.batch, shape.time, m.cols()}; }
};

template <class S>
Matrix<S> matrix(std::initializer_list<std::initializer_list<double>> rows) {
  Matrix<S> out(static_cast<Index>(rows.size()), static_cast<Index>(rows.begin()->size()));
  Index r = 0;
  for (const auto& row : rows) {
    Index c = 0;
    for (const double x : row) out(r, c++) = static_cast<S>(x);
    ++r;
  }
  return out;
}

}  // namespace heed
