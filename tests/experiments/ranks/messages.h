// The same messages for ranks of any kind.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "core/communicator.h"
#include "core/error.h"

namespace heed::test {

// Numbers of a rank whose sum depends on the order in which ranks are added.
template <class S>
std::vector<S> numbers_of(int rank, std::size_t size) {
  std::vector<S> x(size);
  for (std::size_t i = 0; i < size; ++i)
    x[i] = static_cast<S>((rank % 2 ? -1 : 1) * 1e7 /
                          static_cast<double>(1 + (i * 7 + 3 * static_cast<std::size_t>(rank)) % 11));
  return x;
}

template <class S>
std::string bits_of(const std::vector<S>& x) {
  std::uint64_t hash = 14695981039346656037u;  // FNV-1a
  const auto* bytes = reinterpret_cast<const unsigned char*>(x.data());
  for (std::size_t i = 0; i < x.size() * sizeof(S); ++i) hash = (hash ^ bytes[i]) * 1099511628211u;
  return fmt::format("{:016x}", hash);
}

template <class S>
std::string exchange_all(Communicator& c) {
  std::string text;
  for (const std::size_t size : {0, 1, 5000, 300000}) {
    const std::vector<S> own = numbers_of<S>(c.rank(), size);
    std::vector<S> before(size), sum = own;
    c.pass_on<S>(own, before);
    c.sum<S>(sum);
    text += fmt::format(" {} {}", bits_of(before), bits_of(sum));
  }
  // Each rank has another count, and rank 1 none.
  std::vector<Index> counts;
  for (int r = 0; r < c.size(); ++r) counts.push_back(r == 1 ? 0 : 1000 * (r + 1));
  std::vector<S> all(static_cast<std::size_t>(std::accumulate(counts.begin(), counts.end(), Index(0))));
  const Index first = std::accumulate(counts.begin(), counts.begin() + c.rank(), Index(0));
  const std::vector<S> own =
      numbers_of<S>(c.rank(), static_cast<std::size_t>(counts[static_cast<std::size_t>(c.rank())]));
  std::copy(own.begin(), own.end(), all.begin() + first);
  c.gather<S>(counts, all);
  text += fmt::format(" {}", bits_of(all));
  // Both ways at once between the last rank and the first one, with messages of different sizes.
  const int last = c.size() - 1;
  if (last > 0 && (c.rank() == 0 || c.rank() == last)) {
    const int other = last - c.rank();
    const std::size_t mine = c.rank() == 0 ? 20000 : 30, theirs = c.rank() == 0 ? 30 : 20000;
    std::vector<S> got(theirs);
    c.exchange<S>(other, numbers_of<S>(c.rank(), mine), other, got);
    text += fmt::format(" {}", bits_of(got));
  }
  return text;
}

// Returns what a rank has received, as bits.
inline std::string exchanged(Communicator& c) {
  const std::string text = exchange_all<float>(c) + exchange_all<double>(c);
  return fmt::format("rank {} of {}:{} bytes sent: {}", c.rank(), c.size(), text, c.bytes_sent());
}

}  // namespace heed::test
