#pragma once

namespace heed::cli::new_files {

// What `heed new` writes; the files of experiments/cli/new, made part of the program by CMake. They speak of
// my_variant and MyVariant.
extern const char* const kMixer;
extern const char* const kLayer;
extern const char* const kCMakeLists;
extern const char* const kSweep;
extern const char* const kReadme;

}  // namespace heed::cli::new_files
