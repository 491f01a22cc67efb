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

void check_size(const Task& task, Split split, Index count) {
  if (count < 1) throw Error(fmt::format("{} sequences were requested; there must be at least one.", count));
  const TaskShape shape = task.shape();
  if (shape.input.kind != Stream::Kind::tokens || shape.source.kind == Stream::Kind::vectors)
    throw Error("only sequences of tokens can be written, and this task has vectors.");
  const std::optional<Index> size = task.size(split);
  if (size && count > *size)
    throw Error(fmt::format("the {} split has {} sequences of {} tokens, but {} were requested.",
                            split_name(split), *size, shape.input.length, count));
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
  file.attribute("/", "vocabulary", static_cast<std::int64_t>(shape.input.width));
  file.attribute("/", "model",
                 shape.model == ModelType::encoder           ? "encoder"
                 : shape.model == ModelType::encoder_decoder ? "encoder_decoder"
                                                             : "decoder");
  file.attribute("tokens", "long_name", "input of the model");
  file.attribute("labels", "long_name", meaning_of_labels(task));
  file.attribute("labels", "classes", static_cast<std::int64_t>(shape.classes));
  if (predicts_from_last(task)) file.attribute("labels", "from_last", std::int64_t{1});
  file.attribute("labels", "unscored", static_cast<std::int64_t>(kUnscored));
  if (shape.source.length == 0) return;
  file.attribute("source", "long_name", "what the encoder reads");
  file.attribute("source", "vocabulary", static_cast<std::int64_t>(shape.source.width));
}

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
  file.begin_rows<Token>("tokens", {"sequence", "position"});
  file.begin_rows<Token>("labels",
                         one_label ? results::Dims{"sequence"} : results::Dims{"sequence", "position"});
  const auto source_length = static_cast<std::size_t>(shape.source.length);
  if (source_length > 0) {
    file.dimension("source_position", source_length);
    file.begin_rows<Token>("source", {"sequence", "source_position"});
  }
  describe(file, task, split, attributes);

  std::vector<Token> tokens(length), labels(one_label ? 1 : length), source(source_length);
  std::vector<std::int64_t> lengths, source_lengths;
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
    Example example{{.tokens = tokens, .length = std::ssize(tokens)},
                    labels,
                    {.tokens = source, .length = std::ssize(source)}};
    task.fill(split, i, example);
    std::fill(tokens.begin() + example.input.length, tokens.end(), 0);
    if (!one_label) std::fill(labels.begin() + example.input.length, labels.end(), kUnscored);
    lengths.push_back(example.input.length);
    file.row<Token>("tokens", i, tokens);
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
    return file.has_attribute("/", "split") && file.has_attribute("/", "vocabulary") && file.has("tokens") &&
           file.has("labels");
  } catch (const results::DamagedFile&) {
    return false;
  }
}

}  // namespace heed
