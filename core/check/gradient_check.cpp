#include <fmt/format.h>

#include "core/check/checks.h"
#include "core/check/gradient.h"
#include "core/check/outcome.h"

namespace heed::check {

Finding gradient(const Subject& subject, const Setup& setup) {
  Bench<double> bench(subject.info, subject.options, setup);
  bench.run();
  std::vector<GradientTensor> tensors;
  for (const ParamInfo& p : bench.params.infos())
    if (p.role != Role::fixed)
      tensors.push_back({p.name, bench.params.values().data() + p.offset,
                         bench.params.grads().data() + p.offset, p.rows, p.cols});
  tensors.push_back({"x", bench.x.data(), bench.dx.data(), bench.x.rows(), bench.x.cols()});
  if (setup.cross)
    tensors.push_back(
        {"context", bench.context.data(), bench.dcontext.data(), bench.context.rows(), bench.context.cols()});
  const GradientReport report = compare_gradients(tensors, [&] { return bench.loss(); });
  return {report.fault, report.worst};
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
  // The two are the same terms, added in another order.
  const double error = (sum - self.dx).cwiseAbs().maxCoeff() / (1e-300 + self.dx.cwiseAbs().maxCoeff());
  if (!(error < 1e-12))
    return {
        fmt::format("the gradients of x and of a copy of x as the context do not add up to that of "
                    "self-attention: they differ by {:.3g}",
                    error)};
  return {};
}

}  // namespace heed::check
