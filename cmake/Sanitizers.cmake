# heed_sanitize(<target>): instruments the target and, through PUBLIC, all that links to it.
function(heed_sanitize target)
  if(NOT HEED_SANITIZE)
    return()
  endif()
  list(JOIN HEED_SANITIZE "," kinds)
  set(flags -fsanitize=${kinds} -fno-omit-frame-pointer)
  if("undefined" IN_LIST HEED_SANITIZE)
    list(APPEND flags -fno-sanitize-recover=undefined)
  endif()
  # GCC 12 sees uninitialised members in the standard library once it is instrumented (GCC bug 105562).
  target_compile_options(${target} PUBLIC ${flags} $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  target_link_options(${target} PUBLIC ${flags})
endfunction()
