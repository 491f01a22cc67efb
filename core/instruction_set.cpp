#include "core/instruction_set.h"

#include "core/ops/amx_product.h"

namespace heed {

std::string kernel_arch() { return HEED_ARCH; }  // defined by CMake, only for this file

std::string instruction_set() {
  std::string features;
#if defined(__x86_64__)
  features += "x86-64";
#elif defined(__aarch64__)
  features += "aarch64";
#endif
#ifdef __AVX2__
  features += " AVX2";
#endif
#ifdef __FMA__
  features += " FMA";
#endif
#ifdef __AVX512F__
  features += " AVX512F";
#endif
#ifdef __AVX512BF16__
  features += " AVX512-BF16";
#endif
#ifdef __ARM_FEATURE_SVE
  features += " SVE";
#endif
  if (amx_product::available()) features += " AMX-BF16";
  return features;
}

}  // namespace heed
