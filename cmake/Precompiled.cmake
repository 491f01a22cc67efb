# Headers of libraries that most files include, parsed once instead of in every file, which takes two to three seconds of
# each. No file may rely on them: each includes what it uses. Builds whose warnings are errors find what is missing, for
# they compile without: GCC forgets that the headers are the system's, and then sees faults in its own std::string
# (GCC bug 105329).
set(HEED_PRECOMPILED
  <Eigen/Core> <fmt/format.h>
  <algorithm> <array> <cmath> <cstddef> <filesystem> <functional> <map> <memory> <optional> <span> <string> <utility> <vector>)
if(HEED_WERROR)
  set(CMAKE_DISABLE_PRECOMPILE_HEADERS ON)
endif()

# heed_precompile(<target> [header...]): parses them, and these headers, for <target>.
function(heed_precompile target)
  target_precompile_headers(${target} PRIVATE ${HEED_PRECOMPILED} ${ARGN})
  heed_precompiled_warnings(${target})
endfunction()

# heed_precompiled_from(<target> <name>): takes what was parsed for <name>. Requires: the flags of both are the same.
function(heed_precompiled_from target name)
  if(NOT CMAKE_DISABLE_PRECOMPILE_HEADERS)  # CMake 3.25 would look for headers that are not there
    target_precompile_headers(${target} REUSE_FROM ${name})
    heed_precompiled_warnings(${target})
  endif()
endfunction()

function(heed_precompiled_warnings target)
  if(NOT CMAKE_DISABLE_PRECOMPILE_HEADERS)
    target_compile_options(${target} PRIVATE
      $<$<CXX_COMPILER_ID:GNU>:-Wno-array-bounds;-Wno-restrict;-Wno-stringop-overflow;-Wno-stringop-overread>)
  endif()
endfunction()

# heed_add_precompiled(<name> [header...]): a target that only parses them, for others that have its flags.
function(heed_add_precompiled name)
  file(CONFIGURE OUTPUT ${name}.cpp CONTENT "")
  add_library(${name} OBJECT ${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp)
  heed_target(${name})
  target_link_libraries(${name} PRIVATE heed::core fmt::fmt)
  heed_precompile(${name} ${ARGN})
endfunction()
