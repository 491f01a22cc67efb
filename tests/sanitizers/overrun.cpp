// Reads one element behind a heap block: AddressSanitizer must stop it.
#include <cstdio>
#include <vector>

int main(int argc, char**) {
  const std::vector<int> block(8, 1);
  const int* data = block.data();
  std::printf("not reported: %d\n", data[7 + argc]);
}
