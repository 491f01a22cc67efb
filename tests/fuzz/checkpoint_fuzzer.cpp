// Any bytes as a checkpoint, as they are and under a seal that fits them: loaded or passed over.
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "experiments/checkpoint.h"
#include "results/atomic_file.h"
#include "results/seal.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::string id = "0123456789abcdef";
  static const std::filesystem::path base =
      std::filesystem::temp_directory_path() / ("heed_fuzz_" + std::to_string(getpid()));
  std::vector<std::byte> bytes(size);
  std::copy_n(reinterpret_cast<const std::byte*>(data), size, bytes.begin());
  const heed::Checkpoints checkpoints(base, id);
  for (const bool sealed : {false, true}) {
    if (sealed) heed::results::add_seal(bytes, id + " 7");
    heed::results::write_file(base.string() + ".0", bytes, heed::results::IfExists::replace);
    std::vector<std::string> notes;
    checkpoints.load(notes);
  }
  checkpoints.remove();
  return 0;
}
