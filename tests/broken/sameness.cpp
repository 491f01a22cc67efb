// Twins whose result depends on something that it must not depend on.
#include <algorithm>
#include <memory>
#include <vector>

#include "tests/broken/caught.h"
#include "tests/broken/naive.h"

using namespace heed;
using namespace heed::broken;

namespace {

// A number per head that depends on its place: the query's position changes its weight.
template <class S>
struct PrefersTheFirst : Naive<S> {
  typename Naive<S>::Saved forward(const Head<S>& in, Mat<S> o, Memory<S>& memory) const {
    const auto saved = Naive<S>::forward(in, o, memory);
    o.row(0) *= S(1.5);
    return saved;
  }
};

// A running sum that goes on from one sequence to the next.
template <class S>
struct SumOverTheBatch : Naive<S> {
  std::shared_ptr<std::vector<S>> sum = std::make_shared<std::vector<S>>(64);
  typename Naive<S>::Saved forward(const Head<S>& in, Mat<S> o, Memory<S>& memory) const {
    const auto saved = Naive<S>::forward(in, o, memory);
    const auto h = static_cast<std::size_t>(in.index);
    if (in.batch == 0) (*sum)[h] = 0;
    (*sum)[h] += in.v.sum();
    o.array() += S(1e-3) * (*sum)[h];
    return saved;
  }
};

// Divides by the largest number of the batch.
template <class S>
class BatchNorm final : public Layer<S> {
 public:
  using Options = NoOptions;
  BatchNorm(const Options&, const LayerSpec<S>&, Params<S>&) {}
  static Traits traits(const Options&) { return {.mixes_time = false}; }
  void forward(Step<S>&, Seq<const S> x, Seq<const S>, Seq<S> y) override {
    y.rows() = x.rows() / x.rows().cwiseAbs().maxCoeff();
  }
  void backward(Step<S>&, Seq<const S>, Seq<S>, Seq<S>) override {}
  Cost cost(Index, Index) const override { return {}; }
};

// Computes exponentials in rows that begin at any address.
template <class S>
class UnalignedExp final : public Layer<S> {
 public:
  using Options = NoOptions;
  UnalignedExp(const Options&, const LayerSpec<S>&, Params<S>&) {}
  static Traits traits(const Options&) { return {.mixes_time = false}; }
  void forward(Step<S>&, Seq<const S> x, Seq<const S>, Seq<S> y) override {
    for (Index row = 0; row < x.row_count(); ++row)
      y.rows().row(row) = x.rows().row(row).array().exp().matrix();
  }
  void backward(Step<S>&, Seq<const S>, Seq<S>, Seq<S>) override {}
  Cost cost(Index, Index) const override { return {}; }
};

// Takes each sequence to begin where it would if all before it were as long as the longest may be.
template <class S>
class CountsPadding final : public Layer<S> {
 public:
  using Options = NoOptions;
  CountsPadding(const Options&, const LayerSpec<S>&, Params<S>&) {}
  static Traits traits(const Options&) { return {.permutation = false, .mixes_time = false}; }
  void forward(Step<S>&, Seq<const S> x, Seq<const S>, Seq<S> y) override {
    y.rows() = x.rows();
    for (Index row = 0; row < x.row_count(); row += x.time) y.rows().row(row) *= S(2);
  }
  void backward(Step<S>&, Seq<const S> dy, Seq<S> dx, Seq<S>) override {
    dx.rows() += dy.rows();
    for (Index row = 0; row < dy.row_count(); row += dy.time) dx.rows().row(row) += dy.rows().row(row);
  }
  Cost cost(Index, Index) const override { return {}; }
};

// Scales by the length of the first pass.
template <class S>
struct KeepsTheLength : Naive<S> {
  Index length = 0;
  void prepare(Index, Index tk, const Mask&) { length = length == 0 ? tk : length; }
  typename Naive<S>::Saved forward(const Head<S>& in, Mat<S> o, Memory<S>& memory) const {
    const auto saved = Naive<S>::forward(in, o, memory);
    o /= S(length);
    return saved;
  }
  void backward(const Head<S>& in, const typename Naive<S>::Saved& saved, In<S> d_o, HeadGrad<S>& grad,
                Memory<S>& memory) const {
    Mat<S> part = memory.temp(d_o.rows(), d_o.cols());
    part = d_o / S(length);
    Naive<S>::backward(in, saved, part, grad, memory);
  }
};

// The same, but the last other length counts.
template <class S>
struct KeepsTheShortest : KeepsTheLength<S> {
  void prepare(Index, Index tk, const Mask&) {
    this->length = this->length == 0 ? tk : std::min(this->length, tk);
  }
};

// A running sum over sequences that even the next pass goes on with.
template <class S>
struct RemembersThePass : Naive<S> {
  std::shared_ptr<S> last = std::make_shared<S>();
  typename Naive<S>::Saved forward(const Head<S>& in, Mat<S> o, Memory<S>& memory) const {
    const auto saved = Naive<S>::forward(in, o, memory);
    o.array() += *last;
    *last = S(1e-3) * in.v.sum();
    return saved;
  }
};

// Backward uses up what forward kept, so that a second one finds something else.
template <class S>
struct UsesUpWhatWasKept : Naive<S> {
  void backward(const Head<S>& in, const typename Naive<S>::Saved& saved, In<S> d_o, HeadGrad<S>& grad,
                Memory<S>& memory) const {
    Naive<S>::backward(in, saved, d_o, grad, memory);
    Mat<S> p = saved.p;
    p *= S(0.5);
  }
};

// y = x gain, a feed-forward of one number. `Wrong` says how its backward goes wrong.
template <class S, class Wrong>
class Scaled final : public Layer<S> {
 public:
  using Options = NoOptions;
  Scaled(const Options&, const LayerSpec<S>&, Params<S>& params)
      : gain_(params.declare("gain", 1, 1, Init::ones(), Role::undecayed)) {}
  static Traits traits(const Options&) { return {.mixes_time = false}; }
  void forward(Step<S>&, Seq<const S> x, Seq<const S>, Seq<S> y) override {
    x_ = x;
    y.rows() = x.rows() * gain_.value()(0, 0);
  }
  void backward(Step<S>& step, Seq<const S> dy, Seq<S> dx, Seq<S>) override {
    Wrong::backward(step, x_, dy, dx, gain_);
  }
  Cost cost(Index, Index) const override { return {}; }

