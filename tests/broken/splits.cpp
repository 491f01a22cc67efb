// Variants that compute something else when several ranks share a sequence.
#include <memory>
#include <span>

#include "tests/broken/caught.h"
#include "variants/parts/softmax.h"

namespace heed::broken {
namespace {

// The usual error: backward takes the log-sum-exp and the output of a block's own keys.
template <class S>
struct LocalLogSumExp : Softmax<S> {
  std::unique_ptr<HeadKernel<S>> divided(const HeadLoop<LocalLogSumExp, S>& whole,
                                         const ContextParallel& parallel) const {
    return std::make_unique<RingKernel<LocalLogSumExp, S>>(whole, parallel);
  }
  void add_backward(const RingBlock<S>& block, const typename Softmax<S>::Saved&, In<S> du, HeadGrad<S>& grad,
                    double* d_of_tokens, Memory<S>& memory) const {
    RingBlock<S> own{block.head, 0, block.first_key};
    const auto sums = Softmax<S>::begin(own.head, {}, memory);
    Softmax<S>::add(own, sums, memory);
    Softmax<S>::add_backward(own, sums, row_block(du, block.row, own.head.q.rows()), grad, d_of_tokens,
                             memory);
  }
};

// Adds the normalized output of each block without its weight.
template <class S>
struct UnweightedBlocks : Softmax<S> {
  std::unique_ptr<HeadKernel<S>> divided(const HeadLoop<UnweightedBlocks, S>& whole,
                                         const ContextParallel& parallel) const {
    return std::make_unique<RingKernel<UnweightedBlocks, S>>(whole, parallel);
  }
  void add(const RingBlock<S>& block, const typename Softmax<S>::Saved& saved, Memory<S>& memory) const {
    RingBlock<S> own{block.head, 0, block.first_key};
    const auto sums = Softmax<S>::begin(own.head, {}, memory);
    Softmax<S>::add(own, sums, memory);
    Mat<S> o = row_block(saved.o, block.row, sums.o.rows()),
           lse = column_block(saved.lse, block.row, sums.o.rows());
    o += sums.o;
    lse = sums.lse;
  }
};

// Keeps the gradients of other ranks' keys.
template <class S>
struct KeepsGradients : Softmax<S> {
  std::unique_ptr<HeadKernel<S>> divided(const HeadLoop<KeepsGradients, S>& whole,
                                         const ContextParallel& parallel) const {
    return std::make_unique<RingKernel<KeepsGradients, S>>(whole, parallel);
  }
  void add_backward(const RingBlock<S>& block, const typename Softmax<S>::Saved& saved, In<S> du,
                    HeadGrad<S>& grad, double* d_of_tokens, Memory<S>& memory) const {
    const bool own = block.head.mask.offset == 0;
    Mat<S> dk = zeros(memory, grad.k.rows(), grad.k.cols());
    HeadGrad<S> lost{grad.q, own ? grad.k : dk, grad.v, grad.params, grad.slots, grad.batch, grad.index};
    Softmax<S>::add_backward(block, saved, du, lost, d_of_tokens, memory);
  }
};

}  // namespace

TEST_CASE("broken variants: the context parallelism check finds a local log-sum-exp in backward") {
  const Registry registry = with_mixer<LocalLogSumExp>("local_log_sum_exp");
  require_caught(registry, "context parallelism", "the gradient of");
  require_caught(registry, "context parallelism", "The output agrees");
}

TEST_CASE("broken variants: the context parallelism check finds blocks that are merged without weights") {
  require_caught(with_mixer<UnweightedBlocks>("unweighted_blocks"), "context parallelism",
                 "the output differs");
}

TEST_CASE("broken variants: the context parallelism check finds gradients that do not come home") {
  require_caught(with_mixer<KeepsGradients>("keeps_gradients"), "context parallelism", "the gradient of");
}

TEST_CASE("broken variants: softmax attention itself passes the context parallelism check") {
  const std::vector<CheckResult> results =
      check_all(with_mixer<Softmax>("intact"), {.only = {"context parallelism"}});
  INFO(results.front().message);
  CHECK(results.front().verdict == Verdict::passed);
}

}  // namespace heed::broken
