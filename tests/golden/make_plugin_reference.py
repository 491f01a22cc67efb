"""Writes cosine.h5, gated.h5 and relu2.h5 with PyTorch: docs/reference-numbers.md explains each line.

    python make_plugin_reference.py FOLDER      # needs torch and h5py
"""

import math
import pathlib
import sys

import h5py
import torch

torch.set_default_dtype(torch.float64)
torch.manual_seed(0)


def write(file, name, attributes, function, inputs, params):
    """Writes one case: what function(**inputs, **params) returns, and every gradient."""
    leaves = inputs | params
    for tensor in leaves.values():
        tensor.requires_grad_()
    # heed's names have dots, Python's arguments do not
    out = function(**{key.replace(".", "_"): tensor for key, tensor in leaves.items()})
    upstream = torch.randn_like(out)
    out.backward(upstream)
    groups = {
        "inputs": inputs,
        "params": params,
        "outputs": {"out": out},
        "upstream": {"out": upstream},
        "grads": {key: tensor.grad for key, tensor in leaves.items()},
    }
    file.attrs.update({"format": "heed-golden", "format_version": 1})
    file.create_group(name).attrs.update(attributes)
    for group, tensors in groups.items():
        for key, tensor in tensors.items():
            file[f"{name}/{group}/{key}"] = tensor.detach().numpy()


def cosine(q, k, v, scale, causal=False):
    """Henry et al. 2020, section 3, as docs/adding-a-variant.md has it."""
    q, k = (x / (x.square().sum(-1, keepdim=True) + 1e-12).sqrt() for x in (q, k))
    scores = scale * q @ k.mT
    if causal:
        hidden = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1)
        scores = scores.masked_fill(hidden, -math.inf)
    return scores.softmax(-1) @ v


def attention(q, k, v, causal):
    """Softmax attention; a key head serves several query heads."""
    group = q.shape[1] // k.shape[1]
    k, v = (x.repeat_interleave(group, dim=1) for x in (k, v))
    return torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=causal)


def gated(q, k, v, gate):
    """Qiu et al. 2025: a sigmoid gate after softmax attention."""
    return gate.sigmoid() * attention(q, k, v, causal=True)


def gated_layer(x, **p):
    """gated() with heed's projections: y = x W + b, a head owns adjacent columns."""

    def heads(name, count):
        projected = x @ p[f"{name}_weight"] + p.get(f"{name}_bias", 0)
        return projected.unflatten(-1, (count, -1)).transpose(1, 2)

    out = gated(heads("query", 4), heads("key", 2), heads("value", 2), heads("gate", 4))
    return out.transpose(1, 2).flatten(-2) @ p["output_weight"] + p["output_bias"]


def relu2(x, in_weight, out_weight, in_bias=0, out_bias=0):
    """So et al. 2021, section 4."""
    return (x @ in_weight + in_bias).relu().square() @ out_weight + out_bias


def cosine_case(file, name, causal, heads=2, queries=5, keys=5):
    shapes = {"q": queries, "k": keys, "v": keys}
    write(
        file,
        name,
        {"variant": "cosine", "level": "kernel", "heads": heads, "causal": int(causal)},
        lambda **tensors: cosine(**tensors, causal=causal),
        {key: torch.randn(2, heads, time, 3) for key, time in shapes.items()},
        {"scale": torch.tensor(2.5)},
    )


def gated_cases(file):
    attributes = {"variant": "gated", "heads": 4, "causal": 1, "key_heads": 2}
    shapes = {"q": (2, 4, 5, 3), "k": (2, 2, 5, 3), "v": (2, 2, 5, 3), "gate": (2, 4, 5, 3)}
    inputs = {key: torch.randn(shape) for key, shape in shapes.items()}
    write(file, "kernel", attributes | {"level": "kernel"}, gated, inputs, {})
    columns = {"query": 12, "key": 6, "value": 6, "output": 12}
    shapes = {f"{name}.weight": (12, n) for name, n in (columns | {"gate": 12}).items()}
    shapes |= {f"{name}.bias": (n,) for name, n in columns.items()}
    params = {key: torch.randn(shape) / 3 for key, shape in shapes.items()}
    inputs = {"x": torch.randn(2, 5, 12)}
    write(file, "layer", attributes | {"level": "layer"}, gated_layer, inputs, params)


def relu2_case(file, name, bias):
    shapes = {"in.weight": (4, 6), "out.weight": (6, 4)}
    if bias:
        shapes |= {"in.bias": (6,), "out.bias": (4,)}
    write(
        file,
        name,
        {"variant": "relu2", "level": "layer", "causal": 0, "bias": int(bias), "width": 6},
        relu2,
        {"x": torch.randn(2, 3, 4)},
        {key: torch.randn(shape) for key, shape in shapes.items()},
    )


if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[1])
    with h5py.File(folder / "cosine.h5", "w") as file:
        cosine_case(file, "bidirectional", causal=False)
        cosine_case(file, "causal", causal=True)
        cosine_case(file, "cross", causal=False, queries=4, keys=7)
        cosine_case(file, "one_token", causal=True, heads=1, queries=1, keys=1)
    with h5py.File(folder / "relu2.h5", "w") as file:
        relu2_case(file, "with_bias", bias=True)
        relu2_case(file, "without_bias", bias=False)
    with h5py.File(folder / "gated.h5", "w") as file:
        gated_cases(file)
