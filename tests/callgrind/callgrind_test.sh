#!/usr/bin/env bash
# callgrind_test.sh [--record] [BUILD]: counts the instructions of small training steps (step.cpp) and compares them with
# counts.txt; --record writes them there. BUILD, build/callgrind if not given, is a second tree that it builds.
# A count is the same on a busy machine and on a slow one. It is no time: caches and wider registers are not in it.
# Valgrind knows no AVX-512, so the build is for x86-64-v3 on every machine: a slower AVX-512 path would stay unseen,
# work that is done twice does not. bfloat16 is the portable path.
# Exit code 77: skipped, because the counts would mean nothing here.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
counts=$here/counts.txt
steps=(softmax linear tokenformer gated_delta encoder_decoder bfloat16)
tolerance=5  # percent: what another C library or Valgrind may change

record=
if [[ ${1:-} == --record ]]; then
  record=yes
  shift
fi
build=${1:-$here/../../build/callgrind}

skip() {
  echo "skipped: $*"
  exit 77
}

build_step() {
  mkdir -p "$build"
  cmake -S "$here/../.." -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS=-march=x86-64-v3 \
    >"$build/configure.log" 2>&1 || { cat "$build/configure.log" >&2; return 1; }
  stamp=$(<"$build/tests/callgrind/stamp.txt")
  recorded=$(sed -n 's/^# stamp: //p' "$counts")
  [[ $record || $stamp == "$recorded" ]] || skip "the counts are of '$recorded', this is '$stamp'"
  cmake --build "$build" --target callgrind_step >"$build/build.log" 2>&1 || { cat "$build/build.log" >&2; return 1; }
}

# Lines of NAME COUNT. `callgrind_annotate BUILD/NAME.callgrind` says which functions they are.
measure() {
  local name count
  for name in "${steps[@]}"; do
    valgrind --tool=callgrind --callgrind-out-file="$build/$name.callgrind" \
      --toggle-collect='heed::Training::train_step(long)' "$build/bin/callgrind_step" "$name" >"$build/$name.log" 2>&1 ||
      { cat "$build/$name.log" >&2; return 1; }
    count=$(awk '/Collected/ {print $NF}' "$build/$name.log")
    if ((count == 0)); then
      echo "nothing was counted: is heed::Training::train_step(long) no function of its own any more?" >&2
      return 1
    fi
    echo "$name $count"
  done
}

# compare MEASURED RECORDED: a line for each name; fails where one has become slower, or is not in both.
compare() {
  awk -v tolerance=$tolerance '
    /^#/ {next}
    FNR == NR {measured[$1] = $2; next}
    !($1 in measured) {print $1 ": recorded, but not measured"; bad = 1; next}
    {
      change = 100 * (measured[$1] / $2 - 1)
      verdict = "as recorded"
      if (change > tolerance) {verdict = "SLOWER"; bad = 1}
      if (change < -tolerance) verdict = "faster; keep it with callgrind_test.sh --record"
      printf "%s: %.1f million instructions, %.1f recorded, %+.1f %%: %s\n", $1, measured[$1] / 1e6, $2 / 1e6, change, verdict
      delete measured[$1]
    }
    END {for (name in measured) {print name ": measured, but not recorded"; bad = 1}; exit bad}' "$1" "$2"
}

command -v valgrind >/dev/null || skip "valgrind is not installed (scripts/packages.txt)"
for flag in avx2 bmi2 fma; do
  grep -qw "$flag" /proc/cpuinfo || skip "this processor has no $flag"
done
build_step
measured=$build/measured.txt
measure >"$measured"

if [[ $record ]]; then
  {
    echo "# Instructions of two steps (step.cpp). Written by callgrind_test.sh --record."
    echo "# stamp: $stamp"
    cat "$measured"
  } >"$counts"
  cat "$counts"
  exit
fi

# Negative test: the comparison must fail if one count is exceeded by 10 %.
for name in "${steps[@]}"; do
  awk -v name="$name" '$1 == name {$2 /= 1.1} {print $1, $2}' "$measured" >"$build/broken.txt"
  if compare "$measured" "$build/broken.txt" >/dev/null; then
    echo "a $name that is 10 % slower passes: this test tests nothing" >&2
    exit 1
  fi
done

compare "$measured" "$counts" || {
  echo "If that is the price of something better: callgrind_test.sh --record, and say so in the commit." >&2
  exit 1
}
