#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/task.h"

namespace heed {

// Subwords by byte pair encoding (Sennrich et al. 2016), trained by sentencepiece. Every UTF-8 text can be
// encoded: a character that is in no subword becomes its bytes. Only programs built with sentencepiece have
// it.
class Subwords {
 public:
  // Trains on a text. path: for messages. Throws: heed::Error if there are too few or too many subwords for
  // the text, if the text is not UTF-8, or if the program was built without sentencepiece.
  Subwords(const std::string& text, Index vocabulary, const std::string& path);
  // Reads a trained model. Throws: heed::Error if it is none.
  explicit Subwords(std::string model);
  ~Subwords();

  static bool available();

  Index vocabulary() const;
  std::vector<Token> encode(std::string_view text) const;
  std::vector<std::string> units() const;  // the bytes of each subword
  const std::string& model() const;        // as sentencepiece reads it from a file
  std::string hash() const { return hash_of(model()); }
  static std::string hash_of(std::string_view model);

 private:
  struct Processor;
  std::unique_ptr<Processor> processor_;
};

// The tokens of the task may be subwords.
class SubwordsTraits {
 public:
  virtual ~SubwordsTraits() = default;
  virtual const Subwords* subwords() const = 0;     // null: other units
  virtual std::string subwords_origin() const = 0;  // SubwordFolder::origin() of what they are trained on
};

}  // namespace heed
