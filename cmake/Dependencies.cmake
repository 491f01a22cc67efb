# System packages only; nothing is fetched. The oldest versions are those of Debian 12.
find_package(Eigen3 3.4 REQUIRED NO_MODULE)
find_package(OpenMP REQUIRED COMPONENTS CXX)
find_package(Boost 1.74 REQUIRED COMPONENTS program_options)
find_package(HDF5 1.10 REQUIRED COMPONENTS C HL)
find_package(muparser 2.3 REQUIRED)
find_package(yaml-cpp 0.7 REQUIRED)
find_package(fmt 9 REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(PNG REQUIRED)

# yaml-cpp before 0.8 has no namespaced target.
if(NOT TARGET yaml-cpp::yaml-cpp)
  add_library(yaml-cpp::yaml-cpp ALIAS yaml-cpp)
endif()

# Random123 and xxHash ship no CMake package of their own. That of libzip 1.7 fails without its command-line tools.
find_path(HEED_RANDOM123_INCLUDE Random123/philox.h REQUIRED)
add_library(heed_random123 INTERFACE)
target_include_directories(heed_random123 SYSTEM INTERFACE $<BUILD_INTERFACE:${HEED_RANDOM123_INCLUDE}>)
add_library(heed::random123 ALIAS heed_random123)

find_path(HEED_XXHASH_INCLUDE xxhash.h REQUIRED)
find_library(HEED_XXHASH_LIBRARY xxhash REQUIRED)
add_library(heed_xxhash INTERFACE)
target_include_directories(heed_xxhash SYSTEM INTERFACE $<BUILD_INTERFACE:${HEED_XXHASH_INCLUDE}>)
target_link_libraries(heed_xxhash INTERFACE ${HEED_XXHASH_LIBRARY})
add_library(heed::xxhash ALIAS heed_xxhash)
find_path(HEED_LIBZIP_INCLUDE zip.h REQUIRED)
find_library(HEED_LIBZIP_LIBRARY zip REQUIRED)
add_library(heed_libzip INTERFACE)
target_include_directories(heed_libzip SYSTEM INTERFACE $<BUILD_INTERFACE:${HEED_LIBZIP_INCLUDE}>)
target_link_libraries(heed_libzip INTERFACE ${HEED_LIBZIP_LIBRARY})
add_library(heed::libzip ALIAS heed_libzip)

# Optional: without it, texts have no subwords (unit: bpe).
find_path(HEED_SENTENCEPIECE_INCLUDE sentencepiece_trainer.h)
find_library(HEED_SENTENCEPIECE_LIBRARY sentencepiece)
find_library(HEED_SENTENCEPIECE_TRAIN_LIBRARY sentencepiece_train)
add_library(heed_sentencepiece INTERFACE)
if(HEED_SENTENCEPIECE_INCLUDE AND HEED_SENTENCEPIECE_LIBRARY AND HEED_SENTENCEPIECE_TRAIN_LIBRARY)
  target_compile_definitions(heed_sentencepiece INTERFACE HEED_SENTENCEPIECE)
  target_include_directories(heed_sentencepiece SYSTEM INTERFACE $<BUILD_INTERFACE:${HEED_SENTENCEPIECE_INCLUDE}>)
  target_link_libraries(heed_sentencepiece INTERFACE
    ${HEED_SENTENCEPIECE_TRAIN_LIBRARY} ${HEED_SENTENCEPIECE_LIBRARY})
endif()
add_library(heed::sentencepiece ALIAS heed_sentencepiece)
# Optional: without it, a trial cannot have several ranks (train.context_parallel).
option(HEED_MPI "Build the part that uses MPI" ON)
if(HEED_MPI AND NOT HEED_SANITIZE)  # MPI itself leaks memory
  find_package(MPI QUIET COMPONENTS C)
  if(NOT MPI_C_FOUND)
    message(STATUS "No MPI: trials cannot have several ranks (Debian and Ubuntu: libopenmpi-dev, openmpi-bin)")
  endif()
endif()
mark_as_advanced(HEED_SENTENCEPIECE_INCLUDE HEED_SENTENCEPIECE_LIBRARY HEED_SENTENCEPIECE_TRAIN_LIBRARY HEED_LIBZIP_INCLUDE HEED_LIBZIP_LIBRARY HEED_RANDOM123_INCLUDE HEED_XXHASH_INCLUDE HEED_XXHASH_LIBRARY HEED_CCACHE)
