#include "core/plugin.h"
#include "tests/plugins/pass.h"

// What heed_add_plugin would write for REGISTERS misnamed, where the linker lets missing functions pass.
void heed_register_misnamed(heed::Registry& registry);
HEED_PLUGIN("misnamed", "0", heed_register_misnamed)

HEED_LAYER(misnaned, heed::faulty::Pass, "Registered by a name with a typing error")
