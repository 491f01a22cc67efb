#include "core/register.h"
#include "variants/parts/adamw_step.h"

namespace {
using namespace heed;

// AdamW with decoupled weight decay of Role::decayed (AdamWStep); torch.optim.AdamW
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
    const AdamWStep<S> adamw(o_, this->steps(), lr);
    this->for_each_block(step, [&](auto block) { adamw.apply(block, block.of(m_), block.of(v_)); });
  }

  Options o_;
  std::span<S> m_, v_;
};
}  // namespace

HEED_OPTIMIZER(adamw, AdamW, "Adam with decoupled weight decay", "Loshchilov and Hutter 2019")