 private:
  Param<S> gain_;
  Seq<const S> x_;
};

struct AssignsToDx {
  template <class S>
  static void backward(Step<S>&, Seq<const S> x, Seq<const S> dy, Seq<S> dx, Param<S> gain) {
    dx.rows() = dy.rows() * gain.value()(0, 0);
    gain.grad()(0, 0) += x.rows().cwiseProduct(dy.rows()).sum();
  }
};

struct AssignsToGain {
  template <class S>
  static void backward(Step<S>&, Seq<const S> x, Seq<const S> dy, Seq<S> dx, Param<S> gain) {
    dx.rows() += dy.rows() * gain.value()(0, 0);
    gain.grad()(0, 0) = x.rows().cwiseProduct(dy.rows()).sum();
  }
};

// Cuts its sum into one part per thread: another rounding for each number of threads.
struct CutsByThreads {
  template <class S>
  static void backward(Step<S>& step, Seq<const S> x, Seq<const S> dy, Seq<S> dx, Param<S> gain) {
    dx.rows() += dy.rows() * gain.value()(0, 0);
    std::vector<S> part(static_cast<std::size_t>(step.threads()));
    for (Index i = 0; i < x.size(); ++i)
      part[static_cast<std::size_t>(i % step.threads())] += x.data[i] * dy.data[i];
    for (S p : part) gain.grad()(0, 0) += p;
  }
};

// Hands each thread a share of the rows and forgets those that are left over.
struct CutsRows {
  template <class S>
  static void backward(Step<S>& step, Seq<const S> x, Seq<const S> dy, Seq<S> dx, Param<S> gain) {
    const Index rows = dy.batch * dy.time, taken = rows - rows % step.threads();
    dx.rows().topRows(taken) += dy.rows().topRows(taken) * gain.value()(0, 0);
    gain.grad()(0, 0) += x.rows().cwiseProduct(dy.rows()).sum();
  }
};

template <class S>
using AssigningDx = Scaled<S, AssignsToDx>;
template <class S>
using AssigningGain = Scaled<S, AssignsToGain>;
template <class S>
using CutByThreads = Scaled<S, CutsByThreads>;
template <class S>
using RowsLeftOver = Scaled<S, CutsRows>;

// Draws a number when it is built and tells no one.
template <class S>
struct HiddenNumber : Naive<S> {
  S hidden = 0;
  void declare(const LayerSpec<S>&, Params<S>&) {
    static int built = 0;
    hidden = S(++built);
  }
  typename Naive<S>::Saved forward(const Head<S>& in, Mat<S> o, Memory<S>& memory) const {
    const auto saved = Naive<S>::forward(in, o, memory);
    o.array() += hidden;
    return saved;
  }
};

}  // namespace

