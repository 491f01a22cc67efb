# What `cmake --install` and the Debian package contain: the program, core and the variants as shared libraries, the
# headers of core, the CMake package, configurations and documentation. The component `kernels` is what the package
# contains once for each instruction set.
include(CMakePackageConfigHelpers)

set(config_dir ${CMAKE_INSTALL_LIBDIR}/cmake/heed)
install(TARGETS heed RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS heed_core EXPORT heedTargets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT kernels NAMELINK_COMPONENT development)
install(TARGETS heed_variants LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT kernels)
if(TARGET heed_mpi)
  install(TARGETS heed_mpi LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
endif()
install(EXPORT heedTargets NAMESPACE heed:: DESTINATION ${config_dir})
install(DIRECTORY core/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/heed/core
  FILES_MATCHING PATTERN "*.h" PATTERN check EXCLUDE)
install(DIRECTORY configs examples DESTINATION ${CMAKE_INSTALL_DATADIR}/heed)
# The same folders as in the tree, so that links between the pages work.
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DOCDIR} FILES_MATCHING PATTERN "*.md" PATTERN "*.png")
install(FILES README.md CHANGELOG.md CONTRIBUTING.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
foreach(folder IN ITEMS benchmarks examples results variants)
  install(FILES ${folder}/README.md DESTINATION ${CMAKE_INSTALL_DOCDIR}/${folder})
endforeach()

configure_package_config_file(cmake/heedConfig.cmake.in heedConfig.cmake INSTALL_DESTINATION ${config_dir})
# Plugins must be built again for another minor version anyway; the stamp says so, too.
write_basic_package_version_file(heedConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(
  FILES
    ${CMAKE_CURRENT_BINARY_DIR}/heedConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/heedConfigVersion.cmake cmake/HeedPlugin.cmake
    cmake/HeedRegistered.cmake
  DESTINATION ${config_dir})

# The build tree is a package, too: plugins can be built against it with -Dheed_DIR=<build folder>.
export(EXPORT heedTargets NAMESPACE heed:: FILE ${CMAKE_CURRENT_BINARY_DIR}/heedTargets.cmake)
configure_file(cmake/HeedPlugin.cmake HeedPlugin.cmake COPYONLY)
configure_file(cmake/HeedRegistered.cmake HeedRegistered.cmake COPYONLY)

# scripts/package.sh makes the Debian package.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME heed)
set(CPACK_PACKAGE_CONTACT "The authors of heed <heed@localhost>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS libeigen3-dev)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "cmake, g++, gnuplot-nox, make, openmpi-bin")
set(CPACK_STRIP_FILES ON)
include(CPack)
