#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/task.h"

namespace heed {

// The text at `path`: a file, or the regular files of a folder, joined in the order of their names (links are
// not followed there: /usr/share/common-licenses has each text once and several links to it). heed::Error
// where there is nothing to read, or where a file is no text (file_kind.h).
std::string read_corpus(const std::string& path);

// How long it would be, without reading it.
Index corpus_bytes(const std::string& path);

// A text as tokens 0 .. vocabulary-1.
struct TokenizedText {
  std::vector<Token> tokens;
  Index vocabulary = 0;
};

TokenizedText tokenize_bytes(const std::string& text);  // vocabulary 256

// Token i is the i-th of the text's different characters, in the order of their code points. `path` names the
// text in the heed::Error that is thrown where it is not valid UTF-8.
TokenizedText tokenize_characters(const std::string& text, const std::string& path);

}  // namespace heed
