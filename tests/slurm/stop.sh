#!/usr/bin/env bash
# stop.sh FOLDER: ends the Slurm that start.sh started there, by its pid files only, and removes the folder.
set -uo pipefail
folder=$1
[[ -e $folder/slurm.conf || -d $folder/munge ]] || exit 0
export SLURM_CONF=$folder/slurm.conf

is() { [[ $(cat "/proc/$1/comm" 2>/dev/null) == "$2" ]]; }  # a pid file may be old, and its number another program's

stop() {  # stop PROGRAM PIDFILE...: politely, then not
  local program=$1 file pid
  shift
  for file in "$@"; do
    pid=$(cat "$file" 2>/dev/null) || continue
    is "$pid" "$program" && kill "$pid"
    for _ in $(seq 100); do
      is "$pid" "$program" || continue 2
      sleep 0.1
    done
    kill -9 "$pid"
  done
}

# Jobs end with their daemons.
if is "$(cat "$folder/slurmctld.pid" 2>/dev/null)" slurmctld; then
  timeout 5 scancel --user="$(id -un)" 2>/dev/null
  for _ in $(seq 50); do
    [[ -n $(timeout 5 squeue -h 2>/dev/null) ]] || break
    sleep 0.2
  done
fi
stop slurmd "$folder"/slurmd.n?.pid
stop slurmctld "$folder/slurmctld.pid"
stop munged "$folder/munge/pid"
rm -rf -- "$folder"
