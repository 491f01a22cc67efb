#pragma once

#include <string>
#include <vector>

#include "core/check/bench.h"
#include "core/check/gradient.h"

namespace heed {

// Every gradient of a layer against central differences; empty if they agree, else the fault.
inline std::string gradient_fault(Bench<double>& bench) {
  bench.run();
  std::vector<GradientTensor> tensors;
  for (const ParamInfo& p : bench.params.infos())
    if (p.role != Role::fixed) {
      const Param<double> param = bench.params.find(p.name);
      tensors.push_back({p.name, param.value().data(), param.grad().data(), p.rows, p.cols});
    }
  tensors.push_back({"x", bench.x.data(), bench.dx.data(), bench.x.rows(), bench.x.cols()});
  if (bench.setup.cross)
    tensors.push_back(
        {"context", bench.context.data(), bench.dcontext.data(), bench.context.rows(), bench.context.cols()});
  return compare_gradients(tensors, [&] { return bench.loss(); }).fault;
}

// The builtin variants and positions.
inline Registry builtin() {
  Registry registry;
  register_builtin_variants(registry);
  return registry;
}

}  // namespace heed
