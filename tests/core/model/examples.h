#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "core/model/batch.h"
#include "core/rng.h"

namespace heed {

// One example of any shape, without padding.
struct ExampleData {
  std::vector<Token> tokens, source, labels;
  std::vector<double> vectors;
};

// Random examples of these lengths; about a third of the labels of positions are not scored.
inline std::vector<ExampleData> random_examples(const TaskShape& shape, const std::vector<Index>& lengths,
                                                const std::vector<Index>& source_lengths = {}) {
  Draws draws = Rng(1, "random examples").at(0);
  std::vector<ExampleData> out;
  for (std::size_t b = 0; b < lengths.size(); ++b) {
    ExampleData e;
    for (Index t = 0; t < lengths[b]; ++t) {
      if (shape.input.kind == Stream::Kind::tokens)
        e.tokens.push_back(static_cast<Token>(draws.below(shape.input.width)));
      else
        for (Index i = 0; i < shape.input.width; ++i) e.vectors.push_back(draws.normal());
      if (shape.labels == Labels::per_position)
        e.labels.push_back(t % 3 == 1 ? kUnscored : static_cast<Token>(draws.below(shape.classes)));
    }
    if (shape.labels == Labels::per_sequence) e.labels = {static_cast<Token>(draws.below(shape.classes))};
    if (!source_lengths.empty())
      for (Index t = 0; t < source_lengths[b]; ++t)
        e.source.push_back(static_cast<Token>(draws.below(shape.source.width)));
    out.push_back(e);
  }
  return out;
}

// Examples in a batch with room for `time` and `source_time` positions. Tokens, labels and vectors of padding
// are `filler`.
class PaddedBatch {
 public:
  PaddedBatch(const TaskShape& shape, const std::vector<ExampleData>& examples, Index time, Index source_time,
              Token filler = 0)
      : shape_(shape), time_(time), source_time_(source_time), batch_(std::ssize(examples)) {
    const auto append = [](auto& all, const auto& own, Index room, auto with) {
      all.insert(all.end(), own.begin(), own.end());
      all.insert(all.end(), static_cast<std::size_t>(room - std::ssize(own)), with);
    };
    for (const ExampleData& e : examples) {
      if (shape.input.kind == Stream::Kind::tokens) {
        append(tokens_, e.tokens, time, filler);
        lengths_.push_back(std::ssize(e.tokens));
      } else {
        append(vectors_, e.vectors, time * shape.input.width, static_cast<double>(filler));
        lengths_.push_back(std::ssize(e.vectors) / shape.input.width);
      }
      append(source_, e.source, source_time, filler);
      source_lengths_.push_back(std::ssize(e.source));
      append(labels_, e.labels, shape.labels == Labels::per_position ? time : 1, filler);
    }
    gradients_.resize(vectors_.size());
  }

  Batch all() {
    Batch out{{.time = time_,
               .tokens = tokens_,
               .vectors = vectors_,
               .lengths = lengths_,
               .vector_gradients = gradients_},
              labels_,
              batch_,
              shape_.labels};
    if (source_time_ > 0) out.source = {.time = source_time_, .tokens = source_, .lengths = source_lengths_};
    return out;
  }

  std::vector<double>& vectors() { return vectors_; }
  std::vector<double>& gradients() { return gradients_; }  // of the vectors

 private:
  TaskShape shape_;
  Index time_, source_time_, batch_;
  std::vector<Token> tokens_, source_, labels_;
  std::vector<double> vectors_, gradients_;
  std::vector<Index> lengths_, source_lengths_;
};

}  // namespace heed
