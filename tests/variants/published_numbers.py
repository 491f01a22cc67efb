#!/usr/bin/env python3
"""Prints tests/variants/published_numbers.h: what the published formulas of Lion and Muon give, in float64.

PyTorch has no Lion, and its Muon iterates in bfloat16, so both are written here with NumPy, from the papers.

    pip install numpy
    tests/variants/published_numbers.py > tests/variants/published_numbers.h
"""
import itertools

import numpy as np

UPDATES = 6
# (rows, cols) = (in, out): matrices of attention and feed-forward, the head, a bias; only the bias does not decay.
SHAPES = ((4, 2), (2, 3), (2, 3), (1, 3))
MATRICES, DECAYED = (0, 1), (0, 1, 2)


def start(k):
    rows, cols = SHAPES[k]
    return np.cos(k + np.arange(rows * cols, dtype=float)).reshape(rows, cols)


def gradient(t, k):
    rows, cols = SHAPES[k]
    i = np.arange(rows * cols)
    return (np.sin(1.7 * t + 0.9 * i + 0.3 + k) * (1 + 0.5 * i)).reshape(rows, cols)


def rate(t):
    return 0.1 / (1 + 0.2 * t)


class Lion:
    """Chen et al. 2023, program 1."""

    def __init__(self, beta1, beta2, weight_decay):
        self.beta1, self.beta2, self.decay, self.m = beta1, beta2, weight_decay, 0.0

    def step(self, weight, grad, lr, decays):
        update = np.sign(grad * (1 - self.beta1) + self.m * self.beta1)
        self.m = grad * (1 - self.beta2) + self.m * self.beta2
        return weight - lr * (update + (self.decay * weight if decays else 0))


class AdamW:
    """Loshchilov and Hutter 2019, algorithm 2."""

    def __init__(self, beta1, beta2, eps, weight_decay):
        self.b1, self.b2, self.eps, self.decay, self.m, self.v, self.t = beta1, beta2, eps, weight_decay, 0.0, 0.0, 0

    def step(self, weight, grad, lr, decays):
        self.t += 1
        self.m = self.b1 * self.m + (1 - self.b1) * grad
        self.v = self.b2 * self.v + (1 - self.b2) * grad**2
        m, v = self.m / (1 - self.b1**self.t), self.v / (1 - self.b2**self.t)
        return weight - lr * m / (np.sqrt(v) + self.eps) - (lr * self.decay * weight if decays else 0)


def newton_schulz(g, steps):
    """zeropower_via_newtonschulz5 of Jordan et al. 2024."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = g.T if g.shape[0] > g.shape[1] else g
    x = x / max(np.linalg.norm(x), 1e-7)
    for _ in range(steps):
        s = x @ x.T
        x = a * x + (b * s + c * s @ s) @ x
    return x.T if g.shape[0] > g.shape[1] else x


class Muon:
    """torch.optim.Muon, for a weight of PyTorch's shape (out, in)."""

    def __init__(self, momentum, nesterov, iterations, scale, weight_decay):
        self.mu, self.nesterov, self.iterations = momentum, nesterov, iterations
        self.scale, self.decay, self.buffer = scale, weight_decay, 0.0

    def adjusted(self, lr, out, in_):
        if self.scale == "original":
            return lr * max(1, out / in_) ** 0.5
        return lr * 0.2 * max(out, in_) ** 0.5

    def step(self, weight, grad, lr):
        self.buffer = self.buffer + (1 - self.mu) * (grad - self.buffer)
        update = grad + self.mu * (self.buffer - grad) if self.nesterov else self.buffer
        return weight * (1 - lr * self.decay) - self.adjusted(lr, *weight.shape) * newton_schulz(update, self.iterations)


def path(make):
    """All parameters after each update, one update after another. make(k): step(weight, grad, lr) of parameter k."""
    weights = [start(k) for k in range(len(SHAPES))]
    steps = [make(k) for k in range(len(SHAPES))]
    out = []
    for t in range(UPDATES):
        weights = [step(w, gradient(t, k), rate(t)) for k, (step, w) in enumerate(zip(steps, weights))]
        out += [float(x) for w in weights for x in w.ravel()]
    return out


def lion_case(options):
    def make(k):
        lion = Lion(**options)
        return lambda weight, grad, lr: lion.step(weight, grad, lr, k in DECAYED)

    return "lion", options, path(make)


def muon_case(options, rest):
    def make(k):
        if k in MATRICES:
            muon = Muon(**options)
            return lambda weight, grad, lr: muon.step(weight.T, grad.T, lr).T
        adamw = AdamW(**rest, weight_decay=options["weight_decay"])
        return lambda weight, grad, lr: adamw.step(weight, grad, lr, k in DECAYED)

    return "muon", options | rest, path(make)


def cases():
    for beta1, beta2, decay in ((0.9, 0.99, 0.1), (0.95, 0.98, 0.0), (0.5, 0.9, 1.0)):
        yield lion_case({"beta1": beta1, "beta2": beta2, "weight_decay": decay})
    for nesterov, scale in itertools.product((True, False), ("match_rms_adamw", "original")):
        for momentum, iterations, decay in ((0.95, 5, 0.1), (0.8, 3, 0.0)):
            options = {"momentum": momentum, "nesterov": nesterov, "iterations": iterations, "scale": scale}
            yield muon_case(options | {"weight_decay": decay}, {"beta1": 0.8, "beta2": 0.95, "eps": 1e-3})


def literal(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


print(f"""// Printed by published_numbers.py with NumPy {np.__version__}; do not edit.
// clang-format off
#pragma once

#include "tests/variants/torch_numbers.h"

namespace heed::test {{

// The parameters (4,2), (2,3), (2,3) and (1,3) after each of six updates.
inline const std::vector<TorchCase> kPublishedOptimizers = {{""")
for name, options, numbers in cases():
    given = ", ".join(f'{{"{k}", "{literal(v)}"}}' for k, v in options.items())
    print(f'    {{"{name}", {{{given}}},\n     {{{", ".join(repr(x) for x in numbers)}}}}},')
print("};\n\n}  // namespace heed::test")
