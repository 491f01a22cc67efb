#include <cmath>

#include "core/register.h"

namespace {
using namespace heed;

// AdamW with decoupled weight decay. t counts steps from 1:
//     p -= lr wd p   (Role::decayed only)
//     m = b1 m + (1-b1) g,   v = b2 v + (1-b2) g^2
//     p -= lr (m / (1-b1^t)) / (sqrt(v / (1-b2^t)) + eps)
// Loshchilov and Hutter 2019, algorithm 2; torch.optim.AdamW
template <class S>
class AdamW final : public Optimizer<S> {
 public:
  struct Options {
    double beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0.1;
    void describe(auto& option) {
      option("beta1", beta1, {.min = 0, .max = 0.999999, .doc = "decay rate of the mean gradient"});
      option("beta2", beta2, {.min = 0, .max = 0.999999, .doc = "decay rate of the mean squared gradient"});
      option("eps", eps, {.min = 1e-16, .doc = "added to the root of the mean squared gradient"});
      option("weight_decay", weight_decay,
             {.min = 0, .doc = "decoupled decay; only matrices decay, not biases, gains, embeddings"});
    }
  };

  AdamW(const Options& options, Params<S>& params)
      : Optimizer<S>(params),
        o_(options),
        m_(this->add_state("first_moment")),
        v_(this->add_state("second_moment")) {}

 private:
  void apply(Step<S>& step, double lr) override {
    // 1 - beta is rounded, not computed from the rounded beta: 1 - 0.999f is wrong by 1e-5.
    const S b1 = static_cast<S>(o_.beta1), b2 = static_cast<S>(o_.beta2), c1 = static_cast<S>(1 - o_.beta1),
            c2 = static_cast<S>(1 - o_.beta2), eps = static_cast<S>(o_.eps);
    const double t = static_cast<double>(this->steps());
    const S step_size = static_cast<S>(lr / (1 - std::pow(o_.beta1, t)));
    const S root_scale = static_cast<S>(1 / std::sqrt(1 - std::pow(o_.beta2, t)));
    this->for_each_block(step, [&](auto block) {
      const S keep = block.decays ? static_cast<S>(1 - lr * o_.weight_decay) : S(1);
      auto m = block.of(m_), v = block.of(v_);
      m = b1 * m + c1 * block.grad;
      v = b2 * v + c2 * block.grad.square();
      block.value = keep * block.value - step_size * m / (v.sqrt() * root_scale + eps);
    });
  }

  Options o_;
  std::span<S> m_, v_;
};
}  // namespace

HEED_OPTIMIZER(adamw, AdamW, "Adam with decoupled weight decay", "Loshchilov and Hutter 2019")
