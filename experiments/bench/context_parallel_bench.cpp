#include "experiments/bench/context_parallel_bench.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <memory>
#include <vector>

#include "core/divisible.h"
#include "core/params.h"
#include "core/thread_ranks.h"
#include "experiments/bench/timing.h"

namespace heed {
namespace {

double thread_milliseconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return 1e3 * static_cast<double>(now.tv_sec) + 1e-6 * static_cast<double>(now.tv_nsec);
}

// The layer of one rank, with its part of the sequences.
class RankWork {
 public:
  RankWork(const VariantInfo& info, const Choice& variant, const AttentionShape& shape,
           Communicator& communicator)
      : layer_(info.make(variant.options, layer_spec(shape), params_)),
        parallel_{communicator, balanced_split(claimed(), shape.causal, communicator.size()),
                  std::vector<Index>(static_cast<std::size_t>(shape.batch), shape.length)},
        batch_(shape.batch),
        width_(shape.heads * shape.width) {
    divide(variant.name, *layer_, parallel_);
    params_.freeze();
    params_.initialize(1);
    x_ = normal_numbers(batch_ * rows() * width_, "x"), dy_ = normal_numbers(batch_ * rows() * width_, "dy");
    dx_.resize(x_.size()), y_.resize(x_.size());
  }

  void run() {
    layer_->forward(step_, seq(x_), seq(x_), seq(y_));
    layer_->backward(step_, seq(dy_), seq(dx_), seq(dx_));
    step_.rewind();
  }

  double memory_bytes() const {
    return static_cast<double>(step_.reserved()) + 4.0 * sizeof(float) * static_cast<double>(x_.size());
  }

 private:
  // A variant that cannot be divided is refused by divide(), which has a sentence for it.
  Splits claimed() const { return std::max(splits_of(*layer_), Splits::contiguous); }
  Index rows() const { return parallel_.own_rows(0); }
  Seq<float> seq(std::vector<float>& x) const { return {x.data(), batch_, rows(), width_}; }

  Params<float> params_;
  std::unique_ptr<Layer<float>> layer_;
  const ContextParallel parallel_;
  Index batch_, width_;
  std::vector<float> x_, dy_, dx_, y_;
  Step<float> step_;
};

}  // namespace

RankBench bench_ranks(const Choice& variant, const Registry& registry, const AttentionShape& shape, int ranks,
                      Index repetitions) {
  const VariantInfo& info = registry.variant(variant.name);
  std::vector<RankBench> of_rank(static_cast<std::size_t>(ranks));
  run_ranks(
      ranks,
      [&](Communicator& communicator) {
        RankWork work(info, variant, shape, communicator);
        RankBench& out = of_rank[static_cast<std::size_t>(communicator.rank())];
        work.run();  // not counted: it takes memory
        out.sent_bytes = static_cast<double>(communicator.bytes_sent());
        std::vector<double> times;
        for (Index i = 0; i < repetitions; ++i) {
          const double begin = thread_milliseconds();
          work.run();
          times.push_back(thread_milliseconds() - begin);
        }
        out.milliseconds = median(times);
        out.memory_bytes = work.memory_bytes();
      },
      std::chrono::hours(1));
  RankBench most;
  for (const RankBench& r : of_rank)
    most = {std::max(most.milliseconds, r.milliseconds), std::max(most.memory_bytes, r.memory_bytes),
            std::max(most.sent_bytes, r.sent_bytes)};
  return most;
}

}  // namespace heed
