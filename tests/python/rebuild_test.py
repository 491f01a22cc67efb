"""Rebuilds trained models from the weights that heed saved, with only numpy, and compares the probe logits.

    rebuild_test.py HEED        trains a softmax and a TokenFormer model for a few steps, then rebuilds both

Shares no code with heed: what is tested is that a trial's file says everything that is needed to use its model.
"""
import os
import subprocess
import sys
import tempfile
from math import erf, sqrt

try:
    import h5py
    import numpy as np
except ImportError as missing:
    print(f"skipped: {missing.name} is not installed (scripts/packages.txt)")
    sys.exit(77)

SWEEP = """
name: rebuild
variants: [softmax, tokenformer]
task: {name: mqar, length: 24, pairs: 4, vocab: 32}
model: {layers: 2, heads: 2, dim: 16}
train: {steps: 12, batch: 8, lr: 0.01, test_sequences: 8, evaluate_sequences: 8}
sweep: {seeds: 1}
save: [weights, attention, logits]
"""

erf_rows = np.vectorize(erf)


def gelu_erf(x):
    return 0.5 * x * (1 + erf_rows(x / sqrt(2)))


def gelu_tanh(x):
    return 0.5 * x * (1 + np.tanh(sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def softmax(s):
    e = np.exp(s - s.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


class Weights:
    """The group `weights` of a trial's file, by name, in double."""

    def __init__(self, group):
        self.all = {name: np.asarray(group[name], dtype=np.float64) for name in group
                    if isinstance(group[name], h5py.Dataset) and group[name].ndim == 2}

    def __getitem__(self, name):
        return self.all[name]

    def get(self, name, otherwise):
        return self.all.get(name, otherwise)


def layer_norm(w, name, x):
    z = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
    return z * w.get(f"{name}.gain", 1.0) + w.get(f"{name}.bias", 0.0)


def linear(w, name, x):
    return x @ w[f"{name}.weight"] + w.get(f"{name}.bias", 0.0)


def pattention(w, name, x):
    s = x @ w[f"{name}.key_tokens"].T
    norm = np.sqrt((s * s).sum(-1, keepdims=True)) + 1e-5
    return gelu_erf(w[f"{name}.tau"][0, 0] * s / norm) @ w[f"{name}.value_tokens"]


def attend(q, k, v, heads):
    """Causal softmax attention. q, k, v (B,T,C); also the weights (B,H,T,T)."""
    batch, time, width = q.shape
    split = lambda x: x.reshape(batch, time, heads, width // heads).transpose(0, 2, 1, 3)
    scores = split(q) @ split(k).transpose(0, 1, 3, 2) / sqrt(width // heads)
    scores = np.where(np.tril(np.ones((time, time), bool)), scores, -np.inf)
    p = softmax(scores)
    return (p @ split(v)).transpose(0, 2, 1, 3).reshape(batch, time, width), p


def forward(w, tokens, variant, layers, heads):
    project = linear if variant == "softmax" else pattention
    x = w["embedding"][tokens] + w["positions.table"][: tokens.shape[1]]
    maps = []
    for i in range(layers):
        block = f"blocks.{i}"
        n = layer_norm(w, f"{block}.norm1", x)
        q, k, v = (project(w, f"{block}.attention.{part}", n) for part in ("query", "key", "value"))
        o, p = attend(q, k, v, heads)
        maps.append(p)
        x = x + project(w, f"{block}.attention.output", o)
        n = layer_norm(w, f"{block}.norm2", x)
        if variant == "softmax":
            x = x + linear(w, f"{block}.feed_forward.out", gelu_tanh(linear(w, f"{block}.feed_forward.in", n)))
        else:
            x = x + pattention(w, feed_forward_name(w, block), n)
    return layer_norm(w, "norm", x) @ w["head"], np.stack(maps, axis=1)


def feed_forward_name(w, block):
    """The parameter tokens of a block's feed-forward: blocks.0.feed_forward[.something]."""
    (name,) = {n[: -len(".key_tokens")] for n in w.all if n.startswith(f"{block}.feed_forward") and n.endswith(".key_tokens")}
    return name


def relative(a, b):
    return float(np.max(np.abs(a - b)) / np.max(np.abs(b)))


def check_trial(path):
    with h5py.File(path) as f:
        variant = f["variant"].asstr()[0]
        layers, heads = int(f["layers"][0]), int(f["heads"][0])
        tokens = np.asarray(f["probe/tokens"])
        logits, maps = forward(Weights(f["weights"]), tokens, variant, layers, heads)
        of_logits = relative(logits, np.asarray(f["probe/logits"], dtype=np.float64))
        of_maps = relative(maps, np.asarray(f["attention/weights"], dtype=np.float64).reshape(maps.shape))
        print(f"{variant}: logits within {of_logits:.1e}, attention weights within {of_maps:.1e}")
        assert of_logits < 1e-5, f"{variant}: the rebuilt logits differ by {of_logits:.1e} of the largest"
        assert of_maps < 1e-5, f"{variant}: the rebuilt attention weights differ by {of_maps:.1e} of the largest"
        # The check can fail: one weight changed must show.
        broken = Weights(f["weights"])
        broken.all["head"] = broken.all["head"] * 1.001
        assert relative(forward(broken, tokens, variant, layers, heads)[0], logits) > 1e-4
        return variant


def main(heed):
    with tempfile.TemporaryDirectory() as folder:
        sweep = os.path.join(folder, "rebuild.yaml")
        with open(sweep, "w") as f:
            f.write(SWEEP)
        run = os.path.join(folder, "run")
        subprocess.run([heed, "run", sweep, "-o", run, "-j", "2"], check=True, stdout=subprocess.DEVNULL)
        trials = os.path.join(run, "trials")
        seen = sorted(check_trial(os.path.join(trials, name)) for name in os.listdir(trials) if name.endswith(".h5"))
        assert seen == ["softmax", "tokenformer"], seen


if __name__ == "__main__":
    main(sys.argv[1])
