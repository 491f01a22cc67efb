#include "tests/broken/caught.h"
#include "tests/broken/naive.h"
#include "tests/broken/slopes.h"
#include "tests/heap.h"

using namespace heed;
using namespace heed::broken;

TEST_CASE("heed check: the reference implementation passes every check that is for it") {
  Registry registry = with_mixer<Naive>("naive");
  registry.add_position<Slopes>("slopes", {});
  for (const CheckResult& r : check_all(registry, {.heap_allocations = test::heap_allocations})) {
    INFO(r.check << ": " << r.message);
    const bool claimed = r.check != "positions apart" && r.check != "context parallelism";
    CHECK(r.verdict == (claimed ? Verdict::passed : Verdict::skipped));
  }
}
