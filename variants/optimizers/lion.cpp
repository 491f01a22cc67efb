#include "core/register.h"

namespace {
using namespace heed;

// Lion: every number moves by lr, in the direction of the sign of an interpolated gradient.
//     p -= lr wd p   (Role::decayed only)
//     p -= lr sign(b1 m + (1-b1) g),   sign(0) = 0
//     m = b2 m + (1-b2) g
// Chen et al. 2023, program 1
template <class S>
class Lion final : public Optimizer<S> {
 public:
  struct Options {
    double beta1 = 0.9, beta2 = 0.99, weight_decay = 0.1;
    void describe(auto& option) {
      option("beta1", beta1, {.min = 0, .max = 0.999999, .doc = "weight of the momentum in the step"});
      option("beta2", beta2, {.min = 0, .max = 0.999999, .doc = "decay rate of the momentum"});
      option("weight_decay", weight_decay,
             {.min = 0, .doc = "decoupled decay; only matrices decay, not biases, gains, embeddings"});
    }
  };

  Lion(const Options& options, Params<S>& params)
      : Optimizer<S>(params), o_(options), m_(this->add_state("momentum")) {}

 private:
  void apply(Step<S>& step, double lr) override {
    const S b1 = static_cast<S>(o_.beta1), b2 = static_cast<S>(o_.beta2), c1 = static_cast<S>(1 - o_.beta1),
            c2 = static_cast<S>(1 - o_.beta2), rate = static_cast<S>(lr);
    this->for_each_block(step, [&](auto block) {
      const S keep = block.decays ? static_cast<S>(1 - lr * o_.weight_decay) : S(1);
      auto m = block.of(m_);
      block.value = keep * block.value - rate * (b1 * m + c1 * block.grad).sign();
      m = b2 * m + c2 * block.grad;
    });
  }

  Options o_;
  std::span<S> m_;
};
}  // namespace

HEED_OPTIMIZER(lion, Lion, "Steps of equal size by the sign of an interpolated momentum", "Chen et al. 2023")
