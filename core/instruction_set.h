// The instruction set of the kernels: core and the variants. The Debian package contains several builds of
// these two libraries, and the dynamic loader chooses one (docs/performance.md).
#pragma once

#include <string>

namespace heed {

// Returns the CMake option HEED_ARCH of core: "native", "x86-64-v3", or empty for the compiler's default.
std::string kernel_arch();

// Returns the CPU features of core that change how the compiler vectorizes loops, and AMX-BF16 if products in
// bfloat16 use it (core/ops/amx_product.h): "x86-64 AVX2 FMA".
std::string instruction_set();

}  // namespace heed
