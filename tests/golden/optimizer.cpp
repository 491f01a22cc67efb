// The optimizer, clipping of gradients and the schedule of the learning rate.
#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/model/optimizer.h"
#include "tests/golden/handlers.h"

namespace heed::golden {

std::vector<Run> run_adamw(const Case& c, const Registry&) {
  const Tensor &grads = c.input("grads_per_step"), &wanted = c.output("params_per_step");
  require_shape("params_per_step", wanted, {grads.size(0) + 1, grads.size(1)});
  Params<double> params;
  const Param<double> p = params.declare("p", 1, grads.cols(), Init::zeros(), Role::decayed);
  params.freeze();
  p.value() = wanted.matrix().topRows(1);
  AdamW<double> optimizer(params, {.beta1 = c.number("beta1"),
                                   .beta2 = c.number("beta2"),
                                   .eps = c.number("eps"),
                                   .weight_decay = c.number("weight_decay")});
  Step<double> step;
  Tensor path = Tensor::zeros(wanted.shape);
  path.matrix().row(0) = p.value().row(0);
  for (Index t = 0; t < grads.rows(); ++t) {
    p.grad() = grads.matrix().middleRows(t, 1);
    optimizer.update(step, c.number("lr"));
    path.matrix().row(t + 1) = p.value().row(0);
  }
  const auto moment = [&](std::span<const double> m) {
    return Tensor{{grads.cols()}, std::vector<double>(m.begin(), m.begin() + grads.cols())};
  };
  return {{"",
           {{"params_per_step", path},
            {"exp_avg", moment(optimizer.first_moment())},
            {"exp_avg_sq", moment(optimizer.second_moment())}},
           {}}};
}

std::vector<Run> run_clip(const Case& c, const Registry&) {
  Params<double> params;
  std::map<std::string, Param<double>> handles;
  for (const auto& [name, t] : c.inputs)
    handles[name] = params.declare(name, t.rows(), t.cols(), Init::zeros(), Role::decayed);
  params.freeze();
  for (const auto& [name, t] : c.inputs) handles[name].grad() = t.matrix();
  Step<double> step;
  const double norm = gradient_norm(step, params);
  clip_gradients(params, norm, c.number("max_norm"));
  Run run{"", {{"total_norm", Tensor{{1}, {norm}}}}, {}};
  for (const auto& [name, t] : c.inputs) {
    run.outputs[name] = Tensor::zeros(t.shape);
    run.outputs[name].matrix() = handles[name].grad();
  }
  return {run};
}

std::vector<Run> run_schedule(const Case& c, const Registry&) {
  Tensor lr = Tensor::zeros(c.output("lr").shape);
  for (std::size_t s = 0; s < lr.values.size(); ++s)
    lr.values[s] = warmup_cosine(static_cast<Index>(s), c.integer("warmup_steps"), c.integer("total_steps"),
                                 c.number("peak"), c.number("floor"));
  return {{"", {{"lr", lr}}, {}}};
}

}  // namespace heed::golden
