#include "core/divisible.h"

#include <fmt/format.h>

#include "core/error.h"

namespace heed {

void require_split(std::string_view variant, Splits claimed, const ContextSplit& split) {
  if (claimed == Splits::none)
    throw Error(fmt::format(
        "'{}' does not support context parallelism, or not with these options: each rank would need all "
        "positions of a sequence. Train it on one rank; docs/context-parallelism.md lists the variants that "
        "do.",
        variant));
  if (claimed == Splits::contiguous && !split.is_contiguous())
    throw Error(fmt::format(
        "'{}' passes its state from rank to rank: it needs a contiguous split of the sequences, not zigzag.",
        variant));
}

}  // namespace heed
