#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/index.h"

namespace heed {

// The dropout of one forward and backward pass. It is part of Step, so every layer can read it.
struct DropoutStep {
  double p = 0;  // probability that an element is dropped; 0 in evaluation
  std::uint64_t seed = 0, training_step = 0;
  Index first = 0;  // index in the batch of the first sequence of the pass
};

// A mask over the rows and columns of one matrix: keeps an element with probability 1-p and scales what it
// keeps by 1/(1-p) (inverted dropout, as torch.nn.Dropout; Srivastava et al. 2014).
//
// Element (i, j) of matrix `plane` is drawn by Philox (Salmon et al. 2011) with key (seed, name) and counter
// (j / 8, i, training step, plane). It depends only on its indices: a tile draws its own elements, backward
// draws the same ones again, and no draw depends on threads, tiles, micro-batches or earlier draws.
class DropoutMask {
 public:
  DropoutMask() = default;  // keeps everything, unscaled
  // name: of what is dropped, "blocks.0.attention.weights"; plane: the index of the matrix in it.
  DropoutMask(const DropoutStep& step, std::string_view name, Index plane);

  explicit operator bool() const { return threshold_ > 0; }

  // Returns the mask of another matrix of the same plane, such as the second of two softmax maps.
  DropoutMask of_map(Index m) const {
    DropoutMask other = *this;
    other.plane_ += static_cast<std::uint64_t>(m) << 40;
    return other;
  }

  // x_c *= 0 or 1/(1-p); x_c is the element in row i and column columns[c]. Neighboring columns are fastest
  // in ascending order.
  template <class S, class Columns>
  void multiply(Index i, const Columns& columns, std::span<S> x) const {
    const S scale[2] = {S(0), static_cast<S>(scale_)};
    Index block = -1;
    unsigned kept = 0;
    for (std::size_t c = 0; c < x.size(); ++c) {
      const Index j = columns[static_cast<Index>(c)];
      if (j / 8 != block) block = j / 8, kept = draw(i, block);
      x[c] *= scale[kept >> (j % 8) & 1];
    }
  }
  // The same for all columns of a row.
  template <class S>
  void multiply(Index i, std::span<S> x) const {
    struct {
      Index operator[](Index c) const { return c; }
    } all;
    multiply(i, all, x);
  }

 private:
  // Returns eight bits: is element (i, 8 block + bit) kept?
  unsigned draw(Index i, Index block) const;

  std::array<std::uint64_t, 2> key_{};
  std::uint64_t training_step_ = 0, plane_ = 0;
  std::uint64_t threshold_ = 0;  // a 32-bit draw below it is dropped
  double scale_ = 1;
};

}  // namespace heed
