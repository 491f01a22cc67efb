// The optimizer, clipping of gradients and the schedule of the learning rate.
#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/model/clipping.h"
#include "core/optimizer.h"
#include "core/schedule.h"
#include "tests/golden/handlers.h"

namespace heed::golden {

std::vector<Run> run_adamw(const Case& c, const Registry& registry) {
  const Tensor &grads = c.input("grads_per_step"), &wanted = c.output("params_per_step");
  require_shape("params_per_step", wanted, {grads.size(0) + 1, grads.size(1)});
  Params<double> params;
  const Param<double> p = params.declare("p", 1, grads.cols(), Init::zeros(), Role::decayed);
  params.freeze();
  p.value() = wanted.matrix().topRows(1);
  const OptimizerInfo& adamw = registry.optimizer("adamw");
  Config options = Config::map();
  for (const OptionInfo& o : adamw.options) options.set(o.name, Config::number(c.number(o.name)));
  const auto optimizer = adamw.make(options, params);
  Step<double> step;
  Tensor path = Tensor::zeros(wanted.shape);
  path.matrix().row(0) = p.value().row(0);
  for (Index t = 0; t < grads.rows(); ++t) {
    p.grad() = grads.matrix().middleRows(t, 1);
    optimizer->update(step, c.number("lr"));
    path.matrix().row(t + 1) = p.value().row(0);
  }
  const auto moment = [&](std::size_t i) {
    const std::span<const double> m = optimizer->state().at(i).values;
    return Tensor{{grads.cols()}, std::vector<double>(m.begin(), m.begin() + grads.cols())};
  };
  return {{"", {{"params_per_step", path}, {"exp_avg", moment(0)}, {"exp_avg_sq", moment(1)}}, {}}};
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

std::vector<Run> run_schedule(const Case& c, const Registry& registry) {
  Config options = Config::map();
  options.set("min_lr", Config::number(c.number("floor")));
  const auto rate = registry.schedule("cosine").make(
      options, {c.number("peak"), c.integer("warmup_steps"), c.integer("total_steps")});
  Tensor lr = Tensor::zeros(c.output("lr").shape);
  for (std::size_t s = 0; s < lr.values.size(); ++s) lr.values[s] = (*rate)(static_cast<Index>(s));
  return {{"", {{"lr", lr}}, {}}};
}

}  // namespace heed::golden
