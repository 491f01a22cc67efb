# heed_sanitize(<target>): instruments the target and, through PUBLIC, all that links to it. Code that must know finds
# HEED_SANITIZE_ADDRESS, HEED_SANITIZE_UNDEFINED or HEED_SANITIZE_THREAD defined.
function(heed_sanitize target)
  if(NOT HEED_SANITIZE)
    return()
  endif()
  list(JOIN HEED_SANITIZE "," kinds)
  set(flags -fsanitize=${kinds} -fno-omit-frame-pointer)
  if("undefined" IN_LIST HEED_SANITIZE)
    # Checks of each pointer before each access double the time to compile kernels (76 s to 38 s for gated_delta.cpp, GCC 12).
    # The address sanitizer stops at a null pointer as well, and Eigen's assertions at misaligned maps.
    list(APPEND flags -fno-sanitize-recover=undefined -fno-sanitize=null,alignment)
  endif()
  target_compile_options(${target} PUBLIC ${flags})
  target_link_options(${target} PUBLIC ${flags})
  foreach(kind IN LISTS HEED_SANITIZE)
    string(TOUPPER "HEED_SANITIZE_${kind}" name)
    string(MAKE_C_IDENTIFIER ${name} name)
    target_compile_definitions(${target} PUBLIC ${name})
  endforeach()
endfunction()
