#include "core/register.h"

namespace {
using namespace heed;

// Stochastic gradient descent with momentum mu, dampening d and L2 weight decay. t counts steps from 1:
//     g += wd p                                        (Role::decayed only)
//     b = g at t = 1,   b = mu b + (1-d) g after that  (if mu > 0)
//     p -= lr g           without momentum
//     p -= lr b           with momentum
//     p -= lr (g + mu b)  with Nesterov momentum
// torch.optim.SGD; Sutskever et al. 2013, whose momentum buffer contains the learning rate
template <class S>
class Sgd final : public Optimizer<S> {
 public:
  struct Options {
    double momentum = 0, dampening = 0, weight_decay = 0;
    bool nesterov = false;
    void describe(auto& option) {
      option("momentum", momentum, {.min = 0, .max = 0.999999, .doc = "decay rate of the summed gradients"});
      option("dampening", dampening, {.min = 0, .max = 1, .doc = "share of a new gradient that is left out"});
      option("nesterov", nesterov, {.doc = "Nesterov momentum: look one momentum step ahead"});
      option("weight_decay", weight_decay,
             {.min = 0, .doc = "L2 decay, added to the gradient; only matrices decay"});
    }
    void check(const Refuse& refuse) const {
      if (nesterov && momentum == 0) refuse("nesterov", "it needs momentum above 0.");
      if (nesterov && dampening != 0) refuse("nesterov", "it needs dampening 0.");
      if (dampening != 0 && momentum == 0)
        refuse("dampening", "it has no effect without momentum; remove it or set momentum above 0.");
    }
  };

  Sgd(const Options& options, Params<S>& params) : Optimizer<S>(params), o_(options) {
    if (o_.momentum > 0) b_ = this->add_state("momentum");
  }

 private:
  void apply(Step<S>& step, double lr) override {
    const S rate = static_cast<S>(lr), mu = static_cast<S>(o_.momentum);
    const bool first = this->steps() == 1;
    const S keep = first ? S(0) : mu, take = first ? S(1) : static_cast<S>(1 - o_.dampening);
    this->for_each_block(step, [&](auto block) {
      const S decay = block.decays ? static_cast<S>(o_.weight_decay) : S(0);
      auto &p = block.value, &g = block.grad;
      if (b_.empty()) {
        p -= rate * (g + decay * p);
        return;
      }
      auto b = block.of(b_);
      b = keep * b + take * (g + decay * p);
      if (o_.nesterov)
        p -= rate * (g + decay * p + mu * b);
      else
        p -= rate * b;
    });
  }

  Options o_;
  std::span<S> b_;  // empty without momentum
};
}  // namespace

HEED_OPTIMIZER(sgd, Sgd, "Stochastic gradient descent with momentum, Nesterov momentum and L2 decay",
               "Sutskever et al. 2013")
