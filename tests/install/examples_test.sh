#!/usr/bin/env bash
# examples_test.sh BUILD_DIR [CMAKE_ARGUMENT...]: builds each project of examples/ against the installed heed, as it stands
# (any machine's instruction set) and for another machine than heed's, and uses it. The arguments go to each plugin's CMake.
set -euo pipefail
build=$(realpath "$1")
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset heed_DIR HEED_PLUGIN_PATH

fail() {
  echo "examples_test: $*" >&2
  exit 1
}
quietly() { "$@" >"$work/log" 2>&1 || { cat "$work/log" >&2; fail "failed: $*"; }; }

quietly cmake --install "$build" --prefix "$work/prefix"
export PATH=$work/prefix/bin:$PATH
cp -r "$work/prefix/share/heed/examples" "$work"

short=(train.steps=20 train.warmup=0 train.evaluate_sequences=32 train.test_sequences=64 sweep.seeds=1)
for name in gated relu2 axial majority adagrad; do
  cd "$work/examples/$name"
  quietly cmake -B build "$@"
  quietly cmake --build build
  heed list "$name" --plugin "build/$name.so" >list.txt
  heed run sweep.yaml "${short[@]}" >table.txt 2>messages.txt || { cat messages.txt >&2; fail "the sweep of $name failed"; }
  cat table.txt
  if grep -q 'stamp' table.txt; then fail "the table of $name shows the plugin's stamp"; fi
done
grep -q '^softmax *relu2 ' ../relu2/table.txt || fail "the feed-forward has no row"
grep -q '^gated(key_heads=1)' ../gated/table.txt || fail "attention with shared keys has no row"
grep -q '^softmax *axial' ../axial/table.txt || fail "the positions have no row"
grep -q '^window ' ../majority/table.txt || fail "the task was not run"
grep -q '^softmax .* adagrad ' ../adagrad/table.txt || fail "the optimizer has no row"
grep -q '(optimizer)' ../adagrad/list.txt || fail "the optimizer is not listed"
page=$work/prefix/share/doc/heed/docs/adding-an-optimizer.md
awk '/^```cpp/ {on = 1; next} /^```/ {on = 0} on' "$page" | diff - ../adagrad/adagrad.cpp ||
  fail "docs/adding-an-optimizer.md shows another file than examples/adagrad"
for name in gated relu2; do
  cd "$work/examples/$name"
  heed check "$name" --plugin "build/$name.so"
done

# The same plugin for another machine than heed's. Where this one cannot run it, that is said before it is tried.
cmake -B build-v3 "$@" -DCMAKE_CXX_FLAGS=-march=x86-64-v3 >/dev/null
quietly cmake --build build-v3
status=0
heed check relu2 --plugin build-v3/relu2.so >v3.txt 2>&1 || status=$?
if grep -qw avx2 /proc/cpuinfo && grep -qw fma /proc/cpuinfo; then
  [[ $status == 0 ]] || { cat v3.txt >&2; fail "the plugin for x86-64-v3 failed with exit code $status"; }
else
  [[ $status == 66 ]] || fail "a plugin that this machine cannot run was not refused"
fi
