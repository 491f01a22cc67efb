#!/usr/bin/env bash
# sanitize.sh [--part]: builds and runs the suite, except slow tests and tests of installation and Slurm, under the address and
# undefined-behavior sanitizers (GCC), the thread sanitizer (Clang with libomp and Archer) and the leak sanitizer (Clang). --part is
# the CI's part: the kernels of every variant and the readers of results under the first, the threads under the second.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

part_of() {  # of a preset: its tests; the targets have the same names, but for two kinds
  case $1 in
    asan) echo core_test results_test conformance_defaults_test results_corpus_test ;;
    tsan) echo core_test ;;
  esac
}

presets=(asan tsan lsan)
[[ ${1:-} != --part ]] || presets=(asan tsan)
for preset in "${presets[@]}"; do
  mkdir -p "build/$preset"
  cmake --preset "$preset" >"build/$preset/configure.log"
  selected=() targets=()
  if [[ ${1:-} == --part ]]; then
    tests=$(part_of "$preset")
    targets=(--target sanitizer_twins $(sed -e 's/_corpus_test/_replay/g' -e 's/conformance_defaults/conformance/' <<<"$tests"))
    selected=(--tests-regex "^(${tests// /|}|sanitizer_.*)\$")
  fi
  cmake --build --preset "$preset" --parallel "$(nproc)" "${targets[@]}"
  ctest --preset "$preset" --parallel "$(nproc)" "${selected[@]}"
done
