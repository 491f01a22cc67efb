#!/usr/bin/env bash
# fuzz.sh [SECONDS]: builds the readers of sweep files and checkpoints with libFuzzer and the address sanitizer, and lets
# each run for so long (60). The corpus in tests/fuzz/corpus is where it starts; what it finds is kept in build/fuzz.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/install_packages.sh build lint
mkdir -p build/fuzz
cmake -S . -B build/fuzz -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++ \
  "-DHEED_SANITIZE=address;undefined" -DHEED_FUZZ=ON >build/fuzz/configure.log
cmake --build build/fuzz --parallel "$(nproc)" --target sweep_fuzzer checkpoint_fuzzer
for name in sweep checkpoint; do
  mkdir -p "build/fuzz/corpus/$name"
  "build/fuzz/bin/${name}_fuzzer" -max_total_time="${1:-60}" -timeout=10 -max_len=4096 -verbosity=0 -print_final_stats=1 \
    -artifact_prefix="build/fuzz/$name-" "build/fuzz/corpus/$name" "tests/fuzz/corpus/$name"
done
