#!/usr/bin/env python3
"""Writes reference numbers of the layers in torch_mixers.py, to prove that the peer computes what heed computes.

    torch_reference.py mixers.h5 && build/release/bin/golden_check mixers.h5

In float64, causal, without biases of linear maps: output and gradients of each layer, of one chunk and of several,
the last one not complete. Needs torch and h5py (docs/reference-numbers.md).
"""
import argparse
from types import SimpleNamespace

import h5py
import torch

from torch_mixers import LAYERS

VARIANTS = {"grouped": ("softmax", {"key_heads": 2})}  # heed's names, where they differ


def case(file, name, time):
    a = SimpleNamespace(d_model=32, heads=4, seq=time, key_heads=2, sdpa=False)
    layer = LAYERS[name](a, 0)
    for p in layer.parameters():  # numbers that no start hides: gains are not 1, biases not 0
        p.data = p.data + 0.1 * torch.randn_like(p)
    x = torch.randn(2, time, a.d_model, requires_grad=True)
    out = layer(x)
    out.backward(upstream := torch.randn_like(out))
    variant, options = VARIANTS.get(name, (name, {}))
    group = file.create_group(f"{name}_{time}")
    group.attrs.update({"variant": variant, "level": "layer", "heads": a.heads, "causal": 1, "bias": 0, **options})
    grads = {"x": x.grad, **layer.heed_tensors(lambda p: p.grad)}
    for part, tensors in {"inputs": {"x": x}, "params": layer.heed_tensors(), "outputs": {"out": out},
                          "upstream": {"out": upstream}, "grads": grads}.items():
        for key, tensor in tensors.items():
            group[f"{part}/{key}"] = tensor.detach().contiguous().numpy()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("file")
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(1)
    with h5py.File(parser.parse_args().file, "w") as file:
        file.attrs.update({"format": "heed-golden", "format_version": 1})
        for name in LAYERS:
            for time in (64, 150):
                case(file, name, time)


if __name__ == "__main__":
    main()
