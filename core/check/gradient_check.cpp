#include <fmt/format.h>

#include <cmath>

#include "core/check/checks.h"
#include "core/check/gradient.h"
#include "core/check/outcome.h"
#include "core/multi_head.h"
#include "core/ops/linear.h"

namespace heed::check {
namespace {

// Adds the ratios that a wrong sum over n equal terms may have.
void add_ratios_of_sum(std::vector<KnownRatio>& out, Index n, const char* things) {
  if (n < 2) return;
  const double ratio = static_cast<double>(n);
  out.push_back({ratio, fmt::format("something is added once for each of the {} {}", n, things)});
  out.push_back(
      {1 / ratio,
       fmt::format("the {} {} are averaged, or only one of them is used, instead of adding all", n, things)});
}

// Numeric options are often factors: `sharpness: 10`.
void add_ratios_of_options(std::vector<KnownRatio>& out, const Config& options) {
  for (const Config::Entry& e : options.entries()) {
    double value = 0;
    if (!e.value.read(value) || value == 0 || std::abs(value) == 1) continue;
    out.push_back({value, fmt::format("backward has the factor {} ({:g}) once too many", e.key, value)});
    out.push_back({1 / value, fmt::format("backward forgets the factor {} ({:g})", e.key, value)});
  }
}

std::vector<KnownRatio> known_ratios(const Setup& setup, const Config& options) {
  std::vector<KnownRatio> out;
  const Index width = setup.dim / setup.heads;
  if (width > 1) {
    const double root = std::sqrt(static_cast<double>(width));
    out.push_back({root, fmt::format("backward forgets the scale 1/sqrt({}) of a head's width", width)});
    out.push_back(
        {1 / root, fmt::format("backward applies a scale 1/sqrt({}), of a head's width, that is not in "
                               "forward, or applies it twice",
                               width)});
  }
  add_ratios_of_options(out, options);
  add_ratios_of_sum(out, setup.heads, "heads");
  add_ratios_of_sum(out, setup.batch, "sequences");
  add_ratios_of_sum(out, setup.time, "positions");
  return out;
}

// What backward treats as constant must be constant in the differences, too (Head::stored_k).
void hold_constants(Layer<double>& layer) {
  if (auto* heads = dynamic_cast<MultiHead<Linear<double>, double>*>(&layer)) heads->kernel().hold();
}

}  // namespace

Finding gradient(const Subject& subject, const Setup& setup) {
  Bench<double> bench(subject.info, subject.options, setup);
  bench.run();
  hold_constants(*bench.layer);
  std::vector<GradientTensor> tensors;
  for (const ParamInfo& p : bench.params.infos())
    if (p.role != Role::fixed)
      tensors.push_back({p.name, bench.params.values().data() + p.offset,
                         bench.params.grads().data() + p.offset, p.rows, p.cols});
  tensors.push_back({"x", bench.x.data(), bench.dx.data(), bench.x.rows(), bench.x.cols(), setup.time});
  if (setup.cross)
    tensors.push_back({"context", bench.context.data(), bench.dcontext.data(), bench.context.rows(),
                       bench.context.cols(), setup.context_time});
  const GradientReport report = compare_gradients(
      tensors, [&] { return bench.loss(); }, known_ratios(setup, subject.options));
  return {report.fault, report.worst, report.hint};
}

Finding context_of_itself(const Subject& subject, const Setup& setup) {
  Setup apart = setup;
  apart.cross = true, apart.context_time = setup.time, apart.context_dim = setup.dim;
  Bench<double> self(subject.info, subject.options, setup), cross(subject.info, subject.options, apart);
  cross.context = cross.x;
  self.run();
  cross.run();
  if (!same_bits(self.y, cross.y)) return {"a copy of x as the context gives another output than x itself"};
  const Matrix<double> sum = cross.dx + cross.dcontext;
  // Both have the same terms, added in another order.
  const double error = (sum - self.dx).cwiseAbs().maxCoeff() / (1e-300 + self.dx.cwiseAbs().maxCoeff());
  if (!(error < 1e-12))
    return {
        fmt::format("the gradients of x and of a copy of x as the context do not add up to that of "
                    "self-attention: they differ by {:.3g}",
                    error)};
  return {};
}

}  // namespace heed::check
