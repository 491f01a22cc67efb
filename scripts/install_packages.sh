#!/usr/bin/env bash
# install_packages.sh build [tests] [mpi] [lint]: installs the missing packages of these parts of packages.txt. Asks nothing.
set -euo pipefail
list=$(dirname "${BASH_SOURCE[0]}")/packages.txt

wanted=$(awk -v parts=" $* " '/^# needs:/ {on = index(parts, " " $3 " ")} /^[^#]/ && on {print $1}' "$list")
if ! command -v dpkg-query >/dev/null; then
  echo "This system has no dpkg; the packages are expected under their names here:" $wanted >&2
  exit 0
fi

missing=()
for package in $wanted; do
  [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
done
[[ ${#missing[@]} -gt 0 ]] || exit 0

as_root=()
if [[ $EUID -ne 0 ]]; then
  as_root=(sudo)
  command -v sudo >/dev/null || {
    echo "These packages are missing and only root may install them:" "${missing[@]}" >&2
    exit 1
  }
fi

echo "Installing ${#missing[@]} packages: ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq "$@" >"$log" 2>&1; }
install() { apt install -y --no-install-recommends "${missing[@]}"; }
# A fresh machine has no package lists, and old lists may name removed files: update and try again.
install || { apt update && install; } || {
  cat "$log" >&2
  exit 1
}
