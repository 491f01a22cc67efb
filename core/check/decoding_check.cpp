#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "core/check/checks.h"
#include "core/check/outcome.h"

namespace heed::check {
namespace {

// The context of the bench. In cross-attention each sequence has one position less than the one before it,
// down to one.
class Contexts {
 public:
  explicit Contexts(Bench<double>& bench) : context_(bench.tensors().context) {
    const Setup& s = bench.setup;
    if (!s.cross) return;
    for (Index b = 0; b < s.batch; ++b)
      starts_.push_back(starts_.back() + std::max<Index>(s.context_time - b, 1));
    context_.starts = starts_.data();
  }
  Seq<const double> operator()() const { return context_; }

 private:
  Seq<const double> context_;
  std::vector<Index> starts_ = {0};
};

Matrix<double> of_one_pass(Bench<double>& bench, const Contexts& contexts) {
  bench.step.rewind();
  const Tensors<double> t = bench.tensors();
  bench.layer->forward(bench.step, t.x, contexts(), t.y);
  return bench.y;
}

// The output of the bench's layer, computed token by token.
Matrix<double> decoded(Bench<double>& bench, const Contexts& contexts) {
  const Setup& s = bench.setup;
  bench.step.rewind();
  const auto decoder = s.cross ? bench.layer->context_decoder(bench.step, contexts(), s.time)
                               : bench.layer->decoder(s.batch, s.time);
  bench.step.rewind();
  Matrix<double> y(s.batch * s.time, s.dim), x_t(s.batch, s.dim), y_t(s.batch, s.dim);
  for (Index t = 0; t < s.time; ++t) {
    for (Index b = 0; b < s.batch; ++b) x_t.row(b) = bench.x.row(b * s.time + t);
    y_t.setConstant(NAN);
    decoder->next(bench.step, Seq<const double>{x_t.data(), s.batch, 1, s.dim},
                  Seq<double>{y_t.data(), s.batch, 1, s.dim});
    bench.step.rewind();
    for (Index b = 0; b < s.batch; ++b) y.row(b * s.time + t) = y_t.row(b);
  }
  return y;
}

}  // namespace

Finding decoding(const Subject& subject, const Setup& setup) {
  Bench<double> bench(subject.info, subject.options, setup);
  const Contexts contexts(bench);
  const Matrix<double> wanted = of_one_pass(bench, contexts), found = decoded(bench, contexts);
  const double scale = std::max(wanted.cwiseAbs().maxCoeff(), 1e-300);
  double worst = 0;
  for (Index t = 0; t < setup.time; ++t)
    for (Index b = 0; b < setup.batch; ++b) {
      const Index row = b * setup.time + t;
      const double error = (found.row(row) - wanted.row(row)).cwiseAbs().maxCoeff() / scale;
      if (!(error < 1e-10))
        return {fmt::format("position {} of sequence {} differs by {:.3g} relative when tokens come one by "
                            "one",
                            t, b, error),
                error,
                t == 0 ? "The first token differs already: look at what decoding starts with."
                       : "The tokens before it agree: look at what is kept of them, and at indices that "
                         "count from the first query."};
      worst = std::max(worst, error);
    }
  if (!same_bits(decoded(bench, contexts), found))
    return {"a second decoder does not give the same as the first: something of it is kept in the layer"};
  return {{}, worst};
}

}  // namespace heed::check
