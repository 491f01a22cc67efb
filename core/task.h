#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>

#include "core/index.h"

namespace heed {

using Token = std::int32_t;
constexpr Token kUnscored = -100;  // the label of a position whose output is not scored

enum class Split { train, validation, test };

// How a position of a sequence is relevant to another position that is scored.
enum class Relevance : std::uint8_t { none, answer, distractor };

// One of the sequences that an example consists of: tokens 0 .. width-1, or vectors of `width` numbers.
struct Stream {
  enum class Kind { none, tokens, vectors };
  Kind kind = Kind::none;
  Index width = 0;
  Index length = 0;  // of the longest sequence
  bool operator==(const Stream&) const = default;
};

enum class Labels { per_position, per_sequence };

// The type of model that a task needs. decoder: sees only the past; encoder: sees the whole sequence;
// encoder_decoder: an encoder reads one sequence and a decoder reads another.
enum class ModelType { decoder, encoder, encoder_decoder };

// The shape of a task's examples. It determines the model.
struct TaskShape {
  Stream input;       // what the model reads; the decoder, of an encoder-decoder
  Index classes = 0;  // labels are 0 .. classes-1, or kUnscored
  ModelType model = ModelType::decoder;
  Labels labels = Labels::per_position;  // one for each position of the input, or one for all of it
  Stream source = {};                    // what the encoder of an encoder-decoder reads
  bool operator==(const TaskShape&) const = default;
};

// Full sequences of tokens, at each position a label of the same vocabulary.
inline TaskShape token_shape(Index vocabulary, Index length, ModelType model = ModelType::decoder) {
  return {.input = {Stream::Kind::tokens, vocabulary, length}, .classes = vocabulary, .model = model};
}

// Room for one sequence of a stream. A task writes the first `length` positions.
struct SequenceSpan {
  std::span<Token> tokens = {};    // (length of the stream)
  std::span<double> vectors = {};  // (length of the stream, width)
  Index length = 0;                // in: of the longest sequence; out: of this one
};

// Room for one example. A label of a position is what its output must predict, or kUnscored.
struct Example {
  SequenceSpan input;
  std::span<Token> labels;  // (length of the input stream), or one
  SequenceSpan source = {};
};

// A source of labeled examples. Example i of a split depends only on the seed, the split and i: it is the
// same for every variant, batch size and thread count. Safe to call from several threads.
class Task {
 public:
  virtual ~Task() = default;

  virtual TaskShape shape() const = 0;
  virtual void fill(Split split, std::uint64_t index, Example& example) const = 0;

  // Returns how many sequences cover the whole split once, or nullopt if the split is endless.
  virtual std::optional<Index> size(Split) const { return std::nullopt; }

  // Writes for each position of a sequence of this task (keys has length() entries) how it is relevant to the
  // label of position `query`. `answer`: the position contains the label and determines it; `distractor`: it
  // could be mistaken for an answer. Both are visible to the query. All are `none` if the query is not scored
  // or its label does not occur in the sequence. Probes use it to measure attention (docs/probes.md). By
  // default all are `none`.
  virtual void relevance(std::span<const Token> tokens, std::span<const Token> labels, Index query,
                         std::span<Relevance> keys) const {
    (void)tokens, (void)labels, (void)query;
    std::fill(keys.begin(), keys.end(), Relevance::none);
  }
};

// A task of one stream of tokens, all of one length, with labels of the same vocabulary.
class TokenTask : public Task {
 public:
  virtual Index vocabulary() const = 0;  // tokens are 0 .. vocabulary-1
  virtual Index length() const = 0;      // tokens in a sequence
  // Writes tokens and labels, both length() long.
  virtual void sequence(Split split, std::uint64_t index, std::span<Token> tokens,
                        std::span<Token> labels) const = 0;

  TaskShape shape() const final { return token_shape(vocabulary(), length()); }
  void fill(Split split, std::uint64_t index, Example& example) const final {
    sequence(split, index, example.input.tokens, example.labels);
  }
};

}  // namespace heed
