// The same sum through one slot per task, as heed does it: ThreadSanitizer must be silent. Without the Archer
// tool it does not see the barriers of OpenMP and reports races that are none, here between the two loops.
#include <cstdio>
#include <vector>

int main() {
  const int tasks = 10;
  std::vector<long> slot(tasks);
  for (int repeat = 0; repeat < 50; ++repeat) {
#pragma omp parallel num_threads(4)
    {
#pragma omp for schedule(dynamic, 1)
      for (int t = 0; t < tasks; ++t) slot[static_cast<std::size_t>(t)] = 0;
#pragma omp for schedule(static)
      for (int t = tasks - 1; t >= 0; --t) {
        for (int i = 0; i < 10000; ++i) slot[static_cast<std::size_t>(t)] += 10000L * t + i;
      }
    }
  }
  long sum = 0;
  for (const long s : slot) sum += s;
  std::printf("sum %ld\n", sum);
}
