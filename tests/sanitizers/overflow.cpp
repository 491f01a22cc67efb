// Adds one to the largest int: UndefinedBehaviorSanitizer must stop it.
#include <cstdio>
#include <limits>

int main(int argc, char**) {
  const int largest = std::numeric_limits<int>::max();
  std::printf("not reported: %d\n", largest + argc);
}
