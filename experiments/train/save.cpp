#include "experiments/train/save.h"

#include <algorithm>
#include <initializer_list>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "experiments/train/probe_batch.h"

namespace heed {

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
  if (!ProbeBatch::can_probe(shape))
    throw Error(
        "save.attention and save.logits need a task of one stream of tokens with a label at each position.");
  const Index time = shape.input.length, layers = trial.model.layers;
  // Few enough that the weights of all layers and heads stay below 16 MiB, and the logits too, but at least
  // one.
  const Index largest = std::max(trial.save.attention ? layers * trial.model.heads * time * time : 1,
                                 trial.save.logits ? time * shape.classes : 1);
  const Index affordable = std::max<Index>(1, (Index{1} << 22) / largest);
  const ProbeBatch probe(task, std::min(probe_sequences(time), affordable));
  const Index n = probe.sequences();
  const auto extents = [](std::initializer_list<Index> all) {
    return std::vector<std::size_t>(all.begin(), all.end());
  };
  const auto whole = [](std::span<const Token> all) {
    return std::vector<std::int64_t>(all.begin(), all.end());
  };
  const auto add = [&](const char* group, const char* name, std::vector<std::size_t> sizes,
                       std::vector<std::string> dims, results::Numbers values, const char* doc) {
    record.arrays.push_back({group, name, std::move(sizes), std::move(dims), std::move(values), "1", doc});
  };
  const auto add_sequences = [&](const char* group) {
    add(group, "tokens", extents({n, time}), {"sequence", "position"}, whole(probe.tokens()),
        probe.split() == Split::test ? "first sequences of the test split"
                                     : "first sequences of the validation split");
    add(group, "labels", extents({n, time}), {"sequence", "position"}, whole(probe.labels()),
        "what each position must predict; -100 if it is not scored");
  };

  Step<float> step(threads, false);
  if (trial.save.logits) {
    add_sequences("probe");
    // Computes logits at every position, also at unscored ones, so that a reader who rebuilds the model can
    // compare all of them.
    const std::vector<Token> everywhere(probe.tokens().size(), 0);
    std::vector<float> logits(probe.tokens().size() * static_cast<std::size_t>(shape.classes));
    Batch batch = probe.batch();
    batch.labels = everywhere;
    model.evaluate(step, batch, {}, logits);
    // Inserts rows for padding in place, the last sequence first, because a copy would take 16 MiB.
    Index packed = 0;
    for (Index b = 0; b < n; ++b) packed += batch.input.length(b) * shape.classes;
    for (Index b = n; b-- > 0;) {
      const Index count = batch.input.length(b) * shape.classes;
      const auto from = logits.begin() + (packed -= count), to = logits.begin() + b * time * shape.classes;
      std::copy_backward(from, from + count, to + count);
      std::fill(to + count, to + time * shape.classes, std::numeric_limits<float>::quiet_NaN());
    }
    add("probe", "logits", extents({n, time, shape.classes}), {"sequence", "position", "token"},
        std::move(logits), "logits of the probe sequences, at every position; NaN behind their end");
  }
  if (!trial.save.attention) return;
  Index heads = 0;
  for (Index l = 0; l < layers; ++l) heads = std::max(heads, model.attention(l).weight_heads());
  if (heads == 0) return;
  add_sequences("attention");
  std::vector<float> weights(static_cast<std::size_t>(n * layers * heads * time * time),
                             std::numeric_limits<float>::quiet_NaN());
  model.probe(step, probe.batch(), [&](Model<float>& m) {
    for (Index b = 0; b < n; ++b) {
      const Index length = probe.batch().input.length(b);
      for (Index l = 0; l < layers; ++l)
        for (Index h = 0; h < m.attention(l).weight_heads(); ++h)
          m.attention(l).weights(step, b, h,
                                 Mat<float>(weights.data() + ((b * layers + l) * heads + h) * time * time,
                                            length, length, Eigen::OuterStride<>(time)));
    }
  });
  add("attention", "weights", extents({n, layers, heads, time, time}),
      {"sequence", "layer", "head", "query", "key"}, std::move(weights),
      "attention weights of the probe sequences; NaN for a layer without weights, and behind their end");
}

}  // namespace heed
