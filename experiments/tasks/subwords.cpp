#include "experiments/tasks/subwords.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "core/error.h"
#ifdef HEED_SENTENCEPIECE
#include <sentencepiece_processor.h>
#include <sentencepiece_trainer.h>
#endif

namespace heed {

#ifdef HEED_SENTENCEPIECE

namespace {

constexpr std::string_view kSpace = "\xE2\x96\x81";  // what sentencepiece writes in place of a space

// Returns the byte of "<0x0A>".
std::string byte_of(const std::string& piece) {
  return std::string(1, static_cast<char>(std::stoi(piece.substr(3, 2), nullptr, 16)));
}

// Returns the text of any other piece.
std::string with_spaces(std::string_view piece) {
  std::string out;
  while (!piece.empty()) {
    const bool is_space = piece.starts_with(kSpace);
    out += is_space ? ' ' : piece.front();
    piece.remove_prefix(is_space ? kSpace.size() : 1);
  }
  return out;
}

// The lines of a text. sentencepiece learns from sentences.
class Lines final : public sentencepiece::SentenceIterator {
 public:
  explicit Lines(const std::string& text) : left_(text) { next(); }
  bool done() const override { return done_; }
  void Next() override { next(); }
  const std::string& value() const override { return line_; }
  sentencepiece::util::Status status() const override { return {}; }

 private:
  void next() {
    done_ = left_.empty();
    const std::size_t end = std::min(left_.find('\n'), left_.size());
    line_ = left_.substr(0, end);
    left_.remove_prefix(std::min(end + 1, left_.size()));
  }

  std::string_view left_;
  std::string line_;
  bool done_ = false;
};

// Returns the number after a word in a message; empty if there is none.
std::string number_after(const std::string& message, std::string_view word) {
  const std::size_t at = message.rfind(word);
  if (at == std::string::npos) return "";
  const std::size_t begin = message.find_first_of("0123456789", at + word.size());
  if (begin == std::string::npos) return "";
  return message.substr(begin, message.find_first_not_of("0123456789", begin) - begin);
}

// Says what is wrong in the words of heed's option `vocab`. sentencepiece names its own options.
std::string reason_of(const std::string& message) {
  if (const std::string most = number_after(message, "value <= "); !most.empty())
    return fmt::format("the training part has at most {}. Use 'vocab: {}' or less.", most, most);
  if (const std::string least = number_after(message, " vs "); !least.empty())
    return fmt::format("its characters and the 256 bytes need {}. Use 'vocab: {}' or more.", least, least);
  // "Internal: trainer_interface.cc(660) [condition] What is wrong."
  const std::size_t reason = message.rfind("] ");
  const std::string text = reason == std::string::npos ? message : message.substr(reason + 2);
  return text.empty() ? "its training part is too short." : text;
}

}  // namespace

struct Subwords::Processor {
  sentencepiece::SentencePieceProcessor of;
  std::string model;
};

bool Subwords::available() { return true; }

Subwords::Subwords(const std::string& text, Index vocabulary, const std::string& path)
    : processor_(std::make_unique<Processor>()) {
  // No normalization and a byte for everything unknown: a text can be restored from its tokens.
  const std::unordered_map<std::string, std::string> settings = {{"model_type", "bpe"},
                                                                 {"vocab_size", std::to_string(vocabulary)},
                                                                 {"byte_fallback", "true"},
                                                                 {"character_coverage", "1"},
                                                                 {"add_dummy_prefix", "false"},
                                                                 {"remove_extra_whitespaces", "false"},
                                                                 {"bos_id", "-1"},
                                                                 {"eos_id", "-1"},
                                                                 {"num_threads", "1"},
                                                                 {"max_sentence_length", "1000000"},
                                                                 {"minloglevel", "3"},
                                                                 {"normalization_rule_name", "identity"}};
  Lines lines(text);
  auto status = sentencepiece::SentencePieceTrainer::Train(settings, &lines, &processor_->model);
  if (status.ok()) status = processor_->of.LoadFromSerializedProto(processor_->model);
  if (status.ok()) return;
  throw Error(
      fmt::format("{} subwords cannot be made of '{}': {}", vocabulary, path, reason_of(status.ToString())));
}

Subwords::Subwords(std::string model) : processor_(std::make_unique<Processor>()) {
  processor_->model = std::move(model);
  if (const auto status = processor_->of.LoadFromSerializedProto(processor_->model); !status.ok())
    throw Error(fmt::format("this is no model of sentencepiece: {}", status.ToString()));
}

Index Subwords::vocabulary() const { return processor_->of.GetPieceSize(); }

std::vector<Token> Subwords::encode(std::string_view text) const {
  std::vector<int> ids;
  const auto status = processor_->of.Encode({text.data(), text.size()}, &ids);
  if (!status.ok()) throw Error(fmt::format("sentencepiece cannot encode the text: {}", status.ToString()));
  return {ids.begin(), ids.end()};
}

std::vector<std::string> Subwords::units() const {
  std::vector<std::string> out;
  for (int id = 0; id < processor_->of.GetPieceSize(); ++id) {
    const std::string& piece = processor_->of.IdToPiece(id);
    out.push_back(processor_->of.IsByte(id) ? byte_of(piece) : with_spaces(piece));
  }
  return out;
}

#else

struct Subwords::Processor {
  std::string model;
};

bool Subwords::available() { return false; }

Subwords::Subwords(const std::string&, Index, const std::string&) {
  throw Error(
      "this heed was built without sentencepiece, which 'unit: bpe' needs. Install libsentencepiece-dev and "
      "build again, or choose bytes or characters.");
}

Subwords::Subwords(std::string) { throw Error("this heed was built without sentencepiece."); }
Index Subwords::vocabulary() const { return 0; }
std::vector<Token> Subwords::encode(std::string_view) const { return {}; }
std::vector<std::string> Subwords::units() const { return {}; }

#endif

const std::string& Subwords::model() const { return processor_->model; }

std::string Subwords::hash_of(std::string_view model) {
  return fmt::format("xxh-{:016x}", XXH64(model.data(), model.size(), 0));
}

Subwords::~Subwords() = default;

}  // namespace heed
