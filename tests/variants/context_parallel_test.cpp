// Context parallelism beyond what the conformance check of this name proves of every variant: the bytes of
// messages, memory, and what is refused.
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "core/check/bench.h"
#include "core/divisible.h"
#include "core/thread_ranks.h"
#include "tests/catch.h"
#include "tests/variants/kernel_run.h"

namespace heed::test {
namespace {

constexpr Index kTime = 13, kHeads = 3, kDim = 12, kBatch = 2;

struct Bytes {
  std::uint64_t forward = 0, backward = 0;
};

// A rank's layer with its part of two sequences.
class RankRun {
 public:
  RankRun(Communicator& communicator, const std::string& variant, const Config& given, bool causal,
          const ContextSplit& split)
      : bench_(
            *registry().find_variant(variant), resolved(variant, given),
            {.batch = kBatch, .time = kTime, .heads = kHeads, .dim = kDim, .causality = {.causal = causal}}),
        parallel_{communicator, split, std::vector<Index>(kBatch, kTime)} {
    divide(variant, *bench_.layer, parallel_);
  }

  Bytes run() {
    const Index rows = parallel_.own_rows(0);
    const Tensors<double> t = bench_.beginning(kBatch, rows, rows);
    const std::uint64_t before = parallel_.communicator.bytes_sent();
    bench_.step.rewind();
    bench_.layer->forward(bench_.step, t.x, t.context, t.y);
    const std::uint64_t between = parallel_.communicator.bytes_sent();
    bench_.layer->backward(bench_.step, t.dy, t.dx, t.dcontext);
    return {between - before, parallel_.communicator.bytes_sent() - between};
  }

  // What the formula for `heed plan` says of all ranks.
  double formula() const {
    return kBatch * dynamic_cast<const DivisibleLayer<double>&>(*bench_.layer).exchanged_bytes(kTime);
  }

  std::size_t reserved() const { return bench_.step.reserved(); }
  Step<double>& step() { return bench_.step; }

 private:
  static Config resolved(const std::string& variant, const Config& given) {
    Problems problems;
    Config out = registry().find_variant(variant)->resolve(given, variant, problems);
    problems.throw_if_any();
    return out;
  }

