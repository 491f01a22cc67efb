# heed_target(<target>): what every library, program and test of ours has in common.
# C++20, the repository's top as include root, instruction set, warnings, sanitizers; a library heed_x also gets the
# alias heed::x.
function(heed_target target)
  get_target_property(type ${target} TYPE)
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_include_directories(${target} PUBLIC $<BUILD_INTERFACE:${heed_SOURCE_DIR}> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/heed>)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF POSITION_INDEPENDENT_CODE ON)
  if(HEED_ARCH)
    target_compile_options(${target} PRIVATE -march=${HEED_ARCH})  # private: no user of heed gets it unasked
  endif()
  if(type STREQUAL "SHARED_LIBRARY")
    # A library calls its own copy of an inline function, not that of the program or of another library, which may be
    # compiled for another instruction set.
    target_link_options(${target} PRIVATE -Wl,-Bsymbolic-functions)
  endif()
  heed_warnings(${target})
  heed_sanitize(${target})
  if(type MATCHES "LIBRARY$" AND target MATCHES "^heed_(.+)$")  # the last MATCHES sets CMAKE_MATCH_1
    add_library(heed::${CMAKE_MATCH_1} ALIAS ${target})
  endif()
endfunction()
