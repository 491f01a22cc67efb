#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "core/check/checks.h"
#include "core/check/outcome.h"

namespace heed::check {
namespace {

// So small that adding anything to it, or writing zero, changes it.
constexpr double kGuard = 1e-300;

bool same_bytes(const double* a, const double* b, Index n) {
  return n == 0 || std::memcmp(a, b, sizeof(double) * static_cast<std::size_t>(n)) == 0;
}

std::string rows_text(Index n, const char* place, const char* name) {
  return fmt::format("{} row{} {} of {}", n, n == 1 ? "" : "s", place, name);
}

// A tensor between guard rows. Eight rows keep the tensor on a cache line, so that vectorized loops behave
// as without guards.
class Guarded {
 public:
  Guarded(const char* name, const Matrix<double>& tensor, double guard)
      : name_(name), now_(Matrix<double>::Constant(tensor.rows() + 2 * kRows, tensor.cols(), guard)) {
    now_.middleRows(kRows, tensor.rows()) = tensor;
    before_ = now_;
  }

  Seq<double> seq(Index batch) {
    const Index rows = now_.rows() - 2 * kRows;
    return {now_.data() + kRows * now_.cols(), batch, rows / batch, now_.cols()};
  }
  auto tensor() const { return now_.middleRows(kRows, now_.rows() - 2 * kRows); }

  // Returns "2 rows after the end of y", or an empty string if no guard has changed.
  std::string written_outside() const {
    const Index end = now_.rows() - kRows;
    if (const Index n = changed(end, now_.rows())) return rows_text(n, "after the end", name_);
    if (const Index n = changed(0, kRows)) return rows_text(n, "before the beginning", name_);
    return {};
  }
  // The same for a tensor that may only be read.
  std::string written() const {
    const std::string outside = written_outside();
    return outside.empty() && changed(0, now_.rows()) ? name_ : outside;
  }

 private:
  static constexpr Index kRows = 8;

  Index changed(Index begin, Index end) const {
    Index n = 0;
    for (Index i = begin; i < end; ++i)
      n += !same_bytes(now_.row(i).data(), before_.row(i).data(), now_.cols());
    return n;
  }

  const char* name_;
  Matrix<double> now_, before_;
};

// The values before a pass of the variant's parameters and of the other parameters around them.
class GuardedParameters {
 public:
  explicit GuardedParameters(Params<double>& params) : params_(params) {
    for (const ParamInfo& p : params.infos())
      if (p.name.starts_with(kNeighbors)) params.find(p.name).grad().setConstant(kGuard);
    values_.assign(params.values().begin(), params.values().end());
    grads_.assign(params.grads().begin(), params.grads().end());
  }

  // Returns "the value of query.weight" or "2 numbers after the gradient of query.bias".
  std::string written() const {
    const std::vector<ParamInfo>& infos = params_.infos();
    for (std::size_t i = 0; i < infos.size(); ++i) {
      const ParamInfo& p = infos[i];
      const Index size = p.rows * p.cols, end = p.offset + size,
                  next = i + 1 < infos.size() ? infos[i + 1].offset : params_.size();
      const bool others = p.name.starts_with(kNeighbors);
      if (!same_bytes(&params_.values()[at(p.offset)], &values_[at(p.offset)], size))
        return "the value of " + p.name;
      if (others && changed(p.offset, end) > 0)
        return i == 0 ? "the memory before the gradients of its parameters"
                      : "the memory after the gradients of its parameters";
      if (const Index n = changed(end, next))
        return fmt::format("{} number{} after the gradient of {}", n, n == 1 ? "" : "s", p.name);
    }
    return {};
  }

 private:
  static std::size_t at(Index i) { return static_cast<std::size_t>(i); }
  Index changed(Index begin, Index end) const {
    Index n = 0;
    for (Index i = begin; i < end; ++i) n += !same_bytes(&params_.grads()[at(i)], &grads_[at(i)], 1);
    return n;
  }

  Params<double>& params_;
  std::vector<double> values_, grads_;
};

// A variant whose tensors and parameters are guarded. `around`: the value in the guard rows of inputs.
class GuardedBench {
 public:
  GuardedBench(const Subject& subject, Setup setup, double around)
      : bench_(subject.info, subject.options, with_neighbors(setup)),
        x_("x", bench_.x, around),
        context_("the context", bench_.context, around),
        dy_("dy", bench_.upstream, around),
        y_("y", bench_.y, kGuard),
        dx_("dx", bench_.dx, kGuard),
        dcontext_("dcontext", bench_.dcontext, kGuard),
        parameters_(bench_.params) {}

  // Runs a pass. Returns an empty string, or "backward writes to 1 row after the end of dx".
  std::string run() {
    const Index batch = bench_.setup.batch;
    const bool cross = bench_.setup.cross;
    bench_.layer->forward(bench_.step, x_.seq(batch), (cross ? context_ : x_).seq(batch), y_.seq(batch));
    if (const std::string what = written(); !what.empty()) return "forward writes to " + what;
    bench_.layer->backward(bench_.step, dy_.seq(batch), dx_.seq(batch), (cross ? dcontext_ : dx_).seq(batch));
    if (const std::string what = written(); !what.empty()) return "backward writes to " + what;
    bench_.y = y_.tensor(), bench_.dx = dx_.tensor(), bench_.dcontext = dcontext_.tensor();
    return {};
  }

  std::string not_finite() const { return check::not_finite(outcome_of(bench_)); }

 private:
  static Setup with_neighbors(Setup setup) {
    setup.neighbors = true;
    return setup;
  }

  std::string written() const {
    for (const Guarded* g : {&y_, &dx_, &dcontext_})
      if (std::string what = g->written_outside(); !what.empty()) return what;
    for (const Guarded* g : {&x_, &context_, &dy_})
      if (std::string what = g->written(); !what.empty()) return what;
    return parameters_.written();
  }

  Bench<double> bench_;
  Guarded x_, context_, dy_, y_, dx_, dcontext_;
  GuardedParameters parameters_;
};

const char* const kWriting =
    "That memory belongs to other tensors. Look for a length or a width of another tensor, "
    "and for a last block that is not full.";
const char* const kReading =
    "It is finite with ones around them and not with NaN. In a model, that memory contains other numbers.";

}  // namespace

Finding bounds(const Subject& subject, const Setup& setup) {
  GuardedBench ones(subject, setup, 1);
  if (const std::string fault = ones.run(); !fault.empty()) return {fault, 0, kWriting};
  if (!ones.not_finite().empty()) return {};  // other checks report the cause
  GuardedBench nans(subject, setup, NAN);
  nans.run();
  if (const std::string what = nans.not_finite(); !what.empty())
    return {what + " depends on memory outside x, the context and dy", 0, kReading};
  return {};
}

}  // namespace heed::check
