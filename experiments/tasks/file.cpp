#include "experiments/tasks/file.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>

#include "core/error.h"
#include "core/registry.h"
#include "experiments/tasks/content_hash.h"
#include "experiments/tasks/token_arrays.h"

namespace heed {
namespace {

namespace fs = std::filesystem;

constexpr std::array<const char*, 3> kNames = {"train", "validation", "test"};
// The arrays of a split that the task reads. The first two are necessary.
const std::vector<std::string> kArrays = {"tokens", "labels", "lengths", "source", "source_lengths"};

// One split of the data: the file that has it, and its group in the file ("train/", or "" for a file of one
// split).
struct Source {
  std::shared_ptr<const ArrayFile> file;
  std::string group, path;

  std::string name(const char* array) const { return group + array; }
  std::string place(const char* array) const { return fmt::format("'{}': {}", path, name(array)); }
};

std::shared_ptr<const ArrayFile> open_file(const std::string& path) {
  if (!fs::exists(path)) throw Error(fmt::format("'{}' does not exist.", path));
  if (!fs::is_regular_file(path)) throw Error(fmt::format("'{}' is not a regular file.", path));
  std::ifstream in(path, std::ios::binary);
  if (!in) throw Error(fmt::format("'{}' cannot be opened.", path));
  if (in.peek() == std::ifstream::traits_type::eof()) throw Error(fmt::format("'{}' is empty.", path));
  std::string head(8, '\0');
  in.read(head.data(), static_cast<std::streamsize>(head.size()));
  if (head.starts_with("PK")) return open_npz(path);
  if (head == "\x89HDF\r\n\x1a\n") return open_hdf5(path);
  if (head.starts_with("\x93NUMPY"))
    throw Error(
        fmt::format("'{}' has a single array (.npy). Put all arrays into one archive with numpy.savez "
                    "(docs/tasks.md).",
                    path));
  throw Error(fmt::format("'{}' is neither HDF5 nor an archive of NumPy (.npz).", path));
}

// Returns the end of a message about a missing array: what there is, and what is known.
std::string what_there_is(const ArrayFile& file) {
  return fmt::format(" The file has: {}. The task reads, of each split: {}.", fmt::join(file.names(), ", "),
                     fmt::join(kArrays, ", "));
}

// Refuses a missing necessary array, and an array that is probably a misspelled one.
void check_arrays(const Source& from) {
  for (const char* array : {"tokens", "labels"}) {
    if (from.file->has(from.name(array))) continue;
    std::string hint;
    for (const std::string& name : from.file->names())
      if (name.starts_with(from.group) && nearest(name.substr(from.group.size()), {array}) == array)
        hint = fmt::format(" Did you mean it by {}?", name);
    throw Error(fmt::format("{} is missing.{}{}", from.place(array), hint, what_there_is(*from.file)));
  }
  for (const std::string& name : from.file->names()) {
    if (!name.starts_with(from.group)) continue;
    const std::string own = name.substr(from.group.size());
    if (std::ranges::find(kArrays, own) != kArrays.end()) continue;
    const std::string meant = nearest(own, kArrays);
    if (!meant.empty() && !from.file->has(from.name(meant.c_str())))
      throw Error(fmt::format("'{}': unknown array {}. Did you mean {}? Rename it, or remove it.{}",
                              from.path, name, from.name(meant.c_str()), what_there_is(*from.file)));
  }
}

std::array<Source, 3> open_splits(const std::string& path) {
  if (path.empty()) throw Error("it is missing; give the file, or the folder, that has the data.");
  std::array<Source, 3> out;
  if (fs::is_directory(path)) {
    for (std::size_t i = 0; i < 3; ++i) {
      const std::string file = (fs::path(path) / (std::string(kNames[i]) + ".h5")).string();
      out[i] = {open_file(file), "", file};
      if (const std::string split = out[i].file->text("split"); !split.empty() && split != kNames[i])
        throw Error(fmt::format("'{}' has the split '{}', not '{}'.", file, split, kNames[i]));
    }
    return out;
  }
  const std::shared_ptr<const ArrayFile> file = open_file(path);
  for (std::size_t i = 0; i < 3; ++i) {
    out[i] = {file, std::string(kNames[i]) + '/', path};
    if (file->has(out[i].name("tokens"))) continue;
    if (file->has("tokens"))
      throw Error(
          fmt::format("'{}' has the tokens of one split. Put them into train/tokens, validation/tokens "
                      "and test/tokens, or give a folder with train.h5, validation.h5 and test.h5.",
                      path));
    const std::vector<std::string> all = file->names();
    if (std::ranges::any_of(all, [&](const std::string& name) { return name.starts_with(out[i].group); }))
      continue;  // check_arrays says what is wrong
    throw Error(fmt::format("'{}' has no array {}, so the split '{}' is missing.{}", path,
                            out[i].name("tokens"), kNames[i], what_there_is(*file)));
  }
  return out;
}

// In one file, an array that one split has and another has not is a mistake: its padding would be read as
// tokens. Each file of a folder has its own: `heed data` writes lengths only where a sequence is shorter.
void check_splits_agree(const std::array<Source, 3>& sources) {
  const Source& first = sources[0];
  for (const Source& from : sources)
    for (const char* array : {"lengths", "source", "source_lengths"})
      if (from.file == first.file && from.file->has(from.name(array)) != first.file->has(first.name(array))) {
        const bool here = from.file->has(from.name(array));
        throw Error(fmt::format("{} is missing, but '{}' has {}: all splits have this array or none.",
                                (here ? first : from).place(array), first.path,
                                (here ? from : first).name(array)));
      }
}

std::string shape_text(const std::vector<std::size_t>& shape) {
  return fmt::format("({}{})", fmt::join(shape, ", "), shape.size() == 1 ? "," : "");
}

// Returns "[3, 5]" for number i of an array of this shape.
std::string index_text(std::size_t i, const std::vector<std::size_t>& shape) {
  return shape.size() == 1 ? fmt::format("[{}]", i) : fmt::format("[{}, {}]", i / shape[1], i % shape[1]);
}

// Reads how long each of `count` sequences is. Returns nothing if the split has no such array.
std::vector<Index> read_lengths(const Source& from, const char* array, std::size_t count, Index longest) {
  if (!from.file->has(from.name(array))) return {};
  const IntegerArray read = from.file->read(from.name(array));
  if (read.shape != std::vector<std::size_t>{count})
    throw Error(fmt::format("{} has the shape {}; it must be ({},), one length for each sequence.",
                            from.place(array), shape_text(read.shape), count));
  for (std::size_t i = 0; i < count; ++i)
    if (read.values[i] < 1 || read.values[i] > longest)
      throw Error(fmt::format("{}[{}] is {}; it must be from 1 to {}.", from.place(array), i, read.values[i],
                              longest));
  return {read.values.begin(), read.values.end()};
}

// Reads the tokens of a stream, and raises `width` to the largest token + 1. Padding becomes token 0.
File::Rows read_rows(const Source& from, const char* tokens, const char* lengths, Index limit, Index& width) {
  const IntegerArray read = from.file->read(from.name(tokens));
  if (read.shape.size() != 2 || read.shape[0] == 0 || read.shape[1] == 0)
    throw Error(fmt::format("{} has the shape {}; it must be (sequences, positions), both at least 1.",
                            from.place(tokens), shape_text(read.shape)));
  File::Rows out{.length = static_cast<Index>(read.shape[1]),
                 .tokens = std::vector<Token>(read.values.size())};
  out.lengths = read_lengths(from, lengths, read.shape[0], out.length);
  for (std::size_t i = 0; i < read.values.size(); ++i) {
    const std::size_t row = i / read.shape[1], t = i % read.shape[1];
    if (!out.lengths.empty() && static_cast<Index>(t) >= out.lengths[row]) continue;
    const std::int64_t token = read.values[i];
    if (token < 0 || token >= limit)
      throw Error(fmt::format("{}{} is {}; a token is from 0 to {}.", from.place(tokens),
                              index_text(i, read.shape), token, limit - 1));
    out.tokens[i] = static_cast<Token>(token);
    width = std::max(width, static_cast<Index>(token) + 1);
  }
  return out;
}

// Reads the labels, and raises `classes` to the largest label + 1. `rows`: of the input.
std::vector<Token> read_labels(const Source& from, std::size_t count, const File::Rows& rows, Index limit,
                               Index& classes) {
  const IntegerArray read = from.file->read(from.name("labels"));
  const std::vector<std::size_t> each = {count, static_cast<std::size_t>(rows.length)}, one = {count};
  if (read.shape != each && read.shape != one)
    throw Error(
        fmt::format("{} has the shape {}; it must be {} like the tokens, or {} for one label for each "
                    "sequence.",
                    from.place("labels"), shape_text(read.shape), shape_text(each), shape_text(one)));
  std::vector<Token> out(read.values.size(), kUnscored);
  bool scored = false;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::int64_t label = read.values[i];
    if (label == kUnscored) continue;
    if (label < 0 || label >= limit)
      throw Error(fmt::format("{}{} is {}; a label is from 0 to {}, or {} if it is not scored.",
                              from.place("labels"), index_text(i, read.shape), label, limit - 1, kUnscored));
    out[i] = static_cast<Token>(label);
    classes = std::max(classes, static_cast<Index>(label) + 1);
    scored = true;
  }
  if (!scored)
    throw Error(fmt::format("{}: no label is scored; all are {}.", from.place("labels"), kUnscored));
  return out;
}

// Returns the number that the file states, or 0.
Index stated(const Source& from, const char* object, const char* attribute) {
  const std::string name = object == std::string("/") ? object : from.name(object);
  return static_cast<Index>(from.file->number(name, attribute).value_or(0));
}

// The largest token or label that is accepted, plus 1.
Index limit_of(Index given, Index stated_in_file) {
  const Index named = given > 0 ? given : stated_in_file;
  return named > 0 ? named : static_cast<Index>(kMaxVocabulary);
}

// Is the label of each scored position the next token of its sequence?
bool labels_are_next_tokens(const File::Data& data) {
  if (std::ssize(data.labels) == data.count) return false;
  const Index length = data.input.length;
  for (Index i = 0; i < std::ssize(data.labels); ++i) {
    const auto at = static_cast<std::size_t>(i);
    if (data.labels[at] == kUnscored || (i + 1) % length == 0) continue;
    if (data.labels[at] != data.input.tokens[at + 1]) return false;
  }
  return true;
}

// The longest sequence of a stream, without padding.
Index longest_of(const File::Rows& rows) {
  return rows.lengths.empty() ? rows.length : *std::ranges::max_element(rows.lengths);
}

std::string hash_of(const std::string& path) {
  if (!fs::is_directory(path)) return content_hash({path});
  std::vector<fs::path> files;
  for (const char* name : kNames) files.push_back(fs::path(path) / (std::string(name) + ".h5"));
  return content_hash(files);
}

}  // namespace

