#!/usr/bin/env bash
# lint.sh [--all]: clang-format on all files, then clang-tidy (preset lint) on the program; with --all also on the tests. Ninja
# remembers clean files, so a second call checks only what changed. LINT_SECONDS limits the time of clang-tidy: the files of the
# last commits come first, the script reports when it did not reach all, and the next call continues there.
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
checked() { timeout "$1" cmake --build --preset lint --parallel "$(nproc)" "${@:2}" -- -k 0; }
status=0
left=${LINT_SECONDS:-3600}
# The last 60 sources of the program by the time of their last commit; a source and ^ is Ninja's name of what is made from it.
newest=$(git log -n 200 --format= --name-only --diff-filter=d -- core variants results experiments 2>/dev/null |
  awk '/\.cpp$/ && !seen[$0]++ && n++ < 60' |
  while read -r f; do ! grep -qF "\"$PWD/$f\"" build/lint/compile_commands.json || echo "$PWD/$f^"; done || true)
if [[ -n $newest ]]; then
  mapfile -t newest <<<"$newest"
  checked "$left" --target "${newest[@]}" || status=$?
  left=$((left - SECONDS > 0 ? left - SECONDS : 1))
fi
[[ $status != 0 ]] || checked "$left" "${target[@]}" || status=$?
if [[ $status == 124 ]]; then
  echo "lint.sh: clang-tidy was stopped after ${LINT_SECONDS} s; the files not reached were not checked." >&2
  exit 0
fi
exit "$status"
