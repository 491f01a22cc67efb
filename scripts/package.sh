#!/usr/bin/env bash
# package.sh: makes build/package/heed_VERSION_ARCHITECTURE.deb for any machine of this architecture.
#
# The package contains the program (/usr/bin/heed), core and the variants as shared libraries, the headers and the CMake
# package of core, for building plugins (find_package(heed)), configurations and examples (/usr/share/heed), and the
# documentation (/usr/share/doc/heed). On x86-64 it contains three builds of the libraries: for every processor, and in
# glibc-hwcaps/ for x86-64-v3 (AVX2) and x86-64-v4 (AVX-512). The dynamic loader uses the last that the processor supports.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/install_packages.sh build tests
architecture=$(dpkg --print-architecture)
case $architecture in
  amd64) levels=(x86-64 x86-64-v3 x86-64-v4) ;;
  *) levels=("") ;; # the compiler's default
esac
libraries=lib/$(dpkg-architecture -q DEB_HOST_MULTIARCH)

projects=
for level in "${levels[@]}"; do
  build=build/package/${level:-$architecture}
  mkdir -p "$build"
  folder=$libraries component=ALL targets=(heed)
  [[ -z $projects ]] || { folder+=/glibc-hwcaps/$level component=kernels targets=(heed_core heed_variants); }
  cmake --preset release -B "$build" -DHEED_ARCH="$level" -DHEED_BUILD_TESTS=OFF -DCMAKE_INSTALL_PREFIX=/usr \
    -DCMAKE_INSTALL_LIBDIR="$folder" >"$build/configure.log" 2>&1 || {
    cat "$build/configure.log" >&2
    exit 1
  }
  cmake --build "$build" --parallel "$(nproc)" --target "${targets[@]}"
  projects+="$PWD/$build;heed;$component;/;"
done

cd build/package
rm -f heed_*.deb
cpack --config "${levels[0]:-$architecture}/CPackConfig.cmake" -G DEB -B . -D CPACK_INSTALL_CMAKE_PROJECTS="${projects%;}"
dpkg-deb --info heed_*.deb
