#!/usr/bin/env bash
# job_test.sh SOURCE HEED MISBEHAVING_PLUGIN: the batch script that `heed submit` writes, run without a Slurm: when it puts
# its own element back into the queue, and when it gives up.
set -euo pipefail
source=$1 heed=$2 plugin=$3

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
cd "$work"
mkdir bin
printf '#!/bin/sh\necho 17\n' >bin/sbatch
printf '#!/bin/sh\necho "$@" >>%s/scontrol.calls\n' "$work" >bin/scontrol
chmod +x bin/*
PATH=$work/bin:$PATH

fail() {
  echo "FAILED: $1"
  cat job.out
  exit 1
}
eventually() {
  for _ in $(seq 300); do
    "$@" && return
    sleep 0.1
  done
  fail "never: $*"
}
runs() { "$heed" status "$1" | grep -q '1 running'; }
has_checkpoint() { [[ -n $(ls "$1/checkpoints") ]]; }

# Submits a sweep of one trial and runs its element until CONDITION holds; then its time is up.
element() {  # element DIR CONDITION RESTART_COUNT: leaves the exit code in $code and whether it was queued again in $queued
  rm -f scontrol.calls
  SLURM_ARRAY_JOB_ID=17 SLURM_ARRAY_TASK_ID=0 SLURM_RESTART_COUNT=$3 bash "$1/job.sh" >job.out 2>&1 &
  local job=$!
  eventually "$2" "$1"
  kill -USR1 "$job"
  code=0
  wait "$job" || code=$?
  queued=no
  [[ ! -e scontrol.calls ]] || queued=$(cat scontrol.calls)
}

submit() { "$heed" submit "$source/configs/smoke.yaml" sweep.seeds=1 train.steps=10000000 "$@" >/dev/null; }

# What gets further is queued again each time.
submit -o further "variants=[softmax]" train.checkpoint=10ms
for restarts in "" 1 2; do
  rm -f further/checkpoints/*
  element further has_checkpoint "$restarts"
  [[ $code == 75 && $queued == "requeue 17_0" ]] || fail "further, restart '$restarts': $code, queued: $queued"
done

# What never ends a training step is queued again once. Then it is recorded, and why.
submit -o stuck --plugin "$plugin" "variants=[{misbehaving: {fault: loops, step: 1}}]"
element stuck runs ""
[[ $code == 75 && $queued == "requeue 17_0" ]] || fail "stuck, first: $code, queued: $queued"
element stuck runs 1
[[ $code == 1 && $queued == no ]] || fail "stuck, again: $code, queued: $queued"
"$heed" status stuck >status && fail "status does not say that it failed"
grep -q 'killed after 0 steps: the time limit of its job is too short' status || fail "$(cat status)"
# What fails again is tried once for each submission, however often its element is started.
once() {  # once RESTART_COUNT: runs the element to its end
  SLURM_ARRAY_JOB_ID=17 SLURM_ARRAY_TASK_ID=0 SLURM_RESTART_COUNT=$1 bash failing/job.sh >job.out 2>&1 || true
}
failing=(-o failing --plugin "$plugin" "variants=[{misbehaving: {fault: throws, step: 1}}]")
submit "${failing[@]}"
once ""
grep -q 'failed after' job.out || fail "it does not fail"
sleep 1
submit "${failing[@]}" --retry-failed
once ""
grep -q 'failed after' job.out || fail "it is not tried again"
once 1
grep -q 'Nothing to run' job.out || fail "it is tried again when its element is"
echo "Queued again while it gets further, given up where it does not."
