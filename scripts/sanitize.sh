#!/usr/bin/env bash
# sanitize.sh [--part]: builds the suite and runs all but its slow tests under the address and undefined-behaviour sanitizers
# (GCC), the thread sanitizer (Clang with libomp and Archer) and the leak sanitizer (Clang). With --part the tests that reach
# the kernels of every variant, every reader of files and the plugins: what CI has time for.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

part_of() {  # of a preset: its tests; the targets have the same names, but for three kinds
  case $1 in
    asan) echo core_test results_test conformance_defaults_test not_finite_test yaml_test plugins_test {sweep,results,checkpoint}_corpus_test ;;
    tsan) echo core_test conformance_defaults_test ;;
    lsan) echo results_test yaml_test ;;
  esac
}

for preset in asan tsan lsan; do
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
