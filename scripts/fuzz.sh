#!/usr/bin/env bash
# fuzz.sh [SECONDS [TARGET...]]: builds the readers of sweep files, results, checkpoints and images (IDX) with libFuzzer, the
# address and the undefined-behavior sanitizer, and runs each for SECONDS (60). It starts from the corpus in tests/fuzz/corpus
# and writes new inputs and crashes to build/fuzz. Add the input of a fixed bug to the corpus.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

seconds=${1:-60}
targets=("${@:2}")
[[ ${#targets[@]} -gt 0 ]] || targets=(sweep results checkpoint idx)

scripts/install_packages.sh build lint
mkdir -p build/fuzz
# fuzzer-no-link: coverage is counted in all of heed; only the targets get the fuzzer's main.
cmake -S . -B build/fuzz -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++ \
  "-DHEED_SANITIZE=address;undefined;fuzzer-no-link" -DHEED_FUZZ=ON >build/fuzz/configure.log
cmake --build build/fuzz --parallel "$(nproc)" --target "${targets[@]/%/_fuzzer}"
[[ ! -w /dev/shm ]] || export TMPDIR=/dev/shm  # where fsync costs nothing
for name in "${targets[@]}"; do
  mkdir -p "build/fuzz/corpus/$name"
  "build/fuzz/bin/${name}_fuzzer" -max_total_time="$seconds" -timeout=10 -max_len=4096 -verbosity=0 -print_final_stats=1 \
    -artifact_prefix="build/fuzz/$name-" "build/fuzz/corpus/$name" "tests/fuzz/corpus/$name"
done
