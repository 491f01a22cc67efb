#include "experiments/system/this_program.h"

#include <sys/auxv.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <system_error>

namespace heed {
namespace {

namespace fs = std::filesystem;

// Returns the file that is mapped at an address. A line of /proc/self/maps is
//     7f30a4e28000-7f30a4f7f000 r-xp 00028000 fe:00 1835 /usr/bin/heed
fs::path mapped_file(std::uintptr_t address) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    std::istringstream in(line);
    std::uintptr_t begin = 0, end = 0;
    std::string mode, offset, device, inode, file;
    in >> std::hex >> begin;
    in.ignore();  // '-'
    in >> end >> mode >> offset >> device >> inode;
    if (in && begin <= address && address < end && std::getline(in >> std::ws, file)) return file;
  }
  return {};
}

}  // namespace

std::vector<std::string> command_line() {
  std::ifstream in("/proc/self/cmdline", std::ios::binary);
  std::vector<std::string> words;
  for (std::string word; std::getline(in, word, '\0');) words.push_back(word);
  return words;
}

fs::path this_program() {
  // Called as a program, the loader is /proc/self/exe, and changes the entry address to that of the program.
  const fs::path file = mapped_file(getauxval(AT_ENTRY));
  return file.empty() ? fs::read_symlink(kThisProgram) : file;
}

std::vector<std::string> this_program_words() {
  const fs::path executed = fs::read_symlink(kThisProgram), program = this_program();
  if (executed == program) return {program.string()};
  std::vector<std::string> words = command_line();
  const auto is_program = [&](const std::string& word) {
    std::error_code not_there;
    return fs::equivalent(word, program, not_there);
  };
  const auto at = std::find_if(words.begin() + 1, words.end(), is_program);
  if (at == words.end()) return {program.string()};
  words.erase(at, words.end());
  words.front() = executed.string();
  words.push_back(program.string());
  return words;
}

std::vector<std::string> this_program_with(const std::vector<std::string>& arguments) {
  std::vector<std::string> words = this_program_words();
  words.front() = "heed";
  words.insert(words.end(), arguments.begin(), arguments.end());
  return words;
}

}  // namespace heed
