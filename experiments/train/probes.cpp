#include "experiments/train/probes.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/attention_measures.h"
#include "core/label_relevance.h"
#include "core/task_traits.h"
#include "experiments/train/probe_batch.h"
#include "experiments/trial/metrics.h"
#include "experiments/trial/task_of.h"

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

// A query whose weights are measured, and the relevance of each key to it.
struct MeasuredRow {
  Index query;
  std::vector<Relevance> keys;
};

// Queries of scored positions. relevance(query, keys) writes the relevance of the keys.
template <class Write>
std::vector<MeasuredRow> scored_rows(const Batch& example, Index keys, Write&& relevance) {
  std::vector<MeasuredRow> rows;
  for (Index i = 0; i < example.input.length(0); ++i) {
    if (example.labels[static_cast<std::size_t>(i)] == kUnscored) continue;
    rows.push_back({i, std::vector<Relevance>(static_cast<std::size_t>(keys))});
    relevance(i, std::span(rows.back().keys));
  }
  return rows;
}

// All queries: every output of an encoder is used.
std::vector<MeasuredRow> all_rows(Index time) {
  std::vector<MeasuredRow> rows;
  for (Index i = 0; i < time; ++i)
    rows.push_back({i, std::vector<Relevance>(static_cast<std::size_t>(time), Relevance::none)});
  return rows;
}

// All queries, of a sequence with one label. A query of a decoder sees no later key.
std::vector<MeasuredRow> rows_for_label(const Task& task, Split split, std::uint64_t index, Index time) {
  std::vector<MeasuredRow> rows = all_rows(time);
  const LabelRelevanceTraits* marks = label_relevance_of(own_task(task));
  if (!marks) return rows;
  std::vector<Relevance> keys(static_cast<std::size_t>(time));
  marks->label_relevance(split, index, keys);
  const bool causal = task.shape().model == ModelType::decoder;
  for (MeasuredRow& row : rows) std::copy_n(keys.begin(), causal ? row.query + 1 : time, row.keys.begin());
  return rows;
}

// index: of the example in its split
std::vector<MeasuredRow> rows_of(AttentionPlace place, const Task& task, Split split, std::uint64_t index,
                                 const Batch& example) {
  const Index time = example.input.length(0), source_time = example.source.length(0);
  if (place == AttentionPlace::encoder) return all_rows(source_time);
  if (example.labeled == Labels::per_sequence) return rows_for_label(task, split, index, time);
  const std::span<const Token> tokens = example.input.tokens.first(static_cast<std::size_t>(time)),
                               labels = example.labels.first(static_cast<std::size_t>(time));
  if (place == AttentionPlace::self)
    return scored_rows(example, time, [&](Index query, std::span<Relevance> keys) {
      task.relevance(tokens, labels, query, keys);
    });
  // A task reads examples in the spans that it fills.
  std::vector<Token> of_source(example.source.tokens.begin(), example.source.tokens.end()),
      of_input(example.input.tokens.begin(), example.input.tokens.end()),
      of_labels(example.labels.begin(), example.labels.end());
  const Example filled{
      {.tokens = of_input, .length = time}, of_labels, {.tokens = of_source, .length = source_time}};
  const auto* marks = dynamic_cast<const SourceTraits*>(&task);
  return scored_rows(example, source_time, [&](Index query, std::span<Relevance> keys) {
    std::ranges::fill(keys, Relevance::none);
    if (marks) marks->source_relevance(filled, query, keys);
  });
}

std::span<const float> row_of(const Matrix<float>& map, const MeasuredRow& scored) {
  return {map.data() + scored.query * map.cols(), scored.keys.size()};
}

void measure(const Matrix<float>& map, std::span<const MeasuredRow> rows, bool ranked, Means& means) {
  auto& [entropy, on_answer, on_distractors, on_first, rank, negative, divergence] = means;
  for (const MeasuredRow& scored : rows) {
    const std::optional<RowMeasures> row = measure_row(row_of(map, scored), scored.keys);
    if (!row) continue;
    entropy.add(row->entropy), on_first.add(row->on_first), negative.add(row->negative);
    on_answer.add(row->on_answer), on_distractors.add(row->on_distractors);
  }
  if (ranked) rank.add(effective_rank(const_mat(map.data(), map.rows(), map.cols())));
}

// Adds the divergence of each head from every other head of its layer. Heads without weights have empty maps.
void compare_heads(std::span<const Matrix<float>> maps, std::span<const MeasuredRow> rows,
                   std::span<Means> means) {
  for (std::size_t g = 0; g < maps.size(); ++g)
    for (std::size_t h = g + 1; h < maps.size(); ++h) {
      if (maps[g].size() == 0 || maps[h].size() == 0) continue;
      for (const MeasuredRow& scored : rows) {
        const std::optional<double> d = row_divergence(row_of(maps[g], scored), row_of(maps[h], scored));
        means[g].back().add(d), means[h].back().add(d);
      }
    }
}

