# heed_check_registered(<call> <names> <sources>): fails if a HEED_MIXER, HEED_LAYER, HEED_POSITION, HEED_OPTIMIZER,
# HEED_SCHEDULE or HEED_TASK line of the sources registers a name that the call does not list, and says both. Without it,
# the linker or the loader would name a missing function, and only one of the two names.
function(heed_check_registered call names sources)
  set(found "")
  foreach(source IN LISTS sources)
    file(READ ${source} text)
    string(REGEX MATCHALL "\n[ \t]*HEED_(MIXER|LAYER|POSITION|OPTIMIZER|SCHEDULE|TASK)[ \t\n]*\\([ \t\n]*[A-Za-z0-9_]+" lines "\n${text}")
    foreach(line IN LISTS lines)
      string(REGEX REPLACE ".*\\([ \t\n]*" "" registered "${line}")
      string(REGEX MATCH "HEED_[A-Z]+" macro "${line}")
      set(function ${registered})  # what follows heed_register_
      if(macro MATCHES "OPTIMIZER|SCHEDULE")
        string(TOLOWER "${macro}_${registered}" function)
        string(REPLACE "heed_" "" function ${function})
      endif()
      list(FIND names "${function}" at)
      if(at EQUAL -1)
        cmake_path(GET source FILENAME file)
        string(APPEND found "\n  ${file} registers '${registered}': ${macro}(${registered}, ...)")
      endif()
    endforeach()
  endforeach()
  if(found)
    list(JOIN names "', '" listed)
    message(FATAL_ERROR "${call} expects '${listed}', but:${found}\nUse the same names in both places.")
  endif()
endfunction()

# heed_check_registered_before_linking(<target> <call> <names> <sources>): the same whenever the target is linked, as
# sources change after CMake has run.
function(heed_check_registered_before_linking target call names sources)
  set(paths "")
  foreach(source IN LISTS sources)
    cmake_path(ABSOLUTE_PATH source NORMALIZE)
    list(APPEND paths ${source})
  endforeach()
  set(script ${CMAKE_CURRENT_BINARY_DIR}/${target}_registered.cmake)
  file(CONFIGURE OUTPUT ${script} @ONLY CONTENT
"include(\"@CMAKE_CURRENT_FUNCTION_LIST_FILE@\")
heed_check_registered(\"@call@\" \"@names@\" \"@paths@\")
")
  add_custom_command(TARGET ${target} PRE_LINK COMMAND ${CMAKE_COMMAND} -P ${script} VERBATIM)
endfunction()
