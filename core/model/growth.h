#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/params.h"

namespace heed {

// A model that grows while it is trained: a larger one takes over each parameter by its name. Old rows come
// first and keep their values; the rows beyond them are what the declaration says (NewRows), and a variant
// declares them so that the function stays what it was. docs/variants/tokenformer.md has the derivation.

// Why one model cannot grow into another, as a sentence about the first parameter in the way; empty where it
// can. Asks for declarations alone: neither model needs memory.
std::string refuse_growth(const std::vector<ParamInfo>& smaller, const std::vector<ParamInfo>& larger);

// Values of `smaller` into `larger`; new rows become zero or stay as they are. As Params::initialize draws
// row by row, new rows of an initialized `larger` continue the stream that the old ones came from. REQUIRES:
// refuse_growth is empty.
template <class S>
void grow(const Params<S>& smaller, Params<S>& larger);

// The rows of `from`, an array with a number for each value of a smaller model, into those that `to` has for
// the same rows. Other numbers of `to` stay as they are. REQUIRES: refuse_growth is empty.
template <class S>
void copy_old_rows(const std::vector<ParamInfo>& smaller, std::span<const S> from,
                   const std::vector<ParamInfo>& larger, std::span<S> to);

}  // namespace heed
