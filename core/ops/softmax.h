#pragma once

#include "core/head_kernel.h"
#include "core/views.h"

namespace heed {

// p_ij = exp(s_ij - slope |i + offset - j|) / sum over visible j,   0 for hidden pairs;   scores s (Tq,Tk),
// overwritten by the weights p. A row without visible keys becomes zeros. Works on whole rows: use it for
// short lengths, probes and first drafts of a variant. The tiled kernel (variants/parts) is for long
// sequences.
template <class S>
void softmax_rows(Mat<S> s, const Mask& mask, S slope = 0);

// ds_ij = p_ij (dp_ij - sum_j p_ij dp_ij);   dp (Tq,Tk), overwritten by ds
template <class S>
void softmax_rows_backward(In<S> p, Mat<S> dp);

}  // namespace heed
