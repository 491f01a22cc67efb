#!/usr/bin/env bash
# package.sh: makes build/package/heed_VERSION_ARCHITECTURE.deb for any machine of this architecture (no -march=native).
#
# The package contains the program (/usr/bin/heed), core as a shared library with its headers and CMake package, for building
# plugins (find_package(heed)), configurations and examples (/usr/share/heed), and the documentation (/usr/share/doc/heed).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/install_packages.sh build tests
mkdir -p build/package
log=build/package/configure.log
cmake --preset release -B build/package -DHEED_ARCH= -DHEED_BUILD_TESTS=OFF >"$log" 2>&1 || {
  cat "$log" >&2
  exit 1
}
cmake --build build/package --parallel "$(nproc)" --target heed
(cd build/package && rm -f heed_*.deb && cpack -G DEB)
dpkg-deb --info build/package/heed_*.deb
