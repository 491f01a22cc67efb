#include "experiments/tasks/builtin.h"

void heed_register_compression(heed::Registry& registry);
void heed_register_copy(heed::Registry& registry);
void heed_register_file(heed::Registry& registry);
void heed_register_fuzzy_recall(heed::Registry& registry);
void heed_register_images(heed::Registry& registry);
void heed_register_induction(heed::Registry& registry);
void heed_register_listops(heed::Registry& registry);
void heed_register_masked_text(heed::Registry& registry);
void heed_register_memorization(heed::Registry& registry);
void heed_register_mqar(heed::Registry& registry);
void heed_register_needle(heed::Registry& registry);
void heed_register_noisy_recall(heed::Registry& registry);
void heed_register_pairs(heed::Registry& registry);
void heed_register_parity(heed::Registry& registry);
void heed_register_permutations(heed::Registry& registry);
void heed_register_recall(heed::Registry& registry);
void heed_register_selective_copy(heed::Registry& registry);
void heed_register_text(heed::Registry& registry);
void heed_register_translation(heed::Registry& registry);

namespace heed {

// By hand and not by static objects: a linker drops those of an archive.
void register_builtin_tasks(Registry& registry) {
  heed_register_mqar(registry);
  heed_register_recall(registry);
  heed_register_noisy_recall(registry);
  heed_register_fuzzy_recall(registry);
  heed_register_copy(registry);
  heed_register_selective_copy(registry);
  heed_register_induction(registry);
  heed_register_needle(registry);
  heed_register_memorization(registry);
  heed_register_compression(registry);
  heed_register_parity(registry);
  heed_register_permutations(registry);
  heed_register_listops(registry);
  heed_register_text(registry);
  heed_register_masked_text(registry);
  heed_register_images(registry);
  heed_register_file(registry);
  heed_register_translation(registry);
  heed_register_pairs(registry);
}

}  // namespace heed
