#include "experiments/train/save.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "experiments/train/probe_batch.h"

namespace heed {
namespace {

constexpr Index kMostNumbers = Index{1} << 22;  // 16 MiB of attention weights, and as much of logits

struct Place {
  AttentionPlace place;
  const char *weights, *layer, *head, *query, *key, *doc;
};
constexpr std::array<Place, 3> kPlaces = {
    {{AttentionPlace::self, "weights", "layer", "head", "query", "key",
      "attention weights of the probe sequences; NaN for a layer without weights, and behind their end"},
     {AttentionPlace::encoder, "encoder_weights", "encoder_layer", "encoder_head", "source_query",
      "source_key", "the same of the encoder's attention"},
     {AttentionPlace::cross, "cross_weights", "cross_layer", "cross_head", "query", "source_key",
      "the same of cross-attention: queries of the input, keys of the source"}}};

// What one place shows of each example.
struct Extent {
  Index layers = 0, heads = 0, queries = 0, keys = 0;
  Index size() const { return layers * heads * queries * keys; }
};

Extent extent_of(Model<float>& model, AttentionPlace place, const TaskShape& shape) {
  Extent e{.layers = model.blocks(place)};
  for (Index l = 0; l < e.layers; ++l) e.heads = std::max(e.heads, model.attention(l, place).weight_heads());
  e.queries = place == AttentionPlace::encoder ? shape.source.length : shape.input.length;
  e.keys = place == AttentionPlace::self ? shape.input.length : shape.source.length;
  return e;
}

// Adds the arrays of a probe to a record.
class Saved {
 public:
  Saved(results::Record& record, const ProbeBatch& probe) : record_(record), probe_(probe) {}

  void add(const char* group, const char* name, std::initializer_list<Index> sizes,
           std::vector<std::string> dims, results::Numbers values, const char* doc) {
    record_.arrays.push_back(
        {group, name, {sizes.begin(), sizes.end()}, std::move(dims), std::move(values), "1", doc});
  }

  void add_examples(const char* group, Labels labeled) {
    const auto whole = [](std::span<const Token> all) {
      return std::vector<std::int64_t>(all.begin(), all.end());
    };
    const Index n = probe_.sequences(), time = probe_.time();
    const std::vector<std::string> dims = {"sequence", "position"};
    add(group, "tokens", {n, time}, dims, whole(probe_.tokens()),
        probe_.split() == Split::test ? "first sequences of the test split"
                                      : "first sequences of the validation split");
    if (labeled == Labels::per_sequence)
      add(group, "labels", {n}, {"sequence"}, whole(probe_.labels()), "what each sequence must predict");
    else
      add(group, "labels", {n, time}, dims, whole(probe_.labels()),
          "what each position must predict; -100 if it is not scored");
    if (probe_.source_time() > 0)
      add(group, "source", {n, probe_.source_time()}, {"sequence", "source_position"}, whole(probe_.source()),
          "what the encoder reads");
  }

