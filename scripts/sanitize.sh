#!/usr/bin/env bash
# sanitize.sh [TEST...]: builds and runs these tests (all but the slow ones when none is named) under the address and
# undefined-behaviour sanitizers, then under the thread sanitizer.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

for preset in asan tsan; do
  mkdir -p "build/$preset"
  cmake --preset "$preset" >"build/$preset/configure.log"
  tests=()
  if [[ $# -gt 0 ]]; then
    cmake --build --preset "$preset" --parallel "$(nproc)" --target "$@" sanitizer_twins
    tests=(--tests-regex "^($(IFS='|'; echo "$*")|sanitizer_.*)\$")
  else
    cmake --build --preset "$preset" --parallel "$(nproc)"
  fi
  ctest --preset "$preset" --parallel "$(nproc)" "${tests[@]}"
done
