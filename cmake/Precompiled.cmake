# Headers of libraries that most files include, parsed once instead of in every file, which takes a third of the time
# to compile experiments/ and tests/. No file may rely on them: each includes what it uses. Builds whose warnings are
# errors find what is missing, for they compile without: GCC forgets that the headers are the system's, and then sees
# faults in its own std::string (GCC bug 105329).
set(HEED_PRECOMPILED
  <Eigen/Core> <fmt/format.h>
  <algorithm> <array> <cmath> <cstddef> <filesystem> <functional> <map> <memory> <optional> <span> <string> <utility> <vector>)
if(HEED_WERROR)
  set(CMAKE_DISABLE_PRECOMPILE_HEADERS ON)
endif()

# heed_add_precompiled(<name> [header...]): a target that parses them, and these headers.
function(heed_add_precompiled name)
  file(CONFIGURE OUTPUT ${name}.cpp CONTENT "")
  add_library(${name} OBJECT ${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp)
  heed_target(${name})
  target_link_libraries(${name} PRIVATE heed::core fmt::fmt)
  target_precompile_headers(${name} PRIVATE ${HEED_PRECOMPILED} ${ARGN})
endfunction()

# heed_precompiled_from(<target> <name>): takes the headers of <name>. Requires: the flags of both are the same.
function(heed_precompiled_from target name)
  if(NOT CMAKE_DISABLE_PRECOMPILE_HEADERS)  # CMake 3.25 would look for headers that are not there
    target_precompile_headers(${target} REUSE_FROM ${name})
    target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-array-bounds;-Wno-restrict;-Wno-stringop-overflow;-Wno-stringop-overread>)
  endif()
endfunction()
