// An optimizer that does one thing that no optimizer should, in one rank of a trial.
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/register.h"

namespace {
using namespace heed;

// -1: this process is no rank, such as the one that reads the sweep, and tries the optimizer.
Index own_rank() {
  const char* const rank = std::getenv("PMIX_RANK");
  return rank ? std::atoi(rank) : -1;
}

template <class S>
class BadRank final : public Optimizer<S> {
 public:
  struct Options {
    std::string fault = "none";
    Index rank = 1, step = 3, sleep = 0;
    void describe(auto& option) {
      option("fault", fault,
             {.choices = {"none", "throws", "crashes", "exits", "kills_itself", "hangs", "eats_memory"},
              .doc = "what it does"});
      option("rank", rank, {.min = 0, .doc = "where"});
      option("step", step, {.min = 1, .doc = "when, from 1"});
      option("sleep", sleep, {.min = 0, .doc = "milliseconds for which each step sleeps"});
    }
  };
  BadRank(const Options& options, Params<S>& params) : Optimizer<S>(params), options_(options) {}

 private:
  void apply(Step<S>& step, double lr) override {
    usleep(static_cast<useconds_t>(options_.sleep) * 1000);
    if (own_rank() == options_.rank && this->steps() == options_.step) misbehave();
    this->for_each_block(step, [&](auto block) { block.value -= static_cast<S>(lr) * block.grad; });
  }

  void misbehave() const {
    const std::string& fault = options_.fault;
    if (fault == "throws") throw std::runtime_error("the optimizer does not like this rank");
    if (fault == "crashes") raise(SIGSEGV);
    if (fault == "exits") std::_Exit(3);
    if (fault == "kills_itself") raise(SIGKILL);
    if (fault == "eats_memory")
      for (std::vector<std::vector<char>> eaten;;) eaten.emplace_back(1 << 20, 'x');
    if (fault == "hangs")
      for (;;) usleep(1000);
  }

  Options options_;
};
}  // namespace

HEED_OPTIMIZER(bad_rank, BadRank, "Misbehaves in one rank", "Nobody")
