// Optional members are found by their name. One that has the name and another signature would be left out
// silently; instead it is a compile error that shows the right signature.
#pragma once

#include <type_traits>

namespace heed::detail {

// True if T has a member called `name`, of any kind. A class that derives from T and from a struct with such
// a member has then an ambiguous name. Nothing can derive from a final class; there the test takes the
// member's address, which an overloaded function does not have.
#define HEED_HAS_MEMBER(name)                           \
  struct Named_##name {                                 \
    int name;                                           \
  };                                                    \
  template <class T>                                    \
  struct With_##name : T, Named_##name {};              \
  template <class T>                                    \
  constexpr bool has_##name() {                         \
    if constexpr (std::is_final_v<T>) return requires { \
        &T::name;                                       \
      };                                                \
    else                                                \
      return !requires { &With_##name<T>::name; };      \
  }

HEED_HAS_MEMBER(block_style)
HEED_HAS_MEMBER(cost)
HEED_HAS_MEMBER(declare)
HEED_HAS_MEMBER(decode)
HEED_HAS_MEMBER(divided)
HEED_HAS_MEMBER(head_params)
HEED_HAS_MEMBER(inputs)
HEED_HAS_MEMBER(kept_keys)
HEED_HAS_MEMBER(normalize)
HEED_HAS_MEMBER(normalize_backward)
HEED_HAS_MEMBER(normalizes)
HEED_HAS_MEMBER(prepare)
HEED_HAS_MEMBER(reads_unrotated)
HEED_HAS_MEMBER(shape)
HEED_HAS_MEMBER(splits)
HEED_HAS_MEMBER(state_size)
HEED_HAS_MEMBER(traits)
HEED_HAS_MEMBER(weights)
#undef HEED_HAS_MEMBER

}  // namespace heed::detail
