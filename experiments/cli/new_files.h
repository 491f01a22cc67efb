#pragma once

namespace heed::cli::new_files {

// The files that `heed new` writes: those of experiments/cli/new, which CMake embeds in the program. They
// use the names my_variant and MyVariant.
extern const char* const kMixer;
extern const char* const kLayer;
extern const char* const kCMakeLists;
extern const char* const kSweep;
extern const char* const kReadme;

// The types that core declares at the beginning of a line of its headers: " About Activation ".
extern const char* const kTypes;

}  // namespace heed::cli::new_files
