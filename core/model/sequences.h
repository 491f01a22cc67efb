#pragma once

#include <cstdint>
#include <vector>

#include "core/model/batch.h"
#include "core/task.h"

namespace heed {

// Room for some examples of a task. The task outlives it.
class Sequences {
 public:
  Sequences(const Task& source, Index batch);

  // Writes example `index` of a split into a row. Fills up a shorter sequence with zeros, and with labels
  // that are not scored.
  void fill(Index row, Split split, std::uint64_t index);
  Batch first(Index n) const;  // the first n rows, which must be filled
  Index batch() const { return batch_; }
  // Are all rows the same examples? Requires: the tasks have the same shape.
  bool same_examples(const Sequences& other) const {
    return labels == other.labels && input_ == other.input_ && source_ == other.source_;
  }

  const Task& task;
  const TaskShape shape;
  std::vector<Token> labels;  // (batch, length), or (batch)

 private:
  struct StreamRoom {
    StreamRoom(const Stream& of, Index batch);
    SequenceSpan row(Index r);
    void close(Index r, Index length);  // `length` positions were written
    SequenceBatch all() const;
    bool operator==(const StreamRoom&) const = default;

    Stream stream;
    std::vector<Token> tokens;
    std::vector<double> vectors;
    std::vector<Index> lengths;
  };

  Index batch_;
  StreamRoom input_, source_;
};

}  // namespace heed
