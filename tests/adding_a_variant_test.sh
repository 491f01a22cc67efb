#!/usr/bin/env bash
# adding_a_variant_test.sh SOURCE_DIR BUILD_DIR: does what docs/adding-a-variant.md says. Its sh blocks run in order, against the
# installed heed in an empty folder, and from section 5 on in a copy of the tree; its files are taken from the page as they stand.
set -euo pipefail
source_dir=$(realpath "$1") build=$(realpath "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset heed_DIR HEED_PLUGIN_PATH

fail() {
  echo "adding_a_variant_test: $*" >&2
  exit 1
}
quietly() { "$@" >"$work/log" 2>&1 || { cat "$work/log" >&2; fail "failed: $*"; }; }
blocks() {  # blocks KIND FIRST LAST <PAGE: the code blocks of a kind, the FIRST to the LAST
  awk -v fence='```'"$1" -v first="$2" -v last="$3" '
    /^```/ {if (inside) inside = on = 0; else {inside = 1; on = $0 == fence && ++n >= first && n <= last}; next}
    on'
}

cd "$work"
page=$source_dir/docs/adding-a-variant.md
sed '/^## 5\./,$d' "$page" >outside.md
sed -n '/^## 5\./,$p' "$page" >inside.md
blocks cpp 1 1 <outside.md >cosine.cpp
blocks cpp 1 1 <inside.md >shortest.cpp
((40 < $(wc -l <cosine.cpp) && $(wc -l <cosine.cpp) <= 80)) || fail "the example has $(wc -l <cosine.cpp) lines; it should have 40 to 80"
(($(wc -l <shortest.cpp) == 41)) || fail "the shortest variant has $(wc -l <shortest.cpp) lines; the page says 41"

# --- Outside of the tree.
quietly cmake --install "$build" --prefix "$work/prefix"
{
  echo 'set -euxo pipefail'
  blocks sh 1 1 <outside.md
  echo 'cp ../cosine.cpp .'
  blocks sh 2 99 <outside.md
} >commands.sh
mkdir empty
cp cosine.cpp empty
(cd empty && PATH=$work/prefix/bin:$PATH bash ../commands.sh >../output.txt 2>../messages.txt) || {
  cat output.txt messages.txt >&2
  fail "a command of the page failed"
}
cat output.txt
(($(grep -c '^cosine .*\[0\.' output.txt) >= 3)) || fail "the tables have no row of cosine"
grep -qE '^[0-9]+ in all: [0-9]+ passed, 1 skipped' output.txt || fail "the page's variant does not pass what it should"

# --- The shortest variant, as it stands.
mkdir shortest && cd shortest
cp ../shortest.cpp .
printf '%s\n' 'cmake_minimum_required(VERSION 3.25)' 'project(shortest LANGUAGES CXX)' 'find_package(heed REQUIRED)' \
  'heed_add_plugin(shortest shortest.cpp REGISTERS my_softmax)' >CMakeLists.txt
quietly cmake -B build -Dheed_DIR="$work/prefix/lib/cmake/heed"
quietly cmake --build build
quietly "$work/prefix/bin/heed" check my_softmax --plugin build/shortest.so
cd ..

# --- Inside: the file, its line, the commands, in a copy of the tree. The compiler cache has what the main tree has compiled.
mkdir tree
cp -r "$source_dir"/{CMakeLists.txt,CMakePresets.json,cmake,configs,core,docs,examples,experiments,results,scripts,tests,variants} tree
cd tree
cp ../cosine.cpp variants
blocks cmake 1 1 <../inside.md >>variants/CMakeLists.txt
{
  echo 'set -euxo pipefail'
  blocks sh 1 99 <../inside.md
} >../commands.sh
quietly bash ../commands.sh
grep -qE '^[0-9]+ in all: [0-9]+ passed, 1 skipped' "$work/log" || fail "the variant passes less inside of the tree than outside"
grep -q '100% tests passed, 0 tests failed out of 1' "$work/log" || fail "the variant breaks a test inside of the tree"
