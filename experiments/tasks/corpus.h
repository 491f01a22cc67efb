#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/task.h"

namespace heed {

// Returns the text at `path`: a file, or the regular files of a folder, joined in the order of their names.
// Links in a folder are ignored, because /usr/share/common-licenses has several links to each text. Throws:
// heed::Error if there is nothing to read, or if a file is not text (file_kind.h).
std::string read_corpus(const std::string& path);

// Returns the hash of that text, as "xxh-0123456789abcdef": the prefix keeps a hash that has only digits from
// being read as a number. Returns an empty string if the text cannot be read.
std::string corpus_hash(const std::string& path);

// Returns the length of that text without reading it.
Index corpus_bytes(const std::string& path);

// Returns the code point that starts at `at`, and moves `at` after it. Returns -1 if the bytes are not UTF-8
// (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF).
std::int32_t next_character(const std::string& text, std::size_t& at);

// A text as tokens 0 .. vocabulary-1.
struct TokenizedText {
  std::vector<Token> tokens;
  Index vocabulary = 0;
  std::vector<std::string> units = {};  // the bytes of each token of the vocabulary
};

TokenizedText tokenize_bytes(const std::string& text);  // vocabulary 256

// Token i is the i-th of the text's different characters, in the order of their code points. path: for the
// message. Throws: heed::Error if the text is not valid UTF-8.
TokenizedText tokenize_characters(const std::string& text, const std::string& path);

// Returns the bytes of a code point in UTF-8.
std::string utf8(std::int32_t code_point);

// Returns the tokens of a text whose units are those of a vocabulary in ascending order, bytes or characters.
// Throws: heed::Error with a sentence if the text is not UTF-8 (characters) or has another unit.
std::vector<Token> encode_units(const std::string& text, std::span<const std::string> units, bool bytes);

}  // namespace heed
