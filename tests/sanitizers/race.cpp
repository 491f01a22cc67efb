// Four threads add to one number without agreeing: ThreadSanitizer must report it.
#include <cstdio>

int main() {
  long sum = 0;
#pragma omp parallel for num_threads(4)
  for (int i = 0; i < 100000; ++i) sum += i;
  std::printf("sum %ld\n", sum);
}