 private:
  results::Record& record_;
  const ProbeBatch& probe_;
};

// Computes logits at every position, also at unscored ones, so that a reader who rebuilds the model can
// compare all of them.
void add_logits(Saved& saved, Model<float>& model, Step<float>& step, const ProbeBatch& probe,
                const TaskShape& shape) {
  const Index n = probe.sequences(), time = probe.time();
  Batch batch = probe.batch();
  const bool one_label = shape.labels == Labels::per_sequence;
  const std::vector<Token> everywhere(one_label ? static_cast<std::size_t>(n) : probe.tokens().size(), 0);
  std::vector<float> logits(everywhere.size() * static_cast<std::size_t>(shape.classes));
  batch.labels = everywhere;
  model.evaluate(step, batch, {}, logits);
  if (one_label)
    return saved.add("probe", "logits", {n, shape.classes}, {"sequence", "token"}, std::move(logits),
                     "logits of the probe sequences");
  // Inserts rows for padding in place, the last sequence first, because a copy would take 16 MiB.
  Index packed = 0;
  for (Index b = 0; b < n; ++b) packed += batch.input.length(b) * shape.classes;
  for (Index b = n; b-- > 0;) {
    const Index count = batch.input.length(b) * shape.classes;
    const auto from = logits.begin() + (packed -= count), to = logits.begin() + b * time * shape.classes;
    std::copy_backward(from, from + count, to + count);
    std::fill(to + count, to + time * shape.classes, std::numeric_limits<float>::quiet_NaN());
  }
  saved.add("probe", "logits", {n, time, shape.classes}, {"sequence", "position", "token"}, std::move(logits),
            "logits of the probe sequences, at every position; NaN behind their end");
}

void add_weights(Saved& saved, Model<float>& model, Step<float>& step, const ProbeBatch& probe,
                 const Place& at, const Extent& e) {
  if (e.size() == 0) return;
  const Index n = probe.sequences();
  const Batch batch = probe.batch();
  const auto length = [&](const SequenceBatch& stream, Index b) { return stream.length(b); };
  std::vector<float> weights(static_cast<std::size_t>(n * e.size()), std::numeric_limits<float>::quiet_NaN());
  model.probe(step, batch, [&](Model<float>& m) {
    for (Index b = 0; b < n; ++b) {
      const Index queries = length(at.place == AttentionPlace::encoder ? batch.source : batch.input, b),
                  keys = length(at.place == AttentionPlace::self ? batch.input : batch.source, b);
      for (Index l = 0; l < e.layers; ++l)
        for (Index h = 0; h < m.attention(l, at.place).weight_heads(); ++h)
          m.attention(l, at.place)
              .weights(step, b, h,
                       Mat<float>(weights.data() + ((b * e.layers + l) * e.heads + h) * e.queries * e.keys,
                                  queries, keys, Eigen::OuterStride<>(e.keys)));
    }
  });
  saved.add("attention", at.weights, {n, e.layers, e.heads, e.queries, e.keys},
            {"sequence", at.layer, at.head, at.query, at.key}, std::move(weights), at.doc);
}

}  // namespace

void save_weights(results::Record& record, const Params<float>& params) {
  for (const ParamInfo& p : params.infos()) {
    const auto values = params.values().subspan(static_cast<std::size_t>(p.offset),
                                                static_cast<std::size_t>(p.rows * p.cols));
    record.arrays.push_back({"weights",
                             p.name,
                             {static_cast<std::size_t>(p.rows), static_cast<std::size_t>(p.cols)},
                             {},
                             std::vector<float>(values.begin(), values.end()),
                             "1",
                             p.role == Role::fixed ? "saved, not trained" : "trained"});
  }
}

void save_probe(results::Record& record, Model<float>& model, const Task& task, const TrialConfig& trial,
                int threads) {
  const TaskShape shape = task.shape();
  if (!ProbeBatch::can_probe(shape)) throw Error("save.attention and save.logits need a task of tokens.");
  const Index time = shape.input.length;
  std::array<Extent, kPlaces.size()> extents;
  Index weights = 0;  // of one example
  for (std::size_t i = 0; i < extents.size(); ++i) {
    extents[i] = extent_of(model, kPlaces[i].place, shape);
    weights += extents[i].size();
  }
  // Few enough that weights and logits are below their limits, but at least one.
  const Index largest =
      std::max({trial.save.attention ? weights : 1, trial.save.logits ? time * shape.classes : 1, Index{1}});
  const Index affordable = std::max<Index>(1, kMostNumbers / largest);
  const ProbeBatch probe(task, std::min(probe_sequences(std::max(time, shape.source.length)), affordable));
  Saved saved(record, probe);
  Step<float> step(threads, false);
  if (trial.save.logits) {
    saved.add_examples("probe", shape.labels);
    add_logits(saved, model, step, probe, shape);
  }
  if (!trial.save.attention || weights == 0) return;
  saved.add_examples("attention", shape.labels);
  for (std::size_t i = 0; i < extents.size(); ++i)
    add_weights(saved, model, step, probe, kPlaces[i], extents[i]);
}

}  // namespace heed
