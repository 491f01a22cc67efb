#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <tuple>

#include "core/check/checks.h"
#include "core/check/outcome.h"

namespace heed::check {
namespace {

constexpr Index kSequences = 3;
using Starts = std::array<Index, kSequences + 1>;

// Full, about half, and one position; in another order for the context.
Starts starts_of(Index time, bool context) {
  std::array<Index, kSequences> lengths = {time, (time + 1) / 2, 1};
  if (context) std::rotate(lengths.begin(), lengths.begin() + 1, lengths.end());
  Starts starts = {};
  for (std::size_t b = 0; b < lengths.size(); ++b) starts[b + 1] = starts[b] + lengths[b];
  return starts;
}

void run(Bench<double>& bench, const Tensors<double>& t) {
  bench.params.zero_grads();
  bench.y.setConstant(std::numeric_limits<double>::quiet_NaN());
  bench.dx.setZero();
  bench.dcontext.setZero();
  bench.step.rewind();
  bench.layer->forward(bench.step, t.x, t.context, t.y);
  bench.layer->backward(bench.step, t.dy, t.dx, t.dcontext);
}

const char* const kHint =
    "The sequences of a batch may have different lengths, without padding between them: take memory with "
    "memory.keep(x, dim), and use x.length(b), x.at(b) and x.rows() in place of x.time.";

}  // namespace

// The rows of three sequences follow each other. Sequence b by itself must give the same bits.
Finding different_lengths(const Subject& subject, const Setup& setup) {
  if (setup.cross && setup.causality.causal) return {};  // queries would begin at a place of their own each
  Setup many = setup, one = setup;
  many.batch = kSequences, one.batch = 1;
  Bench<double> together(subject.info, subject.options, many), alone(subject.info, subject.options, one);
  const Starts starts = starts_of(setup.time, false);
  const Starts context_starts = setup.cross ? starts_of(setup.context_time, true) : starts;
  Tensors<double> all = together.tensors();
  all.x.starts = all.dy.starts = all.y.starts = all.dx.starts = starts.data();
  all.context.starts = all.dcontext.starts = setup.cross ? context_starts.data() : starts.data();
  run(together, all);

  for (std::size_t b = 0; b < kSequences; ++b) {
    const Index from = starts[b], rows = starts[b + 1] - from;
    const Index context_from = context_starts[b], context_rows = context_starts[b + 1] - context_from;
    alone.x.topRows(rows) = together.x.middleRows(from, rows);
    alone.upstream.topRows(rows) = together.upstream.middleRows(from, rows);
    if (setup.cross)
      alone.context.topRows(context_rows) = together.context.middleRows(context_from, context_rows);
    run(alone, alone.beginning(1, rows, context_rows));
    std::string what;
    if (!same_bits(together.y.middleRows(from, rows), alone.y.topRows(rows)))
      what = "the output";
    else if (!same_bits(together.dx.middleRows(from, rows), alone.dx.topRows(rows)))
      what = "the gradient of x";
    else if (setup.cross && !same_bits(together.dcontext.middleRows(context_from, context_rows),
                                       alone.dcontext.topRows(context_rows)))
      what = "the gradient of the context";
    if (!what.empty())
      return {fmt::format("sequence {} of {} of different lengths has another result than by itself: {}", b,
                          kSequences, what),
              0, kHint};
  }
  return {};
}

}  // namespace heed::check
