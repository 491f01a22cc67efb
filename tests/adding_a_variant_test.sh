#!/usr/bin/env bash
# adding_a_variant_test.sh SOURCE_DIR BUILD_DIR: does what docs/adding-a-variant.md says. The sh blocks of each walk run in order,
# against the installed heed in an empty folder; those of section 5 run in a copy of the tree. Files are taken from the page.
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
section() { awk -v title="## $1" '/^## / {on = $0 == title} on' "$page"; }
sed '/^## 5\./,$d' "$page" >outside.md
section '5. Moving it into the tree' >inside.md
section 'A gate for each token' >gate.md
blocks cpp 1 1 <outside.md >cosine.cpp
blocks cpp 1 1 <gate.md >gated_retention.cpp
section 'The shortest one' | blocks cpp 1 1 >shortest.cpp
((40 < $(wc -l <cosine.cpp) && $(wc -l <cosine.cpp) <= 80)) || fail "the example has $(wc -l <cosine.cpp) lines; it should have 40 to 80"
(($(wc -l <gated_retention.cpp) == 60)) || fail "the gated variant has $(wc -l <gated_retention.cpp) lines; the page says 60"
(($(wc -l <shortest.cpp) == 41)) || fail "the shortest variant has $(wc -l <shortest.cpp) lines; the page says 41"

# --- Outside of the tree.
quietly cmake --install "$build" --prefix "$work/prefix"
walk() {  # walk NAME PAGE: the sh blocks of a page, with the variant's file put in place after the first one
  mkdir "$1_walk"
  {
    echo 'set -euxo pipefail'
    blocks sh 1 1 <"$2"
    echo "cp $work/$1.cpp ."
    blocks sh 2 99 <"$2"
  } >commands.sh
  (cd "$1_walk" && PATH=$work/prefix/bin:$PATH bash ../commands.sh >../output.txt 2>../messages.txt) || {
    cat output.txt messages.txt >&2
    fail "a command of the page failed"
  }
  cat output.txt
  grep -qE '^[0-9]+ in all: [0-9]+ passed, [0-9]+ skipped' output.txt || fail "the page's $1 does not pass what it should"
}
rows() { grep -c "^$1 .*\[0\." output.txt; }
walk cosine outside.md
(($(rows cosine) >= 3)) || fail "the tables have no row of cosine"
grep -q ' passed, 2 skipped' output.txt || fail "not two checks, of positions apart and context parallelism, are skipped"
walk gated_retention gate.md
(($(rows gated_retention) >= 1)) || fail "the table has no row of gated_retention"

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
grep -qE '^[0-9]+ in all: [0-9]+ passed, 2 skipped' "$work/log" || fail "the variant passes less inside of the tree than outside"
grep -q '100% tests passed, 0 tests failed out of 1' "$work/log" || fail "the variant breaks a test inside of the tree"
