#include "experiments/tasks/corpus.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "core/error.h"
#include "experiments/tasks/file_kind.h"

namespace heed {
namespace {

namespace fs = std::filesystem;

constexpr const char* kRemedy = "give 'path' a text file, or a folder of text files";
constexpr std::size_t kCodePoints = 0x110000;

[[noreturn]] void refuse(const std::string& path, const std::string& reason) {
  throw Error(fmt::format("cannot read the text '{}': {}; {}.", path, reason, kRemedy));
}

std::vector<fs::path> corpus_files(const std::string& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (fs::is_regular_file(status)) return {path};
  if (!fs::is_directory(status)) refuse(path, fs::exists(status) ? "not a file or folder" : error.message());
  std::vector<fs::path> files;
  for (fs::directory_iterator it(path, error), end; !error && it != end; it.increment(error))
    // Links are skipped: they would repeat the text of the file that they point to.
    if (it->symlink_status(error).type() == fs::file_type::regular) files.push_back(it->path());
  if (error) refuse(path, error.message());
  if (files.empty()) refuse(path, "the folder holds no regular file");
  // The order of a directory listing differs between machines; the text must not.
  std::sort(files.begin(), files.end());
  return files;
}

// Opens a file. Throws: heed::Error if its first bytes are not text.
std::ifstream open(const fs::path& file) {
  errno = 0;
  std::ifstream in(file, std::ios::binary);
  if (!in) refuse(file.string(), errno ? std::strerror(errno) : "it cannot be opened");
  std::string head(kFileHead, '\0');
  in.read(head.data(), static_cast<std::streamsize>(head.size()));
  head.resize(static_cast<std::size_t>(in.gcount()));
  if (const std::string why = not_a_text(head); !why.empty())
    throw Error(fmt::format("'{}' is not a text: {}.", file.string(), why));
  in.clear();
  in.seekg(0);
  return in;
}

}  // namespace

std::int32_t next_character(const std::string& text, std::size_t& at) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0; };
  const int lead = byte(at);
  const std::size_t size = lead < 0x80   ? 1
                           : lead < 0xC0 ? 0
                           : lead < 0xE0 ? 2
                           : lead < 0xF0 ? 3
                           : lead < 0xF8 ? 4
                                         : 0;
  if (size == 0) return -1;
  std::int32_t code = size == 1 ? lead : lead & (0x7F >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(at + i) & 0xC0) != 0x80) return -1;
    code = code << 6 | (byte(at + i) & 0x3F);
  }
  constexpr std::int32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (code < smallest[size] || code >= static_cast<std::int32_t>(kCodePoints) ||
      (code >= 0xD800 && code < 0xE000))
    return -1;
  at += size;
  return code;
}

std::string read_corpus(const std::string& path) {
  std::string text;
  for (const fs::path& file : corpus_files(path)) {
    std::ifstream in = open(file);
    text.append(std::istreambuf_iterator<char>(in), {});
    if (in.bad()) refuse(file.string(), "reading it failed");
  }
  return text;
}

std::string corpus_hash(const std::string& path) {
  try {
    const std::string text = read_corpus(path);
    return fmt::format("xxh-{:016x}", XXH64(text.data(), text.size(), 0));
  } catch (const Error&) {
    return "";
  }
}

Index corpus_bytes(const std::string& path) {
  Index bytes = 0;
  for (const fs::path& file : corpus_files(path)) {
    // Fails now, in `heed plan`, if a file is not readable.
    open(file);
    std::error_code error;
    bytes += static_cast<Index>(fs::file_size(file, error));
    if (error) refuse(file.string(), error.message());
  }
  return bytes;
}

TokenizedText tokenize_bytes(const std::string& text) {
  TokenizedText out{{}, 256};
  for (int byte = 0; byte < 256; ++byte) out.units.emplace_back(1, static_cast<char>(byte));
  out.tokens.reserve(text.size());
  for (char c : text) out.tokens.push_back(static_cast<unsigned char>(c));
  return out;
}

TokenizedText tokenize_characters(const std::string& text, const std::string& path) {
  TokenizedText out;
  out.tokens.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::int32_t code = next_character(text, at);
    if (code < 0)
      throw Error(
          fmt::format("the text '{}' is not UTF-8: byte {} is {:#04x}; choose 'unit: bytes' or convert it.",
                      path, at, static_cast<unsigned char>(text[at])));
    out.tokens.push_back(code);
  }
  std::vector<Token> token_of(kCodePoints, 0);
  for (Token code : out.tokens) token_of[code] = 1;
  for (std::size_t code = 0; code < kCodePoints; ++code)
    if (token_of[code]) {
      token_of[code] = static_cast<Token>(out.vocabulary++);
      out.units.push_back(utf8(static_cast<std::int32_t>(code)));
    }
  for (Token& t : out.tokens) t = token_of[t];
  return out;
}

std::string utf8(std::int32_t code_point) {
  const auto six = [&](int shift) { return static_cast<char>(0x80 | ((code_point >> shift) & 0x3F)); };
  if (code_point < 0x80) return {static_cast<char>(code_point)};
  if (code_point < 0x800) return {static_cast<char>(0xC0 | code_point >> 6), six(0)};
  if (code_point < 0x10000) return {static_cast<char>(0xE0 | code_point >> 12), six(6), six(0)};
  return {static_cast<char>(0xF0 | code_point >> 18), six(12), six(6), six(0)};
}

// UTF-8 has the order of the code points, and std::string compares bytes as unsigned numbers.
std::vector<Token> encode_units(const std::string& text, std::span<const std::string> units, bool bytes) {
  std::vector<Token> out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    if (bytes)
      ++at;
    else if (next_character(text, at) < 0)
      throw Error(fmt::format("byte {} of the text is not UTF-8.", begin + 1));
    const std::string unit = text.substr(begin, at - begin);
    const auto found = std::ranges::lower_bound(units, unit);
    if (found == units.end() || *found != unit)
      throw Error(
          fmt::format("character {}, '{}', is not one of the {} characters of the task's text. Leave it out, "
                      "or train with 'unit: bytes', which reads every text.",
                      out.size() + 1, unit, units.size()));
    out.push_back(static_cast<Token>(found - units.begin()));
  }
  return out;
}

}  // namespace heed
