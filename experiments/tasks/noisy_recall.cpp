#include "experiments/tasks/noisy_recall.h"

#include "core/registry.h"

HEED_TASK(noisy_recall, heed::NoisyRecall, "In-context recall with noise pairs", "Poli et al. 2024 (MAD)")
