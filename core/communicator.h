#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/index.h"

namespace heed {

// One of several ranks (processes, or threads in tests) that work on parts of the same sequences. All ranks
// call the same functions in the same order, with sizes that match. A rank uses its communicator from one
// thread.
//
// Throws, each: heed::Error if another rank is lost or does not answer in time.
class Communicator {
 public:
  Communicator() = default;
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;
  virtual ~Communicator() = default;

  static constexpr int kNone = -1;  // in place of a rank: nothing is sent or received

  virtual int rank() const = 0;  // 0 .. size() - 1
  virtual int size() const = 0;
  std::uint64_t bytes_sent() const { return bytes_sent_; }

  // Sends `out` to rank `to` and fills `in` with what rank `from` sends, both at once.
  template <class S>
  void exchange(int to, std::span<const S> out, int from, std::span<S> in) {
    if (to != kNone) bytes_sent_ += out.size_bytes();
    transfer(to, std::as_bytes(out), from, std::as_writable_bytes(in));
  }
  template <class S>
  void send(int to, std::span<const S> out) {
    exchange<S>(to, out, kNone, {});
  }
  template <class S>
  void receive(int from, std::span<S> in) {
    exchange<S>(kNone, {}, from, in);
  }

  // A step of a ring: sends `out` to the next rank and fills `in` from the one before.
  template <class S>
  void pass_on(std::span<const S> out, std::span<S> in) {
    exchange<S>(next(), out, previous(), in);
  }
  int next() const { return (rank() + 1) % size(); }
  int previous() const { return (rank() + size() - 1) % size(); }

  // x becomes the sum of all ranks' x, added in the order of ranks, so that it has the same bits on every
  // rank and in every run. All ranks together send 2 (size() - 1) times the bytes of x.
  template <class S>
  void sum(std::span<S> x);

  // x becomes rank 0's on all ranks.
  template <class S>
  void share(std::span<S> x) {
    if (rank() > 0) receive<S>(rank() - 1, x);
    if (rank() + 1 < size()) send<S>(rank() + 1, x);
  }

  // `all` contains counts[r] numbers of each rank r, one rank after the other. Requires: this rank's own are
  // there already. Fills in those of the others.
  template <class S>
  void gather(std::span<const Index> counts, std::span<S> all);

 private:
  virtual void transfer(int to, std::span<const std::byte> out, int from, std::span<std::byte> in) = 0;

  std::uint64_t bytes_sent_ = 0;
};

}  // namespace heed
