// Variants that compute another function when their tokens come one by one.
#include <algorithm>
#include <memory>
#include <span>
#include <vector>

#include "tests/broken/caught.h"
#include "tests/broken/naive.h"

namespace heed::broken {
namespace {

// Its bias counts from the first query of the pass, which is not always the first token.
template <class S>
struct CountsFromTheFirstQuery : Naive<S> {
  typename Naive<S>::Saved forward(const Head<S>& in, Mat<S> o, Memory<S>& memory) const {
    const auto saved = Naive<S>::forward(in, o, memory);
    for (Index i = 0; i < o.rows(); ++i) o.row(i) *= 1 + S(0.1) * S(i);
    return saved;
  }
};

// The same, only in cross-attention.
template <class S>
struct CountsFromTheFirstQueryOfAContext : Naive<S> {
  typename Naive<S>::Saved forward(const Head<S>& in, Mat<S> o, Memory<S>& memory) const {
    const auto saved = Naive<S>::forward(in, o, memory);
    for (Index i = 0; i < o.rows() && !in.mask.causal; ++i) o.row(i) *= 1 + S(0.1) * S(i);
    return saved;
  }
};

// Divides by the number of keys of the latest prepare() that is at the beginning of a sequence.
template <class S>
struct RemembersOneLength : Naive<S> {
  std::shared_ptr<Index> keys = std::make_shared<Index>(1);
  void prepare(Index, Index tk, const Mask& mask) {
    if (mask.offset == 0) *keys = tk;
  }
  typename Naive<S>::Saved forward(const Head<S>& in, Mat<S> o, Memory<S>& memory) const {
    const auto saved = Naive<S>::forward(in, o, memory);
    if (!in.mask.causal) o /= S(*keys);
    return saved;
  }
};

// Lets a decoder keep three keys, and sees all.
template <class S>
struct KeepsTooLittle : Naive<S> {
  Index kept_keys(Index length) const { return std::min<Index>(length, 3); }
};

// The mean of the values so far, in its recurrent form too; the state lives where all decoders share it.
template <class S>
struct SharesItsState {
  struct Saved {};
  std::shared_ptr<std::vector<S>> sums = std::make_shared<std::vector<S>>(4096);

  Traits traits() const { return {.bidirectional = false, .cross = false, .permutation = false}; }
  Saved forward(const Head<S>& in, Mat<S> o, Memory<S>&) const {
    for (Index i = 0; i < o.rows(); ++i) o.row(i) = in.v.topRows(i + 1).colwise().sum() / S(i + 1);
    return {};
  }
  void backward(const Head<S>&, const Saved&, In<S>, HeadGrad<S>&, Memory<S>&) const {}
  Index state_size(const HeadSize& size) const { return size.value; }
  void decode(const Head<S>& token, std::span<S>, Mat<S> o, Memory<S>&) const {
    const Index t = token.mask.offset, width = o.cols();
    Mat<S> sum = mat(sums->data() + (8 * token.batch + token.index) * width, 1, width);
    sum += token.v;
    o = sum / S(t + 1);
  }
};

// Says that a decoder keeps nothing.
template <class S>
struct HidesItsState : Naive<S> {
  Cost cost(const HeadSize& size) const { return {dense_cost(size).flops, 0}; }
};

}  // namespace

TEST_CASE("broken variants: the decoding check finds what counts from the first query") {
  require_caught(with_mixer<CountsFromTheFirstQuery>("counts_from_the_first_query"), "decoding",
                 "position 1 of sequence 0");
}

TEST_CASE("broken variants: the decoding check finds what counts from the first query to a context") {
  require_caught(with_mixer<CountsFromTheFirstQueryOfAContext>("counts_from_the_first_query_of_a_context"),
                 "decoding", "position 1 of sequence 0");
}

TEST_CASE("broken variants: the decoding check finds a table that is right for one length of a context") {
  require_caught(with_mixer<RemembersOneLength>("remembers_one_length"), "decoding",
                 "position 1 of sequence");
}

TEST_CASE("broken variants: the decoding check finds a decoder that keeps too few keys") {
  require_caught(with_mixer<KeepsTooLittle>("keeps_too_little"), "decoding", "position 3 of sequence 0");
}

TEST_CASE("broken variants: the decoding check finds a state that two decoders share") {
  require_caught(with_mixer<SharesItsState>("shares_its_state"), "decoding", "a second decoder");
}

TEST_CASE("broken variants: the cost check finds a state that the formula leaves out") {
  require_caught(with_mixer<HidesItsState>("hides_its_state"), "cost", "the formula says 0");
}

}  // namespace heed::broken
