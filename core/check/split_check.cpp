#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <utility>
#include <vector>

#include "core/check/checks.h"
#include "core/check/outcome.h"
#include "core/divisible.h"
#include "core/thread_ranks.h"

namespace heed::check {
namespace {

// A batch of sequences of different lengths, or one rank's parts of them.
struct Part {
  Part(Index rows, Index dim)
      : x(rows, dim), y(rows, dim), dy(rows, dim), dx(Matrix<double>::Zero(rows, dim)) {}
  Matrix<double> x, y, dy, dx;
};

void run(Bench<double>& bench, const std::vector<Index>& starts, Part& part) {
  const Index batch = std::ssize(starts) - 1;
  const auto seq = [&]<class S>(S* data) {
    return Seq<S>{data, batch, bench.setup.time, bench.setup.dim, starts.data()};
  };
  bench.params.zero_grads();
  bench.step.rewind();
  const Seq<const double> x = seq(std::as_const(part.x).data());
  const Seq<double> dx = seq(part.dx.data());
  bench.layer->forward(bench.step, x, x, seq(part.y.data()));
  bench.layer->backward(bench.step, seq(std::as_const(part.dy).data()), dx, dx);
}

// Calls task(row of the part, row of the whole).
template <class Task>
void for_rows(const ContextParallel& parallel, const std::vector<Index>& starts, Task&& task) {
  Index row = 0;
  for (std::size_t b = 0; b < parallel.lengths.size(); ++b)
    for (int i = 0; i < parallel.split.pieces(); ++i) {
      const Piece piece = parallel.split.piece(parallel.lengths[b], parallel.rank(), i);
      for (Index p = piece.first; p < piece.first + piece.size; ++p) task(row++, starts[b] + p);
    }
}

Outcome<double> outcome_with(const Bench<double>& bench, const Part& part) {
  Outcome<double> out = outcome_of(bench);
  out.tensors[0].second = part.y, out.tensors[1].second = part.dx;
  return out;
}

// The passes of one setup, on one rank and on several.
class Ranks {
 public:
  Ranks(const Subject& subject, const Setup& setup)
      : subject_(subject), setup_(setup), bench_(subject.info, subject.options, setup), whole_(0, setup.dim) {
    for (Index b = 0; b < setup.batch; ++b) {
      lengths_.push_back(b % 2 == 0 ? setup.time : (setup.time + 1) / 2);
      starts_.push_back(starts_.back() + lengths_.back());
    }
    whole_ = Part(starts_.back(), setup.dim);
    whole_.x = bench_.x.topRows(starts_.back());
    whole_.dy = bench_.upstream.topRows(starts_.back());
    heed::check::run(bench_, starts_, whole_);
  }

  Outcome<double> on_one() const { return outcome_with(bench_, whole_); }

  // The parts of all ranks put together; gradients of parameters are summed in the order of ranks.
  Outcome<double> on(const ContextSplit& split) {
    Part together(starts_.back(), setup_.dim);
    Outcome<double> out;
    std::mutex mutex;
    run_ranks(split.ranks(), [&](Communicator& communicator) {
      const ContextParallel parallel{communicator, split, lengths_};
      Bench<double> bench(subject_.info, subject_.options, setup_);
      divide(subject_.info.name, *bench.layer, parallel);
      std::vector<Index> starts = {0};
      for (Index b = 0; b < setup_.batch; ++b) starts.push_back(starts.back() + parallel.own_rows(b));
      Part part(starts.back(), setup_.dim);
      for_rows(parallel, starts_, [&](Index to, Index from) {
        part.x.row(to) = whole_.x.row(from), part.dy.row(to) = whole_.dy.row(from);
      });
      heed::check::run(bench, starts, part);
      communicator.sum(bench.params.grads());
      const std::scoped_lock lock(mutex);
      for_rows(parallel, starts_, [&](Index from, Index to) {
        together.y.row(to) = part.y.row(from), together.dx.row(to) = part.dx.row(from);
      });
      if (communicator.rank() == 0) out = outcome_of(bench);
    });
    out.tensors[0].second = together.y, out.tensors[1].second = together.dx;
    return out;
  }

 private:
  const Subject& subject_;
  const Setup& setup_;
  std::vector<Index> lengths_, starts_ = {0};
  Bench<double> bench_;
  Part whole_;
};

constexpr double kTolerance = 1e-10;

const char* const kOutputHint = "Look at how partial sums are merged, and at positions within a part.";
const char* const kGradientHint =
    "The output agrees: look for a sum of forward that backward takes of one block instead of all (the "
    "log-sum-exp), and at gradients that do not come home.";

}  // namespace

Splits claimed_splits(const Subject& subject, const Setup& setup) {
  const Bench<double> bench(subject.info, subject.options, setup);
  return splits_of(*bench.layer);
}

Finding context_parallel(const Subject& subject, const Setup& setup) {
  Ranks passes(subject, setup);
  const Outcome<double> wanted = passes.on_one();
  const bool zigzag = claimed_splits(subject, setup) == Splits::any;
  double worst = 0;
  for (const int ranks : {1, 2, 3, 4})
    for (const ContextSplit& split : {ContextSplit::contiguous(ranks), ContextSplit::zigzag(ranks)}) {
      if (!split.is_contiguous() && !zigzag) continue;
      const Outcome<double> found = passes.on(split);
      const Difference of_output = relative_difference(Outcome<double>{{found.tensors[0]}}, wanted);
      const bool same_output = of_output.largest < kTolerance;
      const Difference difference = same_output ? relative_difference(found, wanted) : of_output;
      worst = std::max(worst, difference.largest);
      if (!(difference.largest < kTolerance))
        return {
            fmt::format("divided among {} {}{}, {} differs by {:.3g} relative from that of whole sequences",
                        ranks, ranks == 1 ? "rank" : "ranks", split.is_contiguous() ? "" : " in zigzag",
                        difference.where, difference.largest),
            worst, same_output ? kGradientHint : kOutputHint};
    }
  return {{}, worst};
}

}  // namespace heed::check
