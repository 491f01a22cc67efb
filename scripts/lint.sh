#!/usr/bin/env bash
# lint.sh [--all]: clang-format on all files, then clang-tidy (preset lint) on the program; with --all also on the tests. Ninja
# remembers clean files, so a second call checks only what changed. LINT_SECONDS limits the time of clang-tidy; the script reports
# what it did not reach, and the next call continues there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

find . \( -path ./build -o -path ./runs -o -name '.?*' \) -prune -o \( -name '*.h' -o -name '*.cpp' \) -print0 |
  xargs -0 clang-format --dry-run --Werror

mkdir -p build/lint
cmake --preset lint >build/lint/configure.log
if [[ .clang-tidy -nt build/lint/checks ]]; then  # Ninja does not know that every object depends on the checks
  cmake --build --preset lint --target clean >/dev/null
  touch build/lint/checks
fi
target=(--target heed)
[[ ${1:-} == --all ]] && target=()
status=0
timeout "${LINT_SECONDS:-3600}" cmake --build --preset lint --parallel "$(nproc)" "${target[@]}" -- -k 0 || status=$?
if [[ $status == 124 ]]; then
  echo "lint.sh: clang-tidy was stopped after ${LINT_SECONDS} s; the files not reached were not checked." >&2
  exit 0
fi
exit "$status"
