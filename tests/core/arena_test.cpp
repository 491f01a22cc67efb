#include "core/arena.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "core/rng.h"
#include "tests/catch.h"

namespace heed {
namespace {

struct Piece {
  unsigned char* at;
  std::size_t size;
};

// Mostly a few bytes, now and then more than a block holds.
std::size_t odd_size(Draws& draws) {
  if (draws.chance(1.0 / 4000)) return static_cast<std::size_t>(draws.below(1 << 19));
  return static_cast<std::size_t>(draws.chance(0.1) ? draws.below(700) : draws.below(20));
}

std::vector<Piece> take(Arena& arena, int pieces, std::uint64_t seed) {
  Draws draws = Rng(seed, "arena").at(0);
  std::vector<Piece> out;
  for (int i = 0; i < pieces; ++i) {
    const std::size_t size = odd_size(draws);
    out.push_back({static_cast<unsigned char*>(arena.allocate(size)), size});
  }
  return out;
}

}  // namespace

TEST_CASE("Arena: thousands of odd sizes do not overlap by a byte") {
  constexpr std::uint64_t seed = 301;
  CAPTURE(seed);
  Arena arena;
  const std::vector<Piece> pieces = take(arena, 20000, seed);
  std::size_t asked = 0, misplaced = 0, wrong = 0;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    asked += pieces[i].size;
    misplaced += reinterpret_cast<std::uintptr_t>(pieces[i].at) % kAlignment != 0;
    std::memset(pieces[i].at, static_cast<int>(i % 251), pieces[i].size);
  }
  for (std::size_t i = 0; i < pieces.size(); ++i)
    for (std::size_t k = 0; k < pieces[i].size; ++k) wrong += pieces[i].at[k] != i % 251;
  CHECK(misplaced == 0);
  CHECK(wrong == 0);
  CHECK(arena.reserved() >= asked);
}

TEST_CASE("arena: a rewound arena hands out the same memory") {
  Arena arena;
  const std::vector<Piece> first = take(arena, 5000, 7);
  const std::size_t reserved = arena.reserved();
  for (int round = 0; round < 3; ++round) {
    arena.rewind();
    const std::vector<Piece> again = take(arena, 5000, 7);
    CHECK(std::ranges::equal(first, again, {}, &Piece::at, &Piece::at));
    CHECK(arena.reserved() == reserved);
  }
}

TEST_CASE("Arena: rewinding to a mark keeps earlier allocations") {
  Arena arena;
  const std::vector<Piece> kept = take(arena, 100, 1);
  for (const Piece& p : kept) std::memset(p.at, 0x5a, p.size);
  const Arena::Mark mark = arena.mark();
  void* const next = arena.allocate(40);
  for (int round = 0; round < 10; ++round) {
    arena.rewind(mark);
    CHECK(arena.allocate(40) == next);
    for (const Piece& p : take(arena, 3000, static_cast<std::uint64_t>(round)))
      std::memset(p.at, 0xa5, p.size);
  }
  for (const Piece& p : kept)
    CHECK(std::all_of(p.at, p.at + p.size, [](unsigned char c) { return c == 0x5a; }));
}

TEST_CASE("Arena: takes nothing from the heap before the first allocation") {
  Arena arena;
  CHECK(arena.reserved() == 0);
  CHECK(arena.allocate(0) != nullptr);
  CHECK(arena.reserved() > 0);
}

#ifndef NDEBUG
TEST_CASE("arena: in debug builds, memory that was not written reads as NaN") {
  Arena arena;
  *static_cast<double*>(arena.allocate(sizeof(double))) = 1;
  arena.rewind();
  const auto* again = static_cast<const double*>(arena.allocate(sizeof(double)));
  CHECK(*again != *again);
}
#endif

}  // namespace heed
