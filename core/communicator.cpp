#include "core/communicator.h"

#include <algorithm>
#include <array>
#include <numeric>

namespace heed {

// First the partial sum goes from rank 0 to the last one, which then has the total and sends it around.
// Blocks of a fixed size keep all ranks busy and need no memory.
template <class S>
void Communicator::sum(std::span<S> x) {
  if (size() == 1) return;
  std::array<S, 4096> room;
  const int last = size() - 1;
  const auto for_blocks = [&](auto&& task) {
    for (std::size_t at = 0; at < x.size(); at += room.size())
      task(x.subspan(at, std::min(room.size(), x.size() - at)));
  };
  for_blocks([&](std::span<S> block) {
    const std::span<S> before = std::span(room).first(block.size());
    if (rank() > 0) {
      receive<S>(rank() - 1, before);
      for (std::size_t i = 0; i < block.size(); ++i) block[i] = before[i] + block[i];
    }
    if (rank() < last) send<S>(rank() + 1, block);
  });
  for_blocks([&](std::span<S> block) {
    if (rank() != last) receive<S>(previous(), block);
    if (rank() != last - 1) send<S>(next(), block);
  });
}

// In a ring: each rank passes on what it received last.
template <class S>
void Communicator::gather(std::span<const Index> counts, std::span<S> all) {
  const auto of = [&](int r) {
    const auto begin = counts.begin();
    const Index first = std::accumulate(begin, begin + r, Index(0));
    return all.subspan(static_cast<std::size_t>(first),
                       static_cast<std::size_t>(counts[static_cast<std::size_t>(r)]));
  };
  for (int step = 0; step + 1 < size(); ++step)
    pass_on<S>(of((rank() - step + size()) % size()), of((rank() - step - 1 + size()) % size()));
}

template void Communicator::sum(std::span<float>);
template void Communicator::sum(std::span<double>);
template void Communicator::sum(std::span<std::int32_t>);
template void Communicator::gather(std::span<const Index>, std::span<float>);
template void Communicator::gather(std::span<const Index>, std::span<double>);

}  // namespace heed
