#include "experiments/train/probes.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/attention_measures.h"
#include "experiments/train/probe_batch.h"
#include "experiments/trial/metrics.h"

namespace heed {
namespace {

// The mean of the added values, or NaN if there are none.
class Mean {
 public:
  void add(double x) { sum_ += x, ++n_; }
  void add(const std::optional<double>& x) {
    if (x) add(*x);
  }
  bool empty() const { return n_ == 0; }
  double value() const {
    return n_ ? sum_ / static_cast<double>(n_) : std::numeric_limits<double>::quiet_NaN();
  }

 private:
  double sum_ = 0;
  Index n_ = 0;
};

using Means = std::array<Mean, kHeadMeasures.size()>;  // of one head, in the order of kHeadMeasures

// The relevance of each position to each scored query.
struct ScoredRow {
  Index query;
  std::vector<Relevance> keys;
};

std::vector<ScoredRow> scored_rows(const Task& task, const Batch& sequence) {
  std::vector<ScoredRow> rows;
  const std::size_t time = static_cast<std::size_t>(sequence.input.length(0));
  const std::span<const Token> tokens = sequence.input.tokens.first(time),
                               labels = sequence.labels.first(time);
  for (std::size_t i = 0; i < time; ++i) {
    if (labels[i] == kUnscored) continue;
    rows.push_back({static_cast<Index>(i), std::vector<Relevance>(time)});
    task.relevance(tokens, labels, static_cast<Index>(i), rows.back().keys);
  }
  return rows;
}

std::span<const float> row_of(const Matrix<float>& map, const ScoredRow& scored) {
  return {map.data() + scored.query * map.cols(), scored.keys.size()};
}

void measure(const Matrix<float>& map, std::span<const ScoredRow> rows, bool ranked, Means& means) {
  auto& [entropy, on_answer, on_distractors, on_first, rank, negative, divergence] = means;
  for (const ScoredRow& scored : rows) {
    const std::optional<RowMeasures> row = measure_row(row_of(map, scored), scored.keys);
    if (!row) continue;
    entropy.add(row->entropy), on_first.add(row->on_first), negative.add(row->negative);
    on_answer.add(row->on_answer), on_distractors.add(row->on_distractors);
  }
  if (ranked) rank.add(effective_rank(const_mat(map.data(), map.rows(), map.cols())));
}

// Adds the divergence of each head from every other head of its layer. Heads without weights have empty maps.
void compare_heads(std::span<const Matrix<float>> maps, std::span<const ScoredRow> rows,
                   std::span<Means> means) {
  for (std::size_t g = 0; g < maps.size(); ++g)
    for (std::size_t h = g + 1; h < maps.size(); ++h) {
      if (maps[g].size() == 0 || maps[h].size() == 0) continue;
      for (const ScoredRow& scored : rows) {
        const std::optional<double> d = row_divergence(row_of(maps[g], scored), row_of(maps[h], scored));
        means[g].back().add(d), means[h].back().add(d);
      }
    }
}

// Measures the heads of a layer on one sequence. Returns false if it has no weights to measure.
bool measure_layer(Layer<float>& attention, Step<float>& step, std::span<const ScoredRow> rows, Index time,
                   bool ranked, std::span<Means> means) {
  std::vector<Matrix<float>> maps(static_cast<std::size_t>(attention.weight_heads()));
  bool any = false;
  for (std::size_t h = 0; h < maps.size(); ++h) {
    Matrix<float> map(time, time);
    if (!attention.weights(step, 0, static_cast<Index>(h), mat(map.data(), time, time))) continue;
    any = true;
    measure(map, rows, ranked, means[h]);
    if (time <= kLongestCompared) maps[h] = std::move(map);
  }
  compare_heads(maps, rows, means);
  return any;
}

void record_probes(results::Record& record, std::span<const Means> means, Index layers, Index heads) {
  for (std::size_t m = 0; m < kHeadMeasures.size(); ++m) {
    const HeadMeasure& measure = kHeadMeasures[m];
    Mean all;
    std::vector<double> each;
    for (const Means& of_head : means) {
      each.push_back(of_head[m].value());
      if (!of_head[m].empty()) all.add(each.back());
    }
    record.metrics.push_back(measured(std::string("attention_") + measure.name, all.value()));
    if (means.empty()) continue;
    record.arrays.push_back({"probes",
                             measure.name,
                             {static_cast<std::size_t>(layers), static_cast<std::size_t>(heads)},
                             {"layer", "head"},
                             std::move(each),
                             measure.unit,
                             std::string(measure.description) + "; NaN for a layer without weights"});
  }
}

}  // namespace

void add_probes(results::Record& record, Model<float>& model, const Task& task, int threads) {
  const TaskShape shape = task.shape();
  const Index time = shape.input.length, layers = model.blocks();
  Index heads = 0;
  for (Index l = 0; l < layers; ++l) heads = std::max(heads, model.attention(l).weight_heads());
  if (heads == 0 || time > kLongestProbed || !ProbeBatch::can_probe(shape)) return add_no_probes(record);

  const ProbeBatch probe(task, probe_sequences(time));
  const Index ranked = time > kLongestRanked ? 0 : std::clamp<Index>(256 / time, 1, 4);
  std::vector<Means> means(static_cast<std::size_t>(layers * heads));
  bool any = false;
  Step<float> step(threads, false);
  for (Index s = 0; s < probe.sequences(); ++s) {
    const Batch sequence = probe.batch().part(s, 1);
    const std::vector<ScoredRow> rows = scored_rows(task, sequence);
    model.probe(step, sequence, [&](Model<float>& m) {
      for (Index l = 0; l < layers; ++l)
        any |= measure_layer(m.attention(l), step, rows, sequence.input.length(0), s < ranked,
                             std::span(means).subspan(static_cast<std::size_t>(l * heads)));
    });
  }
  if (!any) return add_no_probes(record);
  record_probes(record, means, layers, heads);
}

void add_no_probes(results::Record& record) { record_probes(record, {}, 0, 0); }

}  // namespace heed