// Measures the heads of a layer on one example. Returns false if it has no weights to measure.
bool measure_layer(Layer<float>& attention, Step<float>& step, std::span<const MeasuredRow> rows,
                   Index queries, Index keys, bool ranked, std::span<Means> means) {
  if (queries == 0 || keys == 0) return false;
  std::vector<Matrix<float>> maps(static_cast<std::size_t>(attention.weight_heads()));
  bool any = false;
  for (std::size_t h = 0; h < maps.size(); ++h) {
    Matrix<float> map(queries, keys);
    if (!attention.weights(step, 0, static_cast<Index>(h), mat(map.data(), queries, keys))) continue;
    any = true;
    measure(map, rows, ranked, means[h]);
    if (std::max(queries, keys) <= kLongestCompared) maps[h] = std::move(map);
  }
  compare_heads(maps, rows, means);
  return any;
}

// The attention in one place of a model, and what is measured of it.
struct Probed {
  AttentionPlace place;
  Index layers, heads;
  std::vector<Means> means;  // (layer, head)
  bool any = false;          // has a layer shown weights?
};

std::vector<Probed> probed_places(Model<float>& model) {
  std::vector<Probed> out;
  for (const AttentionPlace place : {AttentionPlace::self, AttentionPlace::encoder, AttentionPlace::cross}) {
    const Index layers = model.blocks(place);
    Index heads = 0;
    for (Index l = 0; l < layers; ++l) heads = std::max(heads, model.attention(l, place).weight_heads());
    if (place == AttentionPlace::self || layers > 0)
      out.push_back({place, layers, heads, std::vector<Means>(static_cast<std::size_t>(layers * heads))});
  }
  return out;
}

// Measures the latest pass of the model on one example.
void measure_place(Probed& probed, Step<float>& step, Model<float>& model, std::span<const MeasuredRow> rows,
                   Index queries, Index keys, bool ranked) {
  for (Index l = 0; l < probed.layers; ++l)
    probed.any |= measure_layer(model.attention(l, probed.place), step, rows, queries, keys, ranked,
                                std::span(probed.means).subspan(static_cast<std::size_t>(l * probed.heads)));
}

void record_probes(results::Record& record, const Probed& probed) {
  const std::string prefix = kAttentionPrefixes[static_cast<std::size_t>(probed.place)],
                    own = probed.place == AttentionPlace::self      ? ""
                          : probed.place == AttentionPlace::encoder ? "encoder_"
                                                                    : "cross_";
  for (std::size_t m = 0; m < kHeadMeasures.size(); ++m) {
    const HeadMeasure& measure = kHeadMeasures[m];
    Mean all;
    std::vector<double> each;
    for (const Means& of_head : probed.means) {
      each.push_back(of_head[m].value());
      if (!of_head[m].empty()) all.add(each.back());
    }
    record.metrics.push_back(measured(prefix + measure.name, all.value()));
    if (!probed.any) continue;
    record.arrays.push_back(
        {"probes",
         own.empty() ? measure.name : prefix + measure.name,
         {static_cast<std::size_t>(probed.layers), static_cast<std::size_t>(probed.heads)},
         {own + "layer", own + "head"},
         std::move(each),
         measure.unit,
         std::string(measure.description) + "; NaN for a layer without weights"});
  }
}

}  // namespace

void add_probes(results::Record& record, Model<float>& model, const Task& task, int threads) {
  const TaskShape shape = task.shape();
  const Index time = std::max(shape.input.length, shape.source.length);
  std::vector<Probed> places = probed_places(model);
  const bool has_weights = std::ranges::any_of(places, [](const Probed& p) { return p.heads > 0; });
  if (!has_weights || time > kLongestProbed ||
      !(ProbeBatch::can_probe(shape) || label_relevance_of(own_task(task))))
    return add_no_probes(record);

  const ProbeBatch probe(task, probe_sequences(time));
  const Index ranked = time > kLongestRanked ? 0 : std::clamp<Index>(256 / time, 1, 4);
  Step<float> step(threads, false);
  for (Index s = 0; s < probe.sequences(); ++s) {
    const Batch example = probe.batch().part(s, 1);
    const Index own = example.input.length(0), source = example.source.length(0);
    model.probe(step, example, [&](Model<float>& m) {
      for (Probed& p : places)
        measure_place(p, step, m,
                      rows_of(p.place, task, probe.split(), static_cast<std::uint64_t>(s), example),
                      p.place == AttentionPlace::encoder ? source : own,
                      p.place == AttentionPlace::self ? own : source, s < ranked);
    });
  }
  for (const Probed& p : places) record_probes(record, p);
}

void add_no_probes(results::Record& record) { record_probes(record, {AttentionPlace::self, 0, 0, {}}); }

}  // namespace heed
