#include "variants/parts/tiled_softmax.h"

namespace heed {

HEED_TILED_SOFTMAX(, float, BlockPlan);
HEED_TILED_SOFTMAX(, double, BlockPlan);
HEED_TILED_SOFTMAX(, float, DenseTiles);
HEED_TILED_SOFTMAX(, double, DenseTiles);

}  // namespace heed
