#include "variants/parts/softmax.h"
#include "core/register.h"

using heed::Softmax;

HEED_MIXER(softmax, Softmax, "Scaled dot-product attention", "Vaswani et al. 2017")
