#include "experiments/tasks/export.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"
#include "core/task_traits.h"
#include "results/atomic_file.h"
#include "results/errors.h"
#include "results/h5_reader.h"
#include "results/h5_writer.h"

namespace heed {
namespace {

// The variable of the input.
const char* name_of(const Stream& input) {
  return input.kind == Stream::Kind::vectors ? "vectors" : "tokens";
}

void check_size(const Task& task, Split split, Index count) {
  if (count < 1) throw Error(fmt::format("{} sequences were requested; there must be at least one.", count));
  const TaskShape shape = task.shape();
  if (shape.source.kind == Stream::Kind::vectors)
    throw Error("only a source of tokens can be written, and that of this task has vectors.");
  const std::optional<Index> size = task.size(split);
  if (size && count > *size)
    throw Error(fmt::format("the {} split has {} sequences of {} {}, but {} were requested.",
                            split_name(split), *size, shape.input.length, name_of(shape.input), count));
}

const char* meaning_of_labels(const Task& task) {
  if (task.shape().labels == Labels::per_sequence)
    return "what the output for the whole sequence must predict";
  if (predicts_from_last(task))
    return "what must be predicted for this position from the output at the last one";
  return "what the output at this position must predict";
}

void describe(results::H5Writer& file, const Task& task, Split split,
              const std::vector<std::pair<std::string, std::string>>& attributes) {
  const TaskShape shape = task.shape();
  for (const auto& [name, value] : attributes) file.attribute("/", name, value);
  file.attribute("/", "split", split_name(split));
  if (shape.input.kind == Stream::Kind::tokens)
    file.attribute("/", "vocabulary", static_cast<std::int64_t>(shape.input.width));
  file.attribute("/", "model",
                 shape.model == ModelType::encoder           ? "encoder"
                 : shape.model == ModelType::encoder_decoder ? "encoder_decoder"
                                                             : "decoder");
  file.attribute(name_of(shape.input), "long_name", "input of the model");
  file.attribute("labels", "long_name", meaning_of_labels(task));
  file.attribute("labels", "classes", static_cast<std::int64_t>(shape.classes));
  if (predicts_from_last(task)) file.attribute("labels", "from_last", std::int64_t{1});
  file.attribute("labels", "unscored", static_cast<std::int64_t>(kUnscored));
  if (shape.source.length == 0) return;
  file.attribute("source", "long_name", "what the encoder reads");
  file.attribute("source", "vocabulary", static_cast<std::int64_t>(shape.source.width));
}

// Writes the inputs, one after the other. Positions after the end of a sequence become 0.
class InputRows {
 public:
  // Requires: the file has the dimensions `sequence` and `position`.
  InputRows(results::H5Writer& file, const Stream& input) : file_(file), input_(input) {
    const auto length = static_cast<std::size_t>(input.length), width = static_cast<std::size_t>(input.width);
    if (has_vectors()) {
      vectors_.resize(length * width);
      file.dimension("component", width);
      file.begin_rows<double>(name_of(input), {"sequence", "position", "component"});
    } else {
      tokens_.resize(length);
      file.begin_rows<Token>(name_of(input), {"sequence", "position"});
    }
  }

  SequenceSpan room() { return {tokens_, vectors_, input_.length}; }

  void write(std::size_t row, Index length) {
    if (has_vectors()) {
      std::fill(vectors_.begin() + length * input_.width, vectors_.end(), 0.0);
      file_.row<double>(name_of(input_), row, vectors_);
    } else {
      std::fill(tokens_.begin() + length, tokens_.end(), 0);
      file_.row<Token>(name_of(input_), row, tokens_);
    }
  }

 private:
  bool has_vectors() const { return input_.kind == Stream::Kind::vectors; }

  results::H5Writer& file_;
  const Stream input_;
  std::vector<Token> tokens_;
  std::vector<double> vectors_;
};

// Adds the lengths of sequences if one is shorter than the others may be.
void write_lengths(results::H5Writer& file, const char* name, const std::vector<std::int64_t>& lengths,
                   Index longest) {
  if (std::ranges::none_of(lengths, [&](std::int64_t n) { return n < longest; })) return;
  file.variable<std::int64_t>(name, lengths, {"sequence"});
  file.attribute(name, "long_name", "tokens of the sequence; later positions are padding");
}

}  // namespace

const char* split_name(Split split) {
  constexpr const char* names[] = {"train", "validation", "test"};
  return names[static_cast<std::size_t>(split)];
}

void export_task(const Task& task, Split split, Index count, const std::filesystem::path& path,
                 const std::vector<std::pair<std::string, std::string>>& attributes) {
  check_size(task, split, count);
  const TaskShape shape = task.shape();
  const auto length = static_cast<std::size_t>(shape.input.length);
  const bool one_label = shape.labels == Labels::per_sequence;
  results::H5Writer file(path);
  file.dimension("sequence", static_cast<std::size_t>(count));
  file.dimension("position", length);
  InputRows input(file, shape.input);
  file.begin_rows<Token>("labels",
                         one_label ? results::Dims{"sequence"} : results::Dims{"sequence", "position"});
  const auto source_length = static_cast<std::size_t>(shape.source.length);
  if (source_length > 0) {
    file.dimension("source_position", source_length);
    file.begin_rows<Token>("source", {"sequence", "source_position"});
  }
  describe(file, task, split, attributes);

  std::vector<Token> labels(one_label ? 1 : length), source(source_length);
  std::vector<std::int64_t> lengths, source_lengths;
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
    Example example{input.room(), labels, {.tokens = source, .length = std::ssize(source)}};
    task.fill(split, i, example);
    if (!one_label) std::fill(labels.begin() + example.input.length, labels.end(), kUnscored);
    lengths.push_back(example.input.length);
    input.write(i, example.input.length);
    file.row<Token>("labels", i, labels);
    if (source_length == 0) continue;
    std::fill(source.begin() + example.source.length, source.end(), 0);
    source_lengths.push_back(example.source.length);
    file.row<Token>("source", i, source);
  }
  write_lengths(file, "lengths", lengths, shape.input.length);
  write_lengths(file, "source_lengths", source_lengths, shape.source.length);
  results::write_file(path, file.finish(), results::IfExists::replace);
}

bool is_exported_task(const std::filesystem::path& path) {
  try {
    const results::H5Reader file(path, results::H5Reader::Checksum::none);
    return file.has_attribute("/", "split") && file.has_attribute("/", "model") && file.has("labels") &&
           (file.has("tokens") || file.has("vectors"));
  } catch (const results::DamagedFile&) {
    return false;
  }
}

}  // namespace heed
