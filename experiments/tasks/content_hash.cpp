#include "experiments/tasks/content_hash.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <cstddef>
#include <fstream>
#include <memory>
#include <system_error>

namespace heed {

std::string content_hash(const std::vector<std::filesystem::path>& files) {
  const std::unique_ptr<XXH64_state_t, XXH_errorcode (*)(XXH64_state_t*)> state(XXH64_createState(),
                                                                                XXH64_freeState);
  XXH64_reset(state.get(), 0);
  std::vector<char> part(std::size_t{1} << 20);
  for (const std::filesystem::path& file : files) {
    std::error_code absent;
    if (!std::filesystem::is_regular_file(file, absent)) return "";  // opening a FIFO would not end
    std::ifstream in(file, std::ios::binary);
    if (!in) return "";
    while (in.read(part.data(), static_cast<std::streamsize>(part.size())) || in.gcount() > 0)
      XXH64_update(state.get(), part.data(), static_cast<std::size_t>(in.gcount()));
  }
  return fmt::format("xxh-{:016x}", XXH64_digest(state.get()));
}

}  // namespace heed
