#include "core/ops/patches.h"

#include <vector>

#include "tests/catch.h"

namespace heed {

TEST_CASE("Patches: of an oblong image, in the order channel, row, column") {
  // Two channels of 2 x 6 pixels, patches of 2 x 3.
  const Patches p{.channels = 2, .height = 2, .width = 6, .patch_height = 2, .patch_width = 3};
  REQUIRE(p.count() == 2);
  REQUIRE(p.size() == 12);
  const std::vector<double> image = {1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12,
                                     21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32};
  std::vector<double> patches(24), again(24);
  p.cut(image, patches);
  CHECK(patches == std::vector<double>{1, 2, 3, 7,  8,  9,  21, 22, 23, 27, 28, 29,
                                       4, 5, 6, 10, 11, 12, 24, 25, 26, 30, 31, 32});
  p.join(patches, again);
  CHECK(again == image);
}

TEST_CASE("Patches: refuses patches that do not cover the image") {
  CHECK_THROWS_WITH((Patches{1, 4, 6, 3, 2}.check()),
                    ContainsSubstring("3 x 2") && ContainsSubstring("4 x 6"));
  CHECK_THROWS_AS((Patches{1, 4, 6, 2, 4}.check()), Error);
  CHECK_NOTHROW((Patches{3, 4, 6, 4, 6}.check()));
}

}  // namespace heed
