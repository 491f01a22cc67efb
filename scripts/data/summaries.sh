#!/usr/bin/env bash
# summaries.sh [-o FILE]: writes summaries.tsv (or FILE) for the task 'pairs': long descriptions of Debian's packages and their
# summaries of one line, from the lists that 'apt-get update' has downloaded.
#
# Needs python3. The texts have the licenses of their packages.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

records_to_pairs summaries Translations "$@"
