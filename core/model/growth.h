#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/params.h"

namespace heed {

// A model that grows during training: a larger model takes over each parameter by its name. Old rows come
// first and keep their values. New rows are as declared (NewRows); a variant declares them so that growth
// does not change the function. docs/variants/tokenformer.md has the derivation.

// Returns why one model cannot grow into another: a sentence about the first parameter that does not fit.
// Returns an empty string if it can. Reads declarations only: neither model needs memory.
std::string refuse_growth(const std::vector<ParamInfo>& smaller, const std::vector<ParamInfo>& larger);

// Copies the values of `smaller` into `larger`. New rows become zero or are not changed. Params::initialize
// draws row by row, so new rows of an initialized `larger` continue the random stream of the old ones.
// Requires: refuse_growth returns an empty string.
template <class S>
void grow(const Params<S>& smaller, Params<S>& larger);

// Copies the rows of `from`, which has one number for each value of the smaller model, into the same rows of
// `to`. Does not change other numbers of `to`. Requires: refuse_growth returns an empty string.
template <class S>
void copy_old_rows(const std::vector<ParamInfo>& smaller, std::span<const S> from,
                   const std::vector<ParamInfo>& larger, std::span<S> to);

}  // namespace heed