  Bench<double> bench_;
  const ContextParallel parallel_;
};

// The bytes that each rank sends.
std::vector<Bytes> bytes_of(const std::string& variant, const Config& given, bool causal,
                            const ContextSplit& split) {
  std::vector<Bytes> out(static_cast<std::size_t>(split.ranks()));
  run_ranks(split.ranks(), [&](Communicator& communicator) {
    out[static_cast<std::size_t>(communicator.rank())] =
        RankRun(communicator, variant, given, causal, split).run();
  });
  return out;
}

std::uint64_t unsigned_of(Index n) { return static_cast<std::uint64_t>(n); }

}  // namespace

TEST_CASE("context parallelism: a ring sends the bytes of its formula") {
  const Index width = kDim / kHeads;
  for (const auto& [variant, given, numbers] :
       {std::tuple("softmax", options({}), kHeads * 2 * width),
        std::tuple("softmax", options({{"key_heads", whole(1)}}), 2 * width),
        std::tuple("differential", options({}), kHeads * 2 * width)})
    for (const int ranks : {1, 2, 3, 4})
      for (const ContextSplit& split : {ContextSplit::contiguous(ranks), ContextSplit::zigzag(ranks)}) {
        CAPTURE(variant, ranks, split.is_contiguous());
        const std::vector<Bytes> bytes = bytes_of(variant, given, true, split);
        for (int r = 0; r < ranks; ++r) {
          const Index all = kBatch * kTime, next = kBatch * split.size(kTime, (r + 1) % ranks);
          const Index forward = 8 * numbers * (all - next);
          const Index backward = ranks == 1 ? 0 : 2 * forward + 8 * numbers * next;
          CHECK(bytes[static_cast<std::size_t>(r)].forward == unsigned_of(forward));
          CHECK(bytes[static_cast<std::size_t>(r)].backward == unsigned_of(backward));
        }
      }
}

TEST_CASE("context parallelism: forgetting gathers a number of every token and head") {
  const ContextSplit split = ContextSplit::zigzag(3);
  const std::vector<Bytes> bytes = bytes_of("forgetting", options({}), true, split);
  std::uint64_t backward = 0;
  Index wanted = 2 * 2 * 8 * kHeads * kBatch * kTime;  // the sum of the gradients of gates over 3 ranks
  for (int r = 0; r < 3; ++r) {
    const Index next = kBatch * split.size(kTime, (r + 1) % 3), sent = kBatch * kTime - next;
    CHECK(bytes[static_cast<std::size_t>(r)].forward == unsigned_of(8 * 2 * kDim * sent + 8 * kHeads * sent));
    backward += bytes[static_cast<std::size_t>(r)].backward;
    wanted += 8 * 2 * kDim * (2 * sent + next);
  }
  CHECK(backward == unsigned_of(wanted));
}

TEST_CASE("context parallelism: a state has the same size for any length") {
  const Index width = kDim / kHeads;
  const auto state = [&](Index numbers) { return unsigned_of(8 * kBatch * kHeads * numbers); };
  const ContextSplit split = ContextSplit::contiguous(3);
  for (const auto& [variant, numbers] :
       {std::pair("linear", width * (width + 1)), std::pair("fast_weights", width * width),
        std::pair("retention", 2 * width * width)}) {
    CAPTURE(variant);
    const std::vector<Bytes> bytes = bytes_of(variant, options({}), true, split);
    CHECK(bytes[0].forward == state(numbers));
    CHECK(bytes[0].backward == 0);
    CHECK(bytes[1].forward == state(numbers));
    CHECK(bytes[1].backward == state(numbers));
    CHECK(bytes[2].forward == 0);
    CHECK(bytes[2].backward == state(numbers));
  }
  std::uint64_t sum = 0;
  for (const Bytes& b : bytes_of("linear", options({}), false, split)) sum += b.forward;
  CHECK(sum == 2 * 2 * state(width * (width + 1)));
}

TEST_CASE("context parallelism: all ranks together send what the layer says before the first pass") {
  for (const auto& [variant, causal] :
       {std::pair("softmax", true), std::pair("softmax", false), std::pair("differential", true),
        std::pair("forgetting", true), std::pair("tokenformer", true), std::pair("linear", true),
        std::pair("linear", false), std::pair("gla", true)})
    for (const int ranks : {1, 2, 3}) {
      CAPTURE(variant, causal, ranks);
      double wanted = -1, sent = 0;
      std::mutex mutex;
      run_ranks(ranks, [&](Communicator& communicator) {
        RankRun rank(communicator, variant, options({}), causal, ContextSplit::contiguous(ranks));
        const Bytes bytes = rank.run();
        const std::scoped_lock lock(mutex);
        sent += static_cast<double>(bytes.forward + bytes.backward);
        wanted = rank.formula();
      });
      CHECK(sent == wanted);
    }
}

TEST_CASE("context parallelism: passes after the first need no more memory") {
  for (const char* variant : {"softmax", "forgetting", "linear"}) {
    CAPTURE(variant);
    std::mutex mutex;
    run_ranks(2, [&](Communicator& communicator) {
      RankRun rank(communicator, variant, options({}), true, ContextSplit::contiguous(2));
      rank.run();
      const std::size_t reserved = rank.reserved();
      for (int i = 0; i < 2; ++i) rank.run();
      const std::scoped_lock lock(mutex);
      CHECK(rank.reserved() == reserved);
    });
  }
}

TEST_CASE("context parallelism: dropout of attention weights is refused") {
  const auto drop = [](Communicator& communicator) {
    RankRun rank(communicator, "softmax", options({}), true, ContextSplit::zigzag(1));
    rank.step().dropout.p = 0.1;
    rank.run();
  };
  CHECK_THROWS_WITH(run_ranks(1, drop), ContainsSubstring("does not support dropout of attention weights"));
}

TEST_CASE("context parallelism: variants and options that need all positions are refused by name") {
  const auto refusal = [](const std::string& variant, const Config& given, const ContextSplit& split) {
    try {
      bytes_of(variant, given, true, split);
    } catch (const Error& e) {
      return std::string(e.what());
    }
    return std::string("accepted");
  };
  const ContextSplit two = ContextSplit::contiguous(2);
  for (const char* variant : {"lstm", "rnn", "topk", "delta"})
    CHECK_THAT(refusal(variant, options({}), two),
               ContainsSubstring("'" + std::string(variant) + "' does not support context parallelism"));
  CHECK_THAT(refusal("forgetting", options({{"key_shift", Config::boolean(true)}}), two),
             ContainsSubstring("'forgetting' does not support context parallelism"));
  CHECK_THAT(refusal("window", options({{"global", whole(std::vector<Index>{0})}}), two),
             ContainsSubstring("'window' does not support"));
  CHECK_THAT(refusal("linear", options({{"feature_map", Config::scalar("cosformer")}}), two),
             ContainsSubstring("'linear' does not support"));
  CHECK_THAT(refusal("linear", options({}), ContextSplit::zigzag(2)),
             ContainsSubstring("needs a contiguous split"));
  CHECK(refusal("linear", options({}), two) == "accepted");
}

}  // namespace heed::test
