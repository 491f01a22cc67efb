#!/usr/bin/env bash
# quickstart.sh: installs missing packages, builds heed, runs the quickstart sweep, prints its table and the path of its report. A
# second call installs and builds nothing, and trains only what has no result yet.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/install_packages.sh build
scripts/build.sh heed
build/release/bin/heed run configs/quickstart.yaml # prints the table and the path of the report
