#pragma once

#include <cstdint>
#include <span>
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
  // Reads the tokens of a row in another order, and so its labels: label s becomes label order[s], which is
  // also token s+1. Requires: the row is filled, the task has orders (OrderTraits), and order has each of
  // 0 .. length-1 once, where length is that of the row.
  void reorder(Index row, std::span<const Token> order);
  Batch first(Index n) const;  // the first n rows, which must be filled
  Index batch() const { return batch_; }
  // Are all rows the same examples? Requires: the tasks have the same shape.
  bool same_examples(const Sequences& other) const {
    return labels == other.labels && input_ == other.input_ && source_ == other.source_ &&
           order_ == other.order_;
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
  std::vector<Token> order_;  // (batch, length) if the task has orders
};

}  // namespace heed
