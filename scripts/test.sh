#!/usr/bin/env bash
# test.sh [--long]: installs what is missing, builds everything, runs the tests. A second call rebuilds nothing.
# --long adds the slow tests, the whole suite under the sanitizers, and every fault of tests/faults: hours.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/install_packages.sh build tests
scripts/build.sh
if [[ ${1:-} == --long ]]; then
  scripts/install_packages.sh lint
  scripts/sanitize.sh
  ctest --test-dir build/release --output-on-failure --parallel "$(nproc)" --label-exclude long
  ctest --test-dir build/release --verbose --label-regex long  # their figures are in docs/reliability.md
else
  ctest --preset release --parallel "$(nproc)"
fi
