#include "experiments/tasks/selective_copy.h"

#include <algorithm>

#include "core/registry.h"

namespace heed {

// Each blank takes one of the M gaps; gap g is the place before token g, so the last token is right before
// the mark. Draws from the task's own stream; the released generator uses a global one.
void SelectiveCopy::place(Draws& draws, std::span<const Token> copied, Token blank,
                          std::span<Token> before_mark) const {
  const Index m = static_cast<Index>(copied.size()), blanks = static_cast<Index>(before_mark.size()) - m;
  // The first M positions hold the number of blanks of each gap. Filling from the end never overwrites a
  // number that is still needed: tokens 0 .. g and their blanks need at least g + 1 positions.
  std::fill(before_mark.begin(), before_mark.end(), 0);
  for (Index b = 0; b < blanks; ++b) ++before_mark[draws.below(m)];
  auto end = before_mark.end();
  for (Index g = m - 1; g >= 0; --g) {
    const Token here = before_mark[g];
    *--end = copied[g];
    std::fill(end - here, end, blank);
    end -= here;
  }
}

}  // namespace heed

HEED_TASK(selective_copy, heed::SelectiveCopy,
          "Selective copying: as copy, with blanks scattered among the tokens", "Poli et al. 2024 (MAD)")
