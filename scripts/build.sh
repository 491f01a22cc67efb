#!/usr/bin/env bash
# build.sh [TARGET...]: configures build/release for this machine and builds the targets (default: everything).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

log=build/release/configure.log
mkdir -p build/release
cmake --preset release -DHEED_ARCH=native >"$log" 2>&1 || {
  cat "$log" >&2
  exit 1
}
cmake --build build/release --parallel "$(nproc)" ${1:+--target "$@"}
