// Runs the heed program as a user does.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace heed::test {

struct Ended {
  int code = -1;  // exit code; 128 + signal where a signal ended it
  std::string out, err;
};

// One run of the program, in the background until `wait`. Killed with its scope.
class Program {
 public:
  // Its working folder is `folder`; what it prints is kept there, in files of its own.
  Program(const std::filesystem::path& folder, const std::vector<std::string>& words);
  // Another program, to which $heed is the path of this one.
  Program(const std::filesystem::path& folder, const std::filesystem::path& executable,
          const std::vector<std::string>& words);
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  ~Program();

  pid_t pid() const { return pid_; }
  std::vector<pid_t> children() const;
  void signal(int signal) const;
  bool ended() const;  // and waits to be waited for
  Ended wait();

 private:
  pid_t pid_;
  std::filesystem::path out_, err_;
};

Ended heed(const std::filesystem::path& folder, const std::vector<std::string>& words);

// A script of /bin/sh.
Ended shell(const std::filesystem::path& folder, const std::string& script);

bool alive(pid_t pid);

// Looks again and again until something holds; false after `seconds`.
template <class Holds>
bool eventually(Holds&& holds, double seconds = 30);

void write_file(const std::filesystem::path& path, const std::string& text);
std::string read_file(const std::filesystem::path& path);
void pause();  // a few milliseconds

template <class Holds>
bool eventually(Holds&& holds, double seconds) {
  for (int i = 0; i < static_cast<int>(seconds * 100); ++i) {
    if (holds()) return true;
    pause();
  }
  return false;
}

}  // namespace heed::test
