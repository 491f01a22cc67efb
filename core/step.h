#pragma once

#include <new>
#include <span>
#include <type_traits>
#include <vector>

#include "core/arena.h"
#include "core/dropout.h"
#include "core/ops/product_precision.h"
#include "core/threads.h"
#include "core/views.h"

namespace heed {

// The memory of numeric code. `keep` is valid until the backward pass has run, `temp` until the current
// task ends. Neither is initialized.
template <class S>
class Memory {
 public:
  Memory(Arena& keep, Arena& temp) : keep_(&keep), temp_(&temp) {}

  Mat<S> keep(Index rows, Index cols) { return view(*keep_, rows, cols); }
  Mat<S> temp(Index rows, Index cols) { return view(*temp_, rows, cols); }
  Seq<S> keep(Index batch, Index time, Index dim) {
    return {keep_span<S>(batch * time * dim).data(), batch, time, dim};
  }
  Seq<S> temp(Index batch, Index time, Index dim) {
    return {temp_span<S>(batch * time * dim).data(), batch, time, dim};
  }
  // Allocate the rows of x with another width. They take the memory of full sequences, so that a training
  // step needs the same memory for any lengths.
  template <class X>
  Seq<S> keep(const Seq<X>& x, Index dim) {
    return {keep_span<S>(x.batch * x.time * dim).data(), x.batch, x.time, dim, x.starts};
  }
  template <class X>
  Seq<S> temp(const Seq<X>& x, Index dim) {
    return {temp_span<S>(x.batch * x.time * dim).data(), x.batch, x.time, dim, x.starts};
  }
  template <class T>
  std::span<T> keep_span(Index n) {
    return span<T>(*keep_, n);
  }
  template <class T>
  std::span<T> temp_span(Index n) {
    return span<T>(*temp_, n);
  }

  // Frees, at its end, the temp memory allocated during its lifetime.
  class Scope {
   public:
    explicit Scope(Memory& memory) : temp_(*memory.temp_), mark_(temp_.mark()) {}
    ~Scope() { temp_.rewind(mark_); }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Arena& temp_;
    Arena::Mark mark_;
  };

 private:
  template <class T>
  static std::span<T> span(Arena& arena, Index n) {
    static_assert(std::is_trivially_destructible_v<T>, "an arena runs no destructors");
    return {static_cast<T*>(arena.allocate(sizeof(T) * static_cast<std::size_t>(n))),
            static_cast<std::size_t>(n)};
  }
  static Mat<S> view(Arena& arena, Index rows, Index cols) {
    return mat(span<S>(arena, rows * cols).data(), rows, cols);
  }

  Arena* keep_;
  Arena* temp_;
};

// The workspace of one forward and backward pass: a keep and a temp arena per worker, and the threads that
// run tasks.
template <class S>
class Step {
 public:
  explicit Step(int threads = 1, bool with_backward = true)
      : training(with_backward), arenas_(static_cast<std::size_t>(threads < 1 ? 1 : threads)) {}

  const bool training;       // false: no backward follows
  DropoutStep dropout = {};  // of the pass; set before forward, the same in backward

  int threads() const { return static_cast<int>(arenas_.size()); }
  Memory<S> memory() { return worker(0); }  // the calling thread's

  // Runs task(i, memory) for i = 0 .. n-1. The temp memory of a task is freed when the task ends. A task
  // multiplies at the precision of the calling thread. See threads.h for the rule on sums.
  template <class Task>
  void parallel_for(Index n, Task&& task) {
    const Precision precision = product_precision();
    heed::parallel_for(threads(), n, [&](Index i, int w) {
      const ProductPrecision own(precision);
      Memory<S> memory = worker(w);
      typename Memory<S>::Scope scope(memory);
      task(i, memory);
    });
  }

  // Frees all kept memory. Call it after backward, or after a forward without a backward.
  void rewind() {
    for (Arenas& a : arenas_) a.keep.rewind(), a.temp.rewind();
  }

  std::size_t reserved() const {  // bytes taken from the heap
    std::size_t sum = 0;
    for (const Arenas& a : arenas_) sum += a.keep.reserved() + a.temp.reserved();
    return sum;
  }

 private:
  struct Arenas {
    Arena keep, temp;
  };
  Memory<S> worker(int w) {
    return {arenas_[static_cast<std::size_t>(w)].keep, arenas_[static_cast<std::size_t>(w)].temp};
  }

  std::vector<Arenas> arenas_;
};

}  // namespace heed
