// Loses a heap block: LeakSanitizer must report it when the program ends.
#include <cstdio>

int main() {
  int* volatile block = new int[8];
  block = nullptr;
  std::printf("lost: %d\n", block == nullptr);
}
