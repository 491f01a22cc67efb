#include "experiments/train/direction_probes.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "experiments/directions/theory.h"
#include "experiments/directions/vector_angles.h"
#include "experiments/train/probe_batch.h"
#include "experiments/train/probes.h"
#include "experiments/trial/metrics.h"

namespace heed {
namespace {

using directions::PairAngles;
using directions::TokenSimilarity;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr Index kMostRows = 2048;  // of a parameter; as many as there are probed positions

void add_pair_angles(results::Record& record, const std::string& what, const PairAngles& angles) {
  record.metrics.push_back(measured(what + "_cosine", angles.cosine));
  record.metrics.push_back(measured(what + "_orthogonal", angles.orthogonal));
}

// Returns the means over all parameters of this last name, each by its first rows.
PairAngles angles_of(const Params<float>& params, const std::string& name) {
  PairAngles sum{0, 0};
  double n = 0;
  for (const ParamInfo& p : params.infos()) {
    if (p.name != name && !p.name.ends_with("." + name)) continue;
    const PairAngles angles = directions::pair_angles(
        const_mat(params.values().data() + p.offset, std::min(p.rows, kMostRows), p.cols));
    sum.cosine += angles.cosine, sum.orthogonal += angles.orthogonal, ++n;
  }
  return n > 0 ? PairAngles{sum.cosine / n, sum.orthogonal / n} : PairAngles{kNaN, kNaN};
}

PairAngles random_angles(Index dim) {
  return {directions::mean_random_cosine(dim),
          dim > 1 ? directions::random_pair_fits({dim, directions::kNearlyOrthogonal}) : 0};
}

// The residual stream at all positions of the probe sequences.
struct ResidualStream {
  struct Place {
    Index sequence, position;
  };
  std::vector<Matrix<float>> vectors;  // (position of any sequence, dim): before the first block, after each
  std::vector<Token> tokens;
  std::vector<Place> places;
};

ResidualStream read_residual(const ProbeBatch& probe, Model<float>& model, Index dim, int threads) {
  ResidualStream out;
  const Batch all = probe.batch();
  for (Index s = 0; s < all.batch; ++s)
    for (Index t = 0; t < all.input.length(s); ++t) {
      out.tokens.push_back(all.input.tokens[static_cast<std::size_t>(s * all.input.time + t)]);
      out.places.push_back({s, t});
    }
  out.vectors.assign(static_cast<std::size_t>(model.blocks()) + 1,
                     Matrix<float>(std::ssize(out.tokens), dim));
  Step<float> step(threads, false);
  Index from = 0;
  for (Index s = 0; s < all.batch; ++s) {
    const Index length = all.input.length(s);
    model.probe(step, all.part(s, 1), [&](Model<float>& m) {
      for (std::size_t i = 0; i < out.vectors.size(); ++i)  // a class token precedes the tokens
        out.vectors[i].middleRows(from, length) = m.residual()[i].at(0).bottomRows(length);
    });
    from += length;
  }
  return out;
}

// Returns true if a causal model, or one that is not, sees the same at two places with the same token.
bool see_the_same(const Batch& all, bool causal, ResidualStream::Place a, ResidualStream::Place b) {
  const auto seen = [&](ResidualStream::Place p) {
    return all.input.tokens.subspan(
        static_cast<std::size_t>(p.sequence * all.input.time),
        static_cast<std::size_t>(causal ? p.position + 1 : all.input.length(p.sequence)));
  };
  const auto source = [&](ResidualStream::Place p) {
    return all.source.tokens.subspan(static_cast<std::size_t>(p.sequence * all.source.time),
                                     static_cast<std::size_t>(all.source.length(p.sequence)));
  };
  return a.position == b.position && std::ranges::equal(seen(a), seen(b)) &&
         (all.source.time == 0 || std::ranges::equal(source(a), source(b)));
}

// The measures of the residual stream: a value before the first block and after each. The metric is the last.
struct ResidualMeasure {
  std::string metric;
  std::vector<double> values;
};

std::vector<ResidualMeasure> residual_measures() {
  return {{"residual_cosine", {}},
          {"residual_orthogonal", {}},
          {"residual_same_token_cosine", {}},
          {"residual_different_tokens_cosine", {}}};
}

std::vector<ResidualMeasure> measure_residual(const ProbeBatch& probe, const ResidualStream& stream,
                                              bool causal) {
  std::vector<ResidualMeasure> out = residual_measures();
  const Batch all = probe.batch();
  for (const Matrix<float>& m : stream.vectors) {
    const ConstMat<float> vectors = const_mat(m.data(), m.rows(), m.cols());
    const PairAngles angles = directions::pair_angles(vectors);
    const TokenSimilarity tokens =
        directions::token_similarity(vectors, stream.tokens, [&](Index i, Index j) {
          return see_the_same(all, causal, stream.places[static_cast<std::size_t>(i)],
                              stream.places[static_cast<std::size_t>(j)]);
        });
    const double values[] = {angles.cosine, angles.orthogonal, tokens.same, tokens.different};
    for (std::size_t i = 0; i < out.size(); ++i) out[i].values.push_back(values[i]);
  }
  return out;
}

void add_residual(results::Record& record, std::vector<ResidualMeasure> measures) {
  for (ResidualMeasure& m : measures) {
    record.metrics.push_back(measured(m.metric, m.values.empty() ? kNaN : m.values.back()));
    if (m.values.empty()) continue;
    const MetricInfo* info = find_metric(m.metric);
    record.arrays.push_back({"probes",
                             m.metric,
                             {m.values.size()},
                             {"residual"},
                             std::move(m.values),
                             info->unit,
                             info->description + ", and before: at 0 the input of the first block"});
  }
}

}  // namespace

void add_direction_probes(results::Record& record, Model<float>& model, const Params<float>& params,
                          const Task& task, Index dim, int threads) {
  add_pair_angles(record, "embedding", angles_of(params, "embedding"));
  add_pair_angles(record, "key_token", angles_of(params, "key_tokens"));
  add_pair_angles(record, "random", random_angles(dim));
  const TaskShape shape = task.shape();
  const Index time = std::max(shape.input.length, shape.source.length);
  if (time > kLongestProbed || !ProbeBatch::can_probe(shape))
    return add_residual(record, residual_measures());
  const ProbeBatch probe(task, probe_sequences(time));
  const ResidualStream stream = read_residual(probe, model, dim, threads);
  add_residual(record, measure_residual(probe, stream, shape.model != ModelType::encoder));
}

void add_no_direction_probes(results::Record& record) {
  for (const char* what : {"embedding", "key_token", "random"}) add_pair_angles(record, what, {kNaN, kNaN});
  add_residual(record, residual_measures());
}

}  // namespace heed
