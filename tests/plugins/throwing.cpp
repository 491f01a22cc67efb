#include <stdexcept>

#include "core/registry.h"

// Throws where a variant would be registered; built in other ways it is never asked.
void heed_register_thrown(heed::Registry& registry);
void heed_register_thrown(heed::Registry&) {
#ifndef HEED_TEST_NOTHING
  throw std::runtime_error("no license found");
#endif
}
