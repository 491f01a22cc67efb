#include "core/plugin.h"

extern "C" __attribute__((used)) const char heed_plugin_stamp[] = HEED_STAMP_MARK HEED_STAMP;
