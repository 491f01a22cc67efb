#!/usr/bin/env bash
# quickstart.sh: installs what is missing, builds heed, runs the quickstart sweep and prints its table.
# A second call installs and builds nothing, and trains only what has no result yet.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/install_packages.sh build
scripts/build.sh heed
exec build/release/bin/heed run configs/quickstart.yaml
