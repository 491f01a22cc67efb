#include "experiments/tasks/selective_copy.h"

#include <algorithm>

#include "core/registry.h"

namespace heed {

// Each blank takes one of the M gaps, gap g being the place before token g, so that the last token stands
// right before the mark. From the task's own stream: the released generator takes the gaps from a global one.
void SelectiveCopy::place(Draws& draws, std::span<const Token> copied, Token blank,
                          std::span<Token> before_mark) const {
  const Index m = static_cast<Index>(copied.size()), blanks = static_cast<Index>(before_mark.size()) - m;
  // The first M places count the blanks of each gap. Spreading from the end never writes on a count not yet
  // read: tokens 0 .. g and their blanks take at least g + 1 places.
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
