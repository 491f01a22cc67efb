#!/usr/bin/env bash
# clang_test.sh GCC_BUILD_DIR: heed (only the program) and the plugins of examples/ with Clang, against its installed tree; and
# a plugin of Clang's offered to the heed of GCC_BUILD_DIR, which must refuse it. Speed is not asked for, so -O1 is enough.
set -euo pipefail
gcc_build=$(realpath "$1")
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
clang=-DCMAKE_CXX_COMPILER=clang++

cmake --preset release -B build/clang "$clang" -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_FLAGS_RELEASE="-O1 -DNDEBUG" -DHEED_ARCH=native -DHEED_BUILD_TESTS=OFF
cmake --build build/clang --parallel "$(nproc)" --target heed
echo "Clang's heed: built after $SECONDS s"
tests/install/examples_test.sh build/clang "$clang"
echo "Clang's plugins: used after $SECONDS s"

cmake -S examples/relu2 -B "$work/build" "$clang" -Dheed_DIR="$PWD/build/clang"
cmake --build "$work/build"
status=0
"$gcc_build/bin/heed" check relu2 --plugin "$work/build/relu2.so" >"$work/refused.txt" 2>&1 || status=$?
cat "$work/refused.txt"
[[ $status == 66 ]] || { echo "clang_test: Clang's plugin ended GCC's heed with exit code $status, not 66" >&2; exit 1; }
grep -q 'compiler: Clang [0-9]* in the plugin, GCC [0-9]* in this heed' "$work/refused.txt" ||
  { echo "clang_test: the refusal does not name both compilers" >&2; exit 1; }
