#!/usr/bin/env bash
# start.sh FOLDER: a Slurm of its own on this machine, with a partition `debug` of two nodes; root is not needed.
#   export SLURM_CONF=$(tests/slurm/start.sh /tmp/slurm)
#   sinfo
#   tests/slurm/stop.sh /tmp/slurm
# Its daemons run as the caller, listen only on 127.0.0.1, and keep everything in FOLDER, which must be new.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
PATH=$PATH:/usr/sbin:/sbin
folder=$1

fail() {
  echo "start.sh: $1" >&2
  "$here/stop.sh" "$folder"
  exit 1
}

# Three ports in a row that nobody listens on.
free_port() {
  local port next
  for port in $(seq $((17000 + RANDOM % 10000)) 10 32000); do
    for next in 0 1 2; do
      (: <>"/dev/tcp/127.0.0.1/$((port + next))") 2>/dev/null && continue 2
    done
    echo "$port"
    return
  done
}

mkdir -m 755 "$folder"
folder=$(cd "$folder" && pwd)
mkdir -m 700 "$folder"/{state,spool.n1,spool.n2}
mkdir -m 711 "$folder/munge"

# A munge of its own, too: the system's is not touched.
(umask 077 && head -c 1024 /dev/urandom >"$folder/munge/key")
munged --key-file="$folder/munge/key" --socket="$folder/munge/socket" --pid-file="$folder/munge/pid" \
  --log-file="$folder/munge/log" --seed-file="$folder/munge/seed" --num-threads=2 >&2 ||
  fail "munged does not start"

host=$(uname -n)
port=$(free_port)
sed -e "s|@FOLDER@|$folder|" -e "s|@HOST@|${host%%.*}|" -e "s|@USER@|$(id -un)|" \
  -e "s|@PORT@|$port|" -e "s|@PORT1@|$((port + 1))|" -e "s|@PORT2@|$((port + 2))|" \
  "$here/slurm.conf.in" >"$folder/slurm.conf"
export SLURM_CONF=$folder/slurm.conf

slurmctld -c -f "$SLURM_CONF" >&2 || fail "slurmctld does not start"
for node in n1 n2; do
  slurmd -c -f "$SLURM_CONF" -N "$node" >&2 || fail "slurmd $node does not start"
done
for _ in $(seq 150); do
  if [[ $(sinfo -h -N -o '%T' 2>/dev/null | grep -c '^idle$') == 2 ]]; then
    echo "$SLURM_CONF"
    exit 0
  fi
  sleep 0.2
done
tail -n 20 "$folder"/*.log >&2
fail "its nodes are not idle after 30 s"
