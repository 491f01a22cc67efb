#!/usr/bin/env bash
# test.sh [--long]: installs missing packages, builds everything, runs the tests. A second call rebuilds nothing. --long adds the
# slow tests, the whole suite under the sanitizers, every fault of tests/faults, and fuzzing: hours.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/install_packages.sh build tests mpi
scripts/build.sh
if [[ ${1:-} == --long ]]; then
  scripts/install_packages.sh lint
  scripts/sanitize.sh
  # NaN must be detected in every kind of build: Debug, no optimization, and -O3 without -march=native.
  for kind in dev coverage portable; do
    preset=${kind/portable/release}
    mkdir -p "build/$kind"
    cmake --preset "$preset" -B "build/$kind" >"build/$kind/configure.log"
    cmake --build "build/$kind" --parallel "$(nproc)" --target heed core_test not_finite_test cli_run_test
    ctest --test-dir "build/$kind" --output-on-failure --tests-regex '^(core_test|not_finite_test|cli_run_test)$'
  done
  ctest --test-dir build/release --output-on-failure --parallel "$(nproc)" --label-exclude long
  ctest --test-dir build/release --verbose --label-regex long  # their figures are in docs/reliability.md
  scripts/fuzz.sh 600
else
  ctest --preset release --parallel "$(nproc)"
fi
