# heed_warnings(<target>): the warnings our own code is written under. Libraries are SYSTEM includes and stay silent.
function(heed_warnings target)
  target_compile_options(${target} PRIVATE
    -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
    # Index is signed and containers are not: each s[size_t(i)] would need a cast that says nothing.
    -Wno-sign-conversion
    # GCC 12 sees uninitialized values in its own AVX-512 intrinsics and, instrumented, in <regex> (GCC bugs 105593, 105562).
    $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized;-Wno-uninitialized>
    # GCC 13 takes each returned reference for dangling if the function also gets a temporary, such as a name to look up.
    $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_GREATER_EQUAL:$<CXX_COMPILER_VERSION>,13>>:-Wno-dangling-reference>
    $<$<BOOL:${HEED_WERROR}>:-Werror>)
endfunction()
