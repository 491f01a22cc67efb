#pragma once

#include <string_view>

#include "core/step.h"
#include "core/views.h"

namespace heed {

// Elementwise functions, each with its derivative. An element gives the same bits at any position in an
// array.
//
//     gelu_erf    x Phi(x), Phi(x) = (1 + erf(x / sqrt 2)) / 2            Hendrycks & Gimpel 2016
//     gelu_tanh   x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) / 2         the same, approximated
//     silu        x sigmoid(x)                                            Elfwing et al. 2017
//
// The two GELUs differ by up to 5e-4.
enum class Activation { gelu_erf, gelu_tanh, silu };

Activation activation(std::string_view name);  // Requires: one of the names above

// y = f(x); shapes equal. y may be x itself.
template <class S>
void activate(Activation f, In<S> x, Mat<S> y);

// dy becomes dx in place: d = d * f'(x).
template <class S>
void activate_backward(Activation f, In<S> x, Mat<S> d);

// y = f(x), and x becomes f'(x), so that backward need not recompute f.
template <class S>
void activate_with_slope(Activation f, Mat<S> x, Mat<S> y);

// The same for whole sequences, on the threads of the step.
template <class S>
void activate(Step<S>& step, Activation f, Seq<const S> x, Seq<S> y);
template <class S>
void activate_backward(Step<S>& step, Activation f, Seq<const S> x, Seq<S> d);
template <class S>
void activate_with_slope(Step<S>& step, Activation f, Seq<S> x, Seq<S> y);

// The gate of SwiGLU: y = silu(g) * u, elementwise.   Shazeer 2020, eq. 5
template <class S>
void swiglu(Step<S>& step, Seq<const S> g, Seq<const S> u, Seq<S> y);

// du = dy * silu(g)   dg = dy * u * silu'(g).   Overwrites du and dg.
template <class S>
void swiglu_backward(Step<S>& step, Seq<const S> g, Seq<const S> u, Seq<const S> dy, Seq<S> dg, Seq<S> du);

}  // namespace heed
