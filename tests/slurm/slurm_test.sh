#!/usr/bin/env bash
# slurm_test.sh array|ranks|lost_node|limit SOURCE HEED COMPARE_FILES: the quickstart sweep as a Slurm job array on a Slurm
# of its own; its results.h5 must equal a local run's. Short, but for HEED_LONG_TESTS=1.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
case=$1 source=$2 heed=$3 compare_files=$4
PATH=$PATH:/usr/sbin:/sbin

for program in munged slurmctld slurmd sbatch; do
  command -v "$program" >/dev/null || {
    echo "Skipped: $program is not installed (Debian and Ubuntu: slurm-wlm, munge)."
    exit 77
  }
done
if [[ ! -d /sys/devices/system/cpu/cpu0/topology ]]; then
  echo "Skipped: slurmd looks for processors in /sys, which this machine (a bare chroot?) does not show."
  exit 77
fi

work=$(mktemp -d)
chmod 711 "$work"  # munge insists
orphans=()
clean() {
  "$here/stop.sh" "$work/slurm"
  for pid in "${orphans[@]}"; do  # what outlived its slurmstepd
    grep -qsF "$work" "/proc/$pid/cmdline" "/proc/$pid/environ" && kill -9 "$pid"
  done
  rm -rf -- "$work"
}
trap clean EXIT

fail() {
  echo "FAILED: $1"
  tail -n 50 "$work"/r/logs/slurm-*.log "$work"/slurm/slurm*.log
  exit 1
}

eventually() {  # eventually SECONDS COMMAND...
  local tries=$(($1 * 5))
  shift
  for _ in $(seq "$tries"); do
    "$@" && return
    sleep 0.2
  done
  return 1
}

squeue_is_empty() { [[ -z $(squeue -h) ]]; }
runs_on() { [[ -n $(squeue -h -t running -w "$1") ]]; }

cd "$work"
SLURM_CONF=$("$here/start.sh" "$work/slurm")
export SLURM_CONF
sweep=("$source/configs/quickstart.yaml") trials=40 patience=1200
shorten() {  # shorten STEPS
  [[ -z ${HEED_LONG_TESTS:-} ]] || return 0
  sweep+=(sweep.seeds=2 train.warmup=5 train.steps="$1") trials=10 patience=200
}

case $case in
  array)
    shorten 20
    "$heed" submit "${sweep[@]}" -o r --print -- -p debug >printed
    grep -q -- "--array=0-$((trials - 1)) " printed && [[ ! -e r ]] || fail "--print shows another array, or leaves something behind"
    # Fewer elements than trials, two trials side by side in each
    "$heed" submit "${sweep[@]}" -o r --tasks 4 --at-once 3 -- -p debug -c 2
    ;;
  ranks)
    # Trials on two ranks, one job step each, on both nodes. A local run starts them by mpirun.
    for program in mpirun srun; do
      command -v "$program" >/dev/null || {
        echo "Skipped: $program is not installed (Debian and Ubuntu: openmpi-bin, slurm-client)."
        exit 77
      }
    done
    srun --mpi=list 2>&1 | grep -qw pmix || {
      echo "Skipped: this Slurm has no PMIx plugin."
      exit 77
    }
    export HEED_LONG_TESTS=
    shorten 20
    sweep+=('variants=[softmax, linear]' train.context_parallel=2) trials=4
    if ! "$heed" submit "${sweep[@]}" -o r --print -- -p debug >printed 2>refused; then
      grep -q 'without MPI' refused || fail "$(cat refused)"
      echo "Skipped: this heed was built without MPI."
      exit 77
    fi
    grep -q -- " --nodes=1 --ntasks=2 " printed || fail "--print does not ask for two tasks"
    "$heed" submit "${sweep[@]}" -o r --tasks 2 -- -p debug
    ;;
  lost_node)
    shorten 60
    "$heed" submit "${sweep[@]}" -o r -- -p debug
    eventually 30 runs_on n1 || fail "nothing runs on n1"
    for job in $(squeue -h -t running -w n1 -o %A); do
      script=$(scontrol listpids "$job" n1 | awk '$3 == "batch" {print $1; exit}')
      [[ -n $script ]] || continue
      orphans+=("$script")
      stepd=$(awk '{print $4}' "/proc/$script/stat")
      [[ $(cat "/proc/$stepd/comm") == slurmstepd ]] && kill -9 "$stepd"
    done
    [[ ${#orphans[@]} -gt 0 ]] || fail "no job of n1 was found"
    kill -9 "$(cat slurm/slurmd.n1.pid)"
    eventually 90 grep -q 'requeue job.*due to failure of node n1' slurm/slurmctld.log || fail "no job of n1 was requeued"
    ;;
  limit)
    # A trial that takes longer than the ten seconds before its warning
    sweep+=(train.warmup=5 train.steps=600 "variants=[softmax]" sweep.seeds=1 task.length=64)
    "$heed" submit "${sweep[@]}" -o r -- -p debug -t 1 --signal=B:USR1@50
    ;;
esac

eventually "$patience" squeue_is_empty || fail "the jobs do not end"
"$heed" status r || fail "heed status says that something failed"
[[ -e r/results.h5 ]] || fail "nothing was merged"
case $case in
  array) [[ $(ls r/logs/slurm-*_?.log | wc -l) == 4 ]] || fail "the array has not four elements" ;;
  limit) grep -q 'continues after' r/logs/slurm-*_0.log || fail "no element continued from a checkpoint" ;;
esac
[[ -z $(ls -A r/checkpoints 2>/dev/null) ]] || fail "checkpoints of finished trials are left"

"$heed" run "${sweep[@]}" -o local >local.out
"$compare_files" r/results.h5 local/results.h5 || fail "the results differ from a local run's"
"$heed" submit "${sweep[@]}" -o r -- -p debug 2>again
grep -q 'Nothing to submit' again || fail "what is done is submitted again"
echo "The results of the job array equal a local run's."
