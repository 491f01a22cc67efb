#pragma once

#include "core/index.h"
#include "core/rng.h"

namespace heed {

// What a patch of a sequence is: one of its image, noise, or one of an image of another class.
enum class PatchKind { image, noise, distractor };

struct PatchCounts {
  Index image = 0, noise = 0, distractor = 0;
  Index added() const { return noise + distractor; }
  Index all() const { return image + added(); }
};

// Draws the kinds of a sequence's patches, one position after the other. All orders are equally likely.
class PatchOrder {
 public:
  PatchOrder(const PatchCounts& counts, const Draws& draws) : left_(counts), draws_(draws) {}

  // Returns the kind of the next patch. Requires: fewer calls than patches.
  PatchKind next() {
    const Index drawn = draws_.below(left_.all());
    if (drawn < left_.image) {
      --left_.image;
      return PatchKind::image;
    }
    if (drawn < left_.image + left_.noise) {
      --left_.noise;
      return PatchKind::noise;
    }
    --left_.distractor;
    return PatchKind::distractor;
  }

 private:
  PatchCounts left_;
  Draws draws_;
};

}  // namespace heed