void File::Options::complete() {
  if (content.empty()) content = hash_of(path);
}

void File::Options::check(const Refuse& refuse) const {
  if (const std::string found = hash_of(path); !found.empty() && found != content)
    refuse("content",
           fmt::format("the content of '{}' has changed: its hash is {}, not {}", path, found, content));
  try {
    (void)File(*this, 0);
  } catch (const Error& error) {
    refuse("path", error.what());
  }
}

File::File(const Options& options, std::uint64_t seed) : passes_(seed, 1) {
  Index width = 0, source_width = 0, classes = 0;
  const std::array<Source, 3> sources = open_splits(options.path);
  for (const Source& from : sources) check_arrays(from);
  check_splits_agree(sources);
  const Source& first = sources[0];
  const Index vocab_limit = limit_of(options.vocab, stated(first, "/", "vocabulary"));
  const Index label_limit = limit_of(options.classes, stated(first, "labels", "classes"));
  const bool has_source = first.file->has(first.name("source"));
  const Index source_limit = limit_of(0, has_source ? stated(first, "source", "vocabulary") : 0);
  for (std::size_t i = 0; i < 3; ++i) {
    Data& data = splits_[i];
    const Source& from = sources[i];
    data.input = read_rows(from, "tokens", "lengths", vocab_limit, width);
    data.count = std::ssize(data.input.tokens) / data.input.length;
    const auto count = static_cast<std::size_t>(data.count);
    data.labels = read_labels(from, count, data.input, label_limit, classes);
    if (from.file->has(from.name("source")) != has_source)
      throw Error(fmt::format("{} is missing, or train/source is: a source is in all splits or in none.",
                              from.place("source")));
    if ((data.labels.size() == count) !=
        (splits_[0].labels.size() == static_cast<std::size_t>(splits_[0].count)))
      throw Error(fmt::format("{} has another number of dimensions than that of the training split.",
                              from.place("labels")));
    if (!has_source) continue;
    data.source = read_rows(from, "source", "source_lengths", source_limit, source_width);
    if (std::ssize(data.source.tokens) / data.source.length != data.count)
      throw Error(fmt::format("{} has {} sequences; the tokens have {}.", from.place("source"),
                              std::ssize(data.source.tokens) / data.source.length, data.count));
  }
  const auto longest = [this](Rows Data::*rows) {
    Index length = 0;
    for (const Data& data : splits_) length = std::max(length, (data.*rows).length);
    return length;
  };
  const bool is_named = vocab_limit < static_cast<Index>(kMaxVocabulary);
  shape_.input = {Stream::Kind::tokens, is_named ? vocab_limit : width, longest(&Data::input)};
  shape_.classes = label_limit < static_cast<Index>(kMaxVocabulary) ? label_limit : classes;
  if (has_source) {
    const bool states_source = source_limit < static_cast<Index>(kMaxVocabulary);
    shape_.source = {Stream::Kind::tokens, states_source ? source_limit : source_width,
                     longest(&Data::source)};
    shape_.model = ModelType::encoder_decoder;
  } else if (first.file->text("model") == "encoder") {
    shape_.model = ModelType::encoder;
  }
  states_model_ = !first.file->text("model").empty();
  if (std::ssize(splits_[0].labels) == splits_[0].count && splits_[0].input.length > 1)
    shape_.labels = Labels::per_sequence;
  from_last_ = stated(first, "labels", "from_last") != 0;
  gives_labels_away_ = labels_are_next_tokens(splits_[0]);
  passes_ = Passes(seed, splits_[0].count);
}

