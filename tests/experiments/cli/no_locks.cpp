// A file system without locks, for the program that this is loaded into.
#include <sys/file.h>

#include <cerrno>

extern "C" int flock(int, int) {
  errno = ENOSYS;
  return -1;
}
