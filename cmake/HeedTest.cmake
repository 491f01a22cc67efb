# heed_test_flags(<target>): what tests, their libraries and their precompiled header have in common.
function(heed_test_flags target)
  set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF)  # libraries and programs alike
  # The libraries under test are built as they ship; the tests themselves compile a third faster like this.
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O1>)
endfunction()

# heed_test_target(<target>): a test, or a library of tests.
function(heed_test_target target)
  heed_target(${target})
  heed_test_flags(${target})
  heed_precompiled_from(${target} heed_test_precompiled)
endfunction()

# heed_add_test(<name> SOURCES a.cpp ... LIBS heed::core ... LABELS fast|slow ...)
# One executable with tests/main.cpp, one ctest of the same name. Labels default to fast.
function(heed_add_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "TIMEOUT" "SOURCES;LIBS;LABELS")
  if(arg_UNPARSED_ARGUMENTS OR NOT arg_SOURCES)
    message(FATAL_ERROR "heed_add_test(${name}): SOURCES is required; not understood: '${arg_UNPARSED_ARGUMENTS}'")
  endif()
  if(NOT arg_LABELS)
    set(arg_LABELS fast)
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 600)
  endif()
  if(HEED_SANITIZE)
    math(EXPR arg_TIMEOUT "6 * ${arg_TIMEOUT}")
  endif()
  add_executable(${name} ${arg_SOURCES})
  heed_test_target(${name})
  target_link_libraries(${name} PRIVATE heed_test_main ${arg_LIBS})
  add_test(NAME ${name} COMMAND ${name})
  # A passive wait policy: tests run side by side, and a spinning thread would take the other test's core.
  set_tests_properties(${name} PROPERTIES LABELS "${arg_LABELS}" TIMEOUT ${arg_TIMEOUT}
    ENVIRONMENT "OMP_WAIT_POLICY=passive")
endfunction()