// An encoder sees the next token, so it must not be the label. Files of `heed data` state the type of model
// that their task trains.
bool File::suits(ModelType type) const {
  if (type == shape_.model) return true;
  if (shape_.model == ModelType::encoder_decoder) return type == ModelType::decoder && can_join(shape_);
  if (type == ModelType::encoder_decoder) return false;
  if (shape_.labels == Labels::per_sequence) return true;
  return shape_.model == ModelType::decoder && !states_model_ && !gives_labels_away_ && !from_last_;
}

Index File::trained_length() const { return longest_of(splits_[0].input); }
Index File::trained_source_length() const { return longest_of(splits_[0].source); }
Index File::longest_length() const {
  return std::max({longest_of(splits_[0].input), longest_of(splits_[1].input), longest_of(splits_[2].input)});
}
Index File::longest_source_length() const {
  return std::max(
      {longest_of(splits_[0].source), longest_of(splits_[1].source), longest_of(splits_[2].source)});
}

std::optional<Index> File::size(Split split) const {
  if (split == Split::train) return std::nullopt;
  return data(split).count;
}

void File::fill(Split split, std::uint64_t index, Example& example) const {
  const Data& from = data(split);
  const Index row = split == Split::train ? passes_.example_at(index) : static_cast<Index>(index);
  HEED_CHECK(row < from.count, "a sequence after the end of a split was requested");
  const auto copy = [row](const Rows& rows, SequenceSpan& to) {
    to.length = rows.lengths.empty() ? rows.length : rows.lengths[static_cast<std::size_t>(row)];
    std::copy_n(rows.tokens.begin() + row * rows.length, to.length, to.tokens.begin());
  };
  copy(from.input, example.input);
  if (from.source.length > 0) copy(from.source, example.source);
  const Index each = std::ssize(from.labels) / from.count;
  const Index labels = shape_.labels == Labels::per_sequence ? 1 : std::min(each, example.input.length);
  std::copy_n(from.labels.begin() + row * each, labels, example.labels.begin());
}

}  // namespace heed

HEED_TASK(file, heed::File, "Tokens and labels of your own, from an HDF5 or NumPy file", "")
