#!/usr/bin/env bash
# subdirectory_test.sh SOURCE_DIR BUILD_DIR: a project that contains heed's tree (add_subdirectory) builds a plugin, and of heed
# only what that needs; the heed of BUILD_DIR takes it.
set -euo pipefail
source_dir=$(realpath "$1") build=$(realpath "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset heed_DIR HEED_PLUGIN_PATH

fail() {
  echo "subdirectory_test: $*" >&2
  exit 1
}
quietly() { "$@" >"$work/log" 2>&1 || { cat "$work/log" >&2; fail "failed: $*"; }; }

# The compiler cache has the core of the release build: the same flags, paths relative to the tree.
launcher=()
if command -v ccache >/dev/null; then
  launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER="cmake;-E;env;CCACHE_BASEDIR=$source_dir;CCACHE_NOHASHDIR=1;ccache")
fi
quietly cmake -G Ninja -S "$source_dir/tests/install/subdirectory" -B "$work/build" "${launcher[@]}" \
  -DHEED_TREE="$source_dir" -DCMAKE_BUILD_TYPE=Release -DHEED_ARCH=native
quietly cmake --build "$work/build"
[[ ! -e $work/build/heed/bin/heed && -z $(find "$work/build" -name '*heed_variants*.so') ]] || fail "more of heed was built than a plugin needs"

# What the plugin inherits: alignment, the standard; not heed's own instruction set, nor its warnings.
command=$(ninja -C "$work/build" -t commands relu2.so | grep 'relu2\.cpp\.o ')
for flag in -DEIGEN_MAX_ALIGN_BYTES=64 -DEIGEN_MAX_STATIC_ALIGN_BYTES=16 -std=c++20 -fopenmp; do
  [[ $command == *"$flag"* ]] || fail "the plugin is compiled without $flag: $command"
done
for flag in -march -Wconversion -Werror; do
  [[ $command != *"$flag"* ]] || fail "the plugin is compiled with heed's own $flag: $command"
done
core=$(ninja -C "$work/build" -t commands relu2.so | grep 'params\.cpp\.o ')
[[ $core == *-march=native* ]] || fail "heed's own option HEED_ARCH does not reach its core: $core"

"$build/bin/heed" check relu2 --only gradient --plugin "$work/build/relu2.so"
