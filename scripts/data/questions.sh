#!/usr/bin/env bash
# questions.sh [-o FILE]: writes questions.tsv (or FILE) for the task 'pairs': the record of a Debian package and a question about
# it as the source, and the answer, which the record contains, as the target. From the lists of 'apt-get update'.
#
# Needs python3. The texts have the licenses of their packages.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

records_to_pairs questions Packages "$@"
