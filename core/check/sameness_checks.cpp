#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "core/check/checks.h"
#include "core/check/outcome.h"

namespace heed::check {
namespace {

// No coordinate moves by more than 0.05: a variant that diverged would end in NaN, which equals nothing.
void training_step(Bench<double>& bench) {
  bench.run();
  double largest = 1;
  for (const double g : bench.params.grads()) largest = std::max(largest, std::abs(g));
  for (std::size_t i = 0; i < bench.params.values().size(); ++i)
    bench.params.values()[i] -= 0.05 / largest * bench.params.grads()[i];
}

// Returns the results after one pass, and after ten steps of gradient descent.
std::pair<Outcome<double>, Outcome<double>> trained(const Subject& subject, const Setup& setup, int threads) {
  Bench<double> bench(subject.info, subject.options, setup, threads);
  bench.run();
  Outcome<double> first = outcome_of(bench);
  for (int i = 0; i < 10; ++i) training_step(bench);
  bench.run();
  return {std::move(first), outcome_of(bench)};
}

template <class S>
std::vector<std::byte> bytes_of(const Params<S>& params) {
  const auto bytes = std::as_bytes(params.values());
  return {bytes.begin(), bytes.end()};
}

constexpr Index kSequences = 3;

auto sequence(Matrix<double>& m, Index b) {
  return m.middleRows(b * m.rows() / kSequences, m.rows() / kSequences);
}

void swap_sequences(Matrix<double>& m, Index a, Index b) {
  const Matrix<double> saved = sequence(m, a);
  sequence(m, a) = Matrix<double>(sequence(m, b));
  sequence(m, b) = saved;
}

// Returns the first tensor of a sequence whose bits differ from those of the sequence by itself, and by how
// much.
Difference difference_of_sequence(Bench<double>& together, Index b, const Bench<double>& alone) {
  for (const auto& [name, mine, theirs] :
       {std::tuple("the output", &alone.y, &together.y),
        {"the gradient of x", &alone.dx, &together.dx},
        {"the gradient of the context", &alone.dcontext, &together.dcontext}})
    if (!same_bits(*mine, sequence(*theirs, b)))
      return {(*mine - sequence(*theirs, b)).cwiseAbs().maxCoeff(), name};
  return {};
}

// Runs a batch of one sequence, one position shorter than the bench's.
void run_shorter(Bench<double>& bench) {
  const Setup& s = bench.setup;
  const auto shorter = [](Index length) { return length > 1 ? length - 1 : length; };
  const Tensors<double> t = bench.beginning(1, shorter(s.time), shorter(s.context_time));
  bench.params.zero_grads();
  for (Matrix<double>* m : {&bench.y, &bench.dx, &bench.dcontext}) m->setZero();
  bench.step.rewind();
  bench.layer->forward(bench.step, t.x, t.context, t.y);
  bench.layer->backward(bench.step, t.dy, t.dx, t.dcontext);
}

// A shorter batch must give the same as in a new instance, and then the first batch the same as before.
std::string kept_from_other_length(const Subject& subject, Bench<double>& bench,
                                   const Outcome<double>& once) {
  Bench<double> fresh(subject.info, subject.options, bench.setup);
  try {
    run_shorter(fresh);
  } catch (const Error&) {
    return {};  // it supports only one length
  }
  run_shorter(bench);
  if (const std::string what = different_bits(outcome_of(bench), outcome_of(fresh)); !what.empty())
    return what + " of a shorter batch is not the same after a longer one: something of it is kept";
  bench.run();
  if (const std::string what = different_bits(outcome_of(bench), once); !what.empty())
    return what + " is not the same after a shorter batch went through: something of it is kept";
  return {};
}

std::string thread_hint(const Difference& d) {
  if (d.largest > 1e-10)
    return fmt::format(
        "{} differs by {:.1g} relative, which is more than rounding: tasks write to the same place, or to "
        "the memory of one worker.",
        d.where, d.largest);
  return "The difference is rounding: a sum is divided by thread. Give each task its own slot "
         "(as grad.param(p) does) and add the slots in order.";
}

const char* const kCarriedOn =
    "State is carried over from earlier sequences: a state or a sum that does not start at zero for each "
    "sequence and head, or that all share.";
const char* const kWholeBatch =
    "The first sequence of the batch differs too, so no state is carried over: something is "
    "computed over the whole batch, or an address lacks the index of the sequence.";
const char* const kAddresses =
    "The difference is rounding: the first numbers of a row are computed another way where the row begins "
    "between two registers. Compute exponentials and sums in tiles (tile_room), whose rows are aligned.";
const char* const kKeptFromPass =
    "A member that forward or backward changes outlives the pass. Keep the data of backward in Saved or in "
    "memory.keep, and start sums at zero in each pass.";
const char* const kKeptFromLength =
    "A table or a length is kept from another pass. Make it again if the lengths have changed (a "
    "mixer's prepare is called before every forward).";
const char* const kDoesNotAdd =
    "If about 0.5: backward assigns (=) instead of adding (+=). Else it changes data that forward kept.";

}  // namespace

Finding batch_independence(const Subject& subject, const Setup& setup) {
  Setup many = setup, one = setup;
  many.batch = kSequences, one.batch = 1;
  Bench<double> together(subject.info, subject.options, many), alone(subject.info, subject.options, one);
  together.run();
  for (Index b = 0; b < many.batch; ++b) {
    alone.x = sequence(together.x, b);
    alone.context = sequence(together.context, b);
    alone.upstream = sequence(together.upstream, b);
    alone.run();
    const Difference d = difference_of_sequence(together, b, alone);
    if (d.where.empty()) continue;
    // State carried over from earlier sequences cannot reach it if it is the first.
    for (Matrix<double>* m : {&together.x, &together.context, &together.upstream}) swap_sequences(*m, 0, b);
    together.run();
    const bool carried_on = b > 0 && difference_of_sequence(together, 0, alone).where.empty();
    const char* const hint = d.largest < 1e-13 ? kAddresses : carried_on ? kCarriedOn : kWholeBatch;
    return {fmt::format("sequence {} of {} gives another result than by itself: {} differs by {:.3g}", b,
                        many.batch, d.where, d.largest),
            0, hint};
  }
  return different_lengths(subject, setup);
}

Finding threads(const Subject& subject, const Setup& setup) {
  const auto wanted = trained(subject, setup, 1);
  for (int n : {2, 5}) {
    const auto found = trained(subject, setup, n);
    // Ten steps amplify differences, so the first pass measures the size.
    const Difference d = relative_difference(found.first, wanted.first);
    if (const std::string what = different_bits(found.first, wanted.first); !what.empty())
      return {fmt::format("{} is not the same with 1 and {} threads", what, n), 0, thread_hint(d)};
    if (const std::string what = different_bits(found.second, wanted.second); !what.empty())
      return {fmt::format("after ten training steps {} is not the same with 1 and {} threads", what, n), 0,
              thread_hint(d)};
  }
  return {};
}

Finding repeat(const Subject& subject, const Setup& setup) {
  Bench<double> bench(subject.info, subject.options, setup);
  bench.run();
  const Outcome<double> once = outcome_of(bench);
  bench.run();
  if (const std::string what = different_bits(outcome_of(bench), once); !what.empty())
    return {what + " is not the same when the pass is run again", 0, kKeptFromPass};

  const Matrix<double> x = bench.x;
  bench.x = normal_matrix<double>(x.rows(), x.cols(), 2, "check x");
  bench.run();
  bench.x = x;
  bench.run();
  if (const std::string what = different_bits(outcome_of(bench), once); !what.empty())
    return {what + " is not the same after another batch went through: something of it is kept", 0,
            kKeptFromPass};
  if (const std::string what = kept_from_other_length(subject, bench, once); !what.empty())
    return {what, 0, kKeptFromLength};

  bench.run();
  bench.backward();
  Outcome<double> twice = once;
  for (std::size_t i = 1; i < twice.tensors.size(); ++i) twice.tensors[i].second *= 2;
  // Up to rounding: a gradient that is added term by term rounds differently.
  const Difference d = relative_difference(outcome_of(bench), twice);
  if (d.largest < 1e-13) return {{}, d.largest};
  return {
      fmt::format("a second backward does not add the same again: {} is off by {:.3g}", d.where, d.largest),
      d.largest, kDoesNotAdd};
}

Finding save_and_load(const Subject& subject, const Setup& setup) {
  Bench<double> saved(subject.info, subject.options, setup),
      loaded(subject.info, subject.options, setup, 1, 2);
  const std::vector<std::byte> bytes = bytes_of(saved.params);
  HEED_CHECK(bytes.size() == loaded.params.values().size_bytes(), "two instances differ in size");
  std::ranges::copy(bytes, std::as_writable_bytes(loaded.params.values()).begin());
  loaded.x = saved.x, loaded.context = saved.context, loaded.upstream = saved.upstream;
  saved.run();
  loaded.run();
  const std::string what = different_bits(outcome_of(loaded), outcome_of(saved));
  return {what.empty() ? "" : what + " differs in an instance with the same parameters"};
}

}  // namespace heed::check
