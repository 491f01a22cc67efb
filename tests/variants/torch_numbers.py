#!/usr/bin/env python3
"""Prints tests/variants/torch_numbers.h: what PyTorch's optimizers and schedulers compute.

    pip install torch
    tests/variants/torch_numbers.py > tests/variants/torch_numbers.h
"""
import itertools
import math

import torch
from torch.optim.lr_scheduler import ConstantLR, CosineAnnealingLR, LinearLR, SequentialLR

torch.set_default_dtype(torch.float64)
SIZE, UPDATES = 3, 6


def gradient(t, i):
    return math.sin(1.7 * t + 0.9 * i + 0.3) * (1 + 0.5 * i)


def rate(t):
    return 0.1 / (1 + 0.2 * t)


def path(make):
    """The parameters after each update, one update after another."""
    p = torch.nn.Parameter(torch.tensor([math.cos(i) for i in range(SIZE)]))
    optimizer = make([p])
    out = []
    for t in range(UPDATES):
        optimizer.param_groups[0]["lr"] = rate(t)
        p.grad = torch.tensor([gradient(t, i) for i in range(SIZE)])
        optimizer.step()
        out += p.tolist()
    return out


def optimizer_cases():
    for momentum, dampening, decay, nesterov in itertools.product((0, 0.9), (0, 0.25), (0, 0.3), (False, True)):
        if (dampening or nesterov) and not momentum or dampening and nesterov:
            continue  # without effect, or refused
        options = {"momentum": momentum, "dampening": dampening, "weight_decay": decay}
        numbers = path(lambda p: torch.optim.SGD(p, lr=1, nesterov=nesterov, **options))
        yield "sgd", options | ({"nesterov": True} if nesterov else {}), numbers
    for beta1, beta2, eps, decay in ((0.9, 0.999, 1e-8, 0.1), (0.8, 0.95, 1e-3, 0.0), (0.0, 0.99, 1e-8, 0.5)):
        options = {"beta1": beta1, "beta2": beta2, "eps": eps, "weight_decay": decay}
        make = lambda p: torch.optim.AdamW(p, lr=1, betas=(beta1, beta2), eps=eps, weight_decay=decay)
        yield "adamw", options, path(make)


def rates(lr, warmup, steps, rest):
    """Linear warmup, then `rest`: (scheduler, its number of steps) in turn."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr)
    parts = [(lambda o: LinearLR(o, 1 / warmup, 1, warmup - 1), warmup)] + rest
    ends = list(itertools.accumulate(n for _, n in parts))[:-1]
    schedule = SequentialLR(optimizer, [make(optimizer) for make, _ in parts], ends)
    out = []
    for _ in range(steps):
        out.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return out


def schedule_cases():
    lr, warmup, steps, low = 0.3, 4, 20, 0.03
    n, decay = steps - warmup, 5
    stay = (lambda o: ConstantLR(o, 1, 1))
    yield "constant", {}, rates(lr, warmup, steps, [(stay, n)])
    yield "linear", {"min_lr": low}, rates(lr, warmup, steps, [(lambda o: LinearLR(o, 1, low / lr, n), n)])
    yield "cosine", {"min_lr": low}, rates(lr, warmup, steps, [(lambda o: CosineAnnealingLR(o, n, low), n)])
    down = (lambda o: LinearLR(o, 1, low / lr, decay))
    yield "wsd", {"decay": 0.25, "min_lr": low}, rates(lr, warmup, steps, [(stay, n - decay), (down, decay)])


def literal(value):
    return "true" if value is True else repr(float(value))


def table(name, cases):
    print(f"inline const std::vector<TorchCase> {name} = {{")
    for what, options, numbers in cases:
        given = ", ".join(f'{{"{k}", "{literal(v)}"}}' for k, v in options.items())
        print(f'    {{"{what}", {{{given}}},\n     {{{", ".join(repr(x) for x in numbers)}}}}},')
    print("};")


print(f"""// Printed by torch_numbers.py with PyTorch {torch.__version__.split("+")[0]}; do not edit.
// clang-format off
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace heed::test {{

struct TorchCase {{
  std::string name;
  std::vector<std::pair<std::string, std::string>> options;
  std::vector<double> numbers;
}};

// The three parameters after each of six updates.""")
table("kTorchOptimizers", optimizer_cases())
print("\n// The learning rate of each of 20 steps: peak 0.3, warmup 4.")
table("kTorchSchedules", schedule_cases())
print("\n}  // namespace heed::test")