TEST_CASE("permutation check: finds a preferred position") {
  require_caught(with_mixer<PrefersTheFirst>("prefers_the_first"), "permutation",
                 "permuting time does not permute the output");
}

TEST_CASE("batch check: finds sequences that depend on each other") {
  require_caught(with_mixer<SumOverTheBatch>("sum_over_the_batch"), "batch independence", "sequence 1 of 3");
  require_caught(with_mixer<SumOverTheBatch>("sum_over_the_batch"), "batch independence",
                 "carried over from earlier sequences");
  require_caught(with_layer<BatchNorm>("batch_norm"), "batch independence", "computed over the whole batch");
}

TEST_CASE("batch check: finds bits that depend on addresses") {
  require_caught(with_layer<UnalignedExp>("unaligned_exp"), "batch independence",
                 "The difference is rounding");
}

TEST_CASE("batch check: finds a layer that counts padding") {
  require_caught(with_layer<CountsPadding>("counts_padding"), "batch independence",
                 "of different lengths has another result than by itself: the output");
}

TEST_CASE("threads check: finds a sum that is divided by thread") {
  require_caught(with_layer<CutByThreads>("cut_by_threads"), "threads",
                 "the gradient of gain is not the same with 1 and 2 threads");
  require_caught(with_layer<CutByThreads>("cut_by_threads"), "threads", "The difference is rounding");
}

TEST_CASE("threads check: separates a fault from rounding") {
  require_caught(with_layer<RowsLeftOver>("rows_left_over"), "threads", "which is more than rounding");
}

TEST_CASE("repeat check: finds a pass that depends on the one before") {
  require_caught(with_mixer<RemembersThePass>("remembers_the_pass"), "repeat",
                 "the output is not the same when the pass is run again");
  require_caught(with_mixer<RemembersThePass>("remembers_the_pass"), "repeat", "outlives the pass");
}

TEST_CASE("repeat check: finds state kept from another length") {
  require_caught(with_mixer<KeepsTheLength>("keeps_the_length"), "repeat",
                 "the output of a shorter batch is not the same after a longer one");
  require_caught(with_mixer<KeepsTheShortest>("keeps_the_shortest"), "repeat",
                 "the output is not the same after a shorter batch went through");
}

TEST_CASE("repeat check: finds a backward that changes what was kept") {
  require_caught(with_mixer<UsesUpWhatWasKept>("uses_up_what_was_kept"), "repeat",
                 "a second backward does not add the same again");
}

TEST_CASE("repeat check: finds a backward that assigns") {
  require_caught(with_layer<AssigningDx>("assigning_dx"), "repeat", "the gradient of x is off by 0.5");
  require_caught(with_layer<AssigningGain>("assigning_gain"), "repeat", "the gradient of gain is off by 0.5");
}

TEST_CASE("save check: finds a number outside of the parameters") {
  require_caught(with_mixer<HiddenNumber>("hidden_number"), "save and load",
                 "the output differs in an instance with the same parameters");
}
