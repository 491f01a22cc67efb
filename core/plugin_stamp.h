// What a plugin and the program must have in common, as one text made by the preprocessor: C++ crosses the
// boundary between them, so compilers, layouts and alignments must agree. "key=value" pairs, each ended by
// ';'.
#pragma once

#include <Eigen/Core>

// Raised whenever a header that plugins include changes its meaning.
#define HEED_PLUGIN_ABI 9

#define HEED_TEXT_OF(x) #x
#define HEED_TEXT(x) HEED_TEXT_OF(x)

#if defined(__clang__)
#define HEED_STAMP_COMPILER "Clang " HEED_TEXT(__clang_major__)
#else
#define HEED_STAMP_COMPILER "GCC " HEED_TEXT(__GNUC__)
#endif

#if defined(_LIBCPP_VERSION)
#define HEED_STAMP_LIBRARY "libc++ abi " HEED_TEXT(_LIBCPP_ABI_VERSION)
#elif defined(_GLIBCXX_DEBUG)
#define HEED_STAMP_LIBRARY "libstdc++ debug, cxx11 abi " HEED_TEXT(_GLIBCXX_USE_CXX11_ABI)
#else
#define HEED_STAMP_LIBRARY "libstdc++, cxx11 abi " HEED_TEXT(_GLIBCXX_USE_CXX11_ABI)
#endif

// Different alignments on the two sides of a call corrupt the heap.
#define HEED_STAMP_EIGEN \
  HEED_TEXT(EIGEN_WORLD_VERSION) "." HEED_TEXT(EIGEN_MAJOR_VERSION) "." HEED_TEXT(EIGEN_MINOR_VERSION)
#define HEED_STAMP_ALIGNMENT HEED_TEXT(EIGEN_MAX_ALIGN_BYTES) "/" HEED_TEXT(EIGEN_MAX_STATIC_ALIGN_BYTES)

#if defined(__has_feature)
#define HEED_HAS_FEATURE(x) __has_feature(x)
#else
#define HEED_HAS_FEATURE(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || HEED_HAS_FEATURE(address_sanitizer)
#define HEED_STAMP_SANITIZERS "address"
#elif defined(__SANITIZE_THREAD__) || HEED_HAS_FEATURE(thread_sanitizer)
#define HEED_STAMP_SANITIZERS "thread"
#else
#define HEED_STAMP_SANITIZERS "none"
#endif

// Such code treats NaN as a number; linking it makes the whole process flush denormal numbers to zero.
#if defined(__FAST_MATH__) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__)
#define HEED_STAMP_MATH "fast"
#else
#define HEED_STAMP_MATH "strict"
#endif

#define HEED_STAMP_ABI                                                                              \
  "abi=" HEED_TEXT(HEED_PLUGIN_ABI) ";compiler=" HEED_STAMP_COMPILER ";library=" HEED_STAMP_LIBRARY \
                                    ";eigen=" HEED_STAMP_EIGEN ";alignment=" HEED_STAMP_ALIGNMENT   \
                                    ";sanitizers=" HEED_STAMP_SANITIZERS ";math=" HEED_STAMP_MATH ";"

// The CPU features that the code needs. heed and a plugin may differ in them: each contains its own code.
#ifdef __AVX__
#define HEED_CPU_AVX " avx"
#else
#define HEED_CPU_AVX ""
#endif
#ifdef __AVX2__
#define HEED_CPU_AVX2 " avx2"
#else
#define HEED_CPU_AVX2 ""
#endif
#ifdef __FMA__
#define HEED_CPU_FMA " fma"
#else
#define HEED_CPU_FMA ""
#endif
#ifdef __AVX512F__
#define HEED_CPU_AVX512F " avx512f"
#else
#define HEED_CPU_AVX512F ""
#endif
#ifdef __AVX512BW__
#define HEED_CPU_AVX512BW " avx512bw"
#else
#define HEED_CPU_AVX512BW ""
#endif
#ifdef __AVX512DQ__
#define HEED_CPU_AVX512DQ " avx512dq"
#else
#define HEED_CPU_AVX512DQ ""
#endif
#ifdef __AVX512VL__
#define HEED_CPU_AVX512VL " avx512vl"
#else
#define HEED_CPU_AVX512VL ""
#endif
#ifdef __AVX512VNNI__
#define HEED_CPU_AVX512VNNI " avx512vnni"
#else
#define HEED_CPU_AVX512VNNI ""
#endif
#define HEED_STAMP_CPU                                                                         \
  HEED_CPU_AVX HEED_CPU_AVX2 HEED_CPU_FMA HEED_CPU_AVX512F HEED_CPU_AVX512BW HEED_CPU_AVX512DQ \
      HEED_CPU_AVX512VL HEED_CPU_AVX512VNNI

#define HEED_STAMP HEED_STAMP_ABI "cpu=" HEED_STAMP_CPU ";"
