#!/usr/bin/env bash
# package_test.sh SOURCE_DIR: makes the Debian package (scripts/package.sh), unpacks it, and makes the dynamic loader take each
# of its builds of the kernels that this processor supports. All must give the same results, up to rounding, and load a
# plugin. Exit code 77: skipped, because only packages for x86-64 contain several builds.
set -euo pipefail
source_dir=$(realpath "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset heed_DIR HEED_PLUGIN_PATH LD_LIBRARY_PATH
python=/usr/bin/python3  # the distribution's, which has the packages of scripts/packages.txt
[[ -x $python ]] || python=python3

fail() {
  echo "package_test: $*" >&2
  exit 1
}
quietly() { "$@" >"$work/log" 2>&1 || { cat "$work/log" >&2; fail "failed: $*"; }; }

[[ $(dpkg --print-architecture) == amd64 ]] || exit 77
quietly "$source_dir/scripts/package.sh"
dpkg-deb -x "$source_dir"/build/package/heed_*_amd64.deb "$work/root"
heed=$work/root/usr/bin/heed
loader=$(realpath /lib64/ld-linux-x86-64.so.2)

# A plugin for any x86-64 processor.
cd "$work"
quietly "$heed" new variant packed
cd packed
quietly cmake -B build -Dheed_DIR="$work/root/usr/lib/x86_64-linux-gnu/cmake/heed"
quietly cmake --build build
cd ..

best=x86-64
for level in x86-64 x86-64-v3 x86-64-v4; do
  if [[ $level != x86-64 ]] && ! "$loader" --help | grep -q "^  $level (supported"; then
    echo "$level: not run, this processor does not support it"
    continue
  fi
  best=$level
  only=("$loader" --glibc-hwcaps-mask "$level" "$heed")
  kernels=$([[ $level == x86-64 ]] || echo " kernels for $level;")
  "${only[@]}" --version | grep -F -- "-march=x86-64;$kernels x86-64" || fail "with $level, heed --version reports another build"
  quietly "${only[@]}" run "$work/root/usr/share/heed/configs/smoke.yaml" -o "$level"
  quietly "${only[@]}" check packed --only gradient --plugin packed/build/packed.so
  # The kernels call no function of the program, which is compiled for any processor, and core none of the variants. Classes
  # of errors and of the standard library have one table of functions for all.
  LD_DEBUG=bindings LD_BIND_NOW=1 "${only[@]}" --version 2>&1 |
    sed -nE 's/.*binding file .*(libheed_[a-z]+\.so)\S* .* to .*\/(heed|libheed_variants\.so) .*normal symbol `(.*)'"'"'.*/\1 \2 \3/p' |
    awk '$1 != $2 && $3 ~ /^(_Z[^TGZ]|_ZTVN4heed)/ && $3 !~ /(2id|Error)E$/' >bindings.txt
  [[ ! -s bindings.txt ]] || fail "calls from one library into another: $(c++filt <bindings.txt | head -n 5)"
done
"$heed" --version >version.txt
[[ $best == x86-64 ]] || grep -q "kernels for $best;" version.txt || fail "the loader did not choose $best: $(cat version.txt)"

"$python" - x86-64 x86-64-v3 x86-64-v4 <<'PYTHON'
import os
import sys

import h5py
import numpy as np

def losses(level):
    file = h5py.File(f"{level}/results.h5")
    # A worker is a process of its own; it must have used the same build.
    for build in file["build"].asstr()[:]:
        assert (f"kernels for {level};" in build) == (level != "x86-64"), (level, build)
    return file["train_loss"][:], file["test_loss"][:]

train, test = losses(sys.argv[1])
assert np.isfinite(train).all() and train.shape[1] == 20
for level in filter(os.path.exists, sys.argv[2:]):
    other_train, other_test = losses(level)
    assert not np.array_equal(train, other_train), f"{level}: every bit is the same, so it is the same build"
    np.testing.assert_allclose(other_train[:, :5], train[:, :5], rtol=1e-4)
    np.testing.assert_allclose(other_test, test, rtol=1e-2)  # training amplifies rounding errors
PYTHON
