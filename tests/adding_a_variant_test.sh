#!/usr/bin/env bash
# adding_a_variant_test.sh SOURCE_DIR: does what docs/adding-a-variant.md says, in a copy of the tree: the example's file, its one line, build, check, train.
set -euo pipefail
source_dir=$1
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT

cp -r "$source_dir"/{CMakeLists.txt,CMakePresets.json,cmake,core,variants,results,experiments,configs,tests} "$copy"/
cd "$copy"

# The first ```cpp block of the page is the file; the line is the one in its ```cmake block.
awk '/^```cpp/{on=1; next} /^```/{if (on) exit} on' "$source_dir/docs/adding-a-variant.md" >variants/cosine.cpp
awk '/^```cmake/{on=1; next} /^```/{if (on) exit} on' "$source_dir/docs/adding-a-variant.md" >>variants/CMakeLists.txt
lines=$(wc -l <variants/cosine.cpp)
if ((lines < 30 || lines > 60)); then
  echo "the example has $lines lines; it should have 30 to 60" >&2
  exit 1
fi

# The compiler cache finds what the main tree has compiled: the same flags, paths relative to the tree.
cmake --preset release -DHEED_NATIVE="${HEED_NATIVE:-ON}" -DHEED_BUILD_TESTS=OFF >configure.log 2>&1 || { cat configure.log >&2; exit 1; }
cmake --build build/release --target heed >build.log 2>&1 || { cat build.log >&2; exit 1; }

heed=build/release/bin/heed
"$heed" list cosine | grep -q sharpness
"$heed" check cosine
"$heed" run configs/smoke.yaml 'variants=[softmax, cosine]' -o run >table.txt
cat table.txt
grep -q cosine table.txt
