#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/orders.h"
#include "core/task.h"

namespace heed {

// Properties that only some tasks have. A task that has one derives from it, too; dynamic_cast finds it.

// The task is a text, so that its loss can be given in bits per byte.
class TextTraits {
 public:
  virtual ~TextTraits() = default;
  // Returns how many bytes of text all scored positions of a split stand for; nullopt if the split is
  // endless.
  virtual std::optional<Index> scored_bytes(Split split) const = 0;
};

// The task reports accuracy by the depth of the answer.
class DepthTraits {
 public:
  virtual ~DepthTraits() = default;
  // Returns where the answer to the label of position `query` is: 0 at the beginning of the context, 1 at its
  // end. Requires: the query is scored.
  virtual double depth(std::span<const Token> tokens, Index query) const = 0;
};

// All labels of a sequence may be predicted from the output at its last position (core/model/expansion.h).
class FromLastTraits {
 public:
  virtual ~FromLastTraits() = default;
  virtual bool predicts_from_last() const { return true; }
};

inline bool predicts_from_last(const Task& task) {
  const auto* traits = dynamic_cast<const FromLastTraits*>(&task);
  return traits && traits->predicts_from_last();
}

// The task suits other types of model than suits() below assumes.
class ModelTraits {
 public:
  virtual ~ModelTraits() = default;
  virtual bool suits(ModelType type) const = 0;
};

// The task has two streams, and knows where the answer is in its source.
class SourceTraits {
 public:
  virtual ~SourceTraits() = default;
  // Writes for each position of the source (keys has example.source.length entries) how it is relevant to the
  // label of position `query` of the input, as Task::relevance does. Here an answer determines the label, but
  // need not contain it. All are `none` if the query is not scored.
  virtual void source_relevance(const Example& example, Index query, std::span<Relevance> keys) const = 0;
};

// The tokens of the task are characters, or bytes.
class CharacterTraits {
 public:
  virtual ~CharacterTraits() = default;
  virtual std::span<const std::int64_t> code_points() const = 0;  // of each token
};

// A decoder may read the tokens of a sequence in any order (core/model/ordered_positions.h), and training
// does so. Token 0 of a sequence is a condition, each label is also the next token, and the last label is a
// token, too.
class OrderTraits {
 public:
  virtual ~OrderTraits() = default;
  // Returns how many training sequences are read in random orders; nullopt: the sequences have one order.
  virtual std::optional<Annealing> annealing() const = 0;
};

inline std::optional<Annealing> annealing(const Task& task) {
  const auto* traits = dynamic_cast<const OrderTraits*>(&task);
  return traits ? traits->annealing() : std::nullopt;
}

// Text can be converted to tokens of the task, and back. If the task has no source, its labels are the next
// tokens, so that a trained model continues a text.
class TokenizerTraits {
 public:
  virtual ~TokenizerTraits() = default;
  // Throws: heed::Error with a sentence if a part of the text is no token.
  virtual std::vector<Token> encode(const std::string& text) const = 0;
  virtual std::string decode(Token token) const = 0;  // its bytes
};

// The positions of the task's input are the rows of a grid, one after the other, as the patches of an image.
class GridTraits {
 public:
  virtual ~GridTraits() = default;
  virtual Index columns() const = 0;  // positions in a row
};

// The task generates images, so that its loss can be given in bits per pixel.
class PixelTraits {
 public:
  virtual ~PixelTraits() = default;
  // Returns how many pixels all scored positions of a split stand for; nullopt if the split is endless, or
  // pixels are not predicted.
  virtual std::optional<Index> scored_pixels(Split split) const = 0;
};

// Validation and test may have longer sequences than the training.
class LengthTraits {
 public:
  virtual ~LengthTraits() = default;
  virtual Index trained_length() const = 0;  // of the longest sequence of the training
  virtual Index trained_source_length() const = 0;
  virtual Index longest_length() const = 0;  // of all splits
  virtual Index longest_source_length() const = 0;
};

// The task may ask for what its sequences do not contain. The results then have the confidence of the model
// on both kinds of questions.
class AnswerableTraits {
 public:
  virtual ~AnswerableTraits() = default;
  // Returns true if some scored positions of the test split cannot be answered.
  virtual bool asks_unanswerable() const = 0;
  // Returns true if the tokens before `query` determine its answer. Requires: the query is scored.
  virtual bool is_answerable(std::span<const Token> tokens, Index query) const = 0;
};

inline bool asks_unanswerable(const Task& task) {
  const auto* traits = dynamic_cast<const AnswerableTraits*>(&task);
  return traits && traits->asks_unanswerable();
}

// The task has something to tell its user about its data.
class NoteTraits {
 public:
  virtual ~NoteTraits() = default;
  virtual std::string note() const = 0;  // a sentence; empty: nothing
};

// Do both streams have tokens of one vocabulary? Then a decoder can read the source before the input.
inline bool can_join(const TaskShape& shape) {
  return shape.source.kind == Stream::Kind::tokens && shape.input.kind == shape.source.kind &&
         shape.input.width == shape.source.width;
}

// Returns true if a model of this type can be trained on the task (`model.type` of a sweep file). By default:
// the type of the shape; a decoder, if a sequence has one label or if a source can be read before the input.
// A task whose labels are not later tokens of its input may also suit an encoder.
inline bool suits(const Task& task, ModelType type) {
  if (const auto* own = dynamic_cast<const ModelTraits*>(&task)) return own->suits(type);
  const TaskShape shape = task.shape();
  if (type == shape.model) return true;
  if (type != ModelType::decoder) return false;
  return shape.model == ModelType::encoder ? shape.labels == Labels::per_sequence : can_join(shape);
}

}  // namespace heed
