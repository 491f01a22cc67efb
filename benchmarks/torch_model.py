"""The model of `heed bench --step` in PyTorch: a small causal transformer with several kinds of token mixing.

Those of this file map q, k, v (batch, heads, time, width) to o; torch_mixers.py has whole layers. All are written as a careful user of PyTorch would: linear
and window attention make no (time, time) matrix, masks are made once. The parameters are heed's, one by one, so that
compare_torch can insist on equal counts.
"""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

from torch_mixers import CHUNK, LAYERS, blocks, joined


def flash(q, k, v):
    return F.scaled_dot_product_attention(q, k, v, is_causal=True)


class Softmax(nn.Module):
    maps = 1  # of queries and keys in a head

    def __init__(self, a, depth):
        super().__init__()
        self.sdpa = a.sdpa
        self.register_buffer("hidden", torch.ones(a.seq, a.seq, dtype=torch.bool).triu(1))

    def weights(self, q, k):
        s = (q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2)
        return s.masked_fill(self.hidden, -math.inf).softmax(-1)

    def forward(self, q, k, v):
        return flash(q, k, v) if self.sdpa else self.weights(q, k) @ v


class Differential(Softmax):
    """Ye et al. 2024; the maps of a head are neighbors, each half as wide as the values."""
    maps = 2

    def __init__(self, a, depth):
        super().__init__(a, depth)
        width = a.d_model // a.heads
        self.start = 0.8 - 0.6 * math.exp(-0.3 * depth)
        self.lam = nn.Parameter(torch.randn(4, width // 2) * 0.1)
        self.gain = nn.Parameter(torch.ones(width))

    def forward(self, q, k, v):
        q1, k1, q2, k2 = self.lam
        lam = (q1 @ k1).exp() - (q2 @ k2).exp() + self.start
        if self.sdpa:
            o = flash(q, k, v.repeat_interleave(2, dim=1))
            o = o[:, 0::2] - lam * o[:, 1::2]
        else:
            p = self.weights(q, k)
            o = (p[:, 0::2] - lam * p[:, 1::2]) @ v
        return o * (o.square().mean(-1, keepdim=True) + 1e-5).rsqrt() * (self.gain * (1 - self.start))


class Window(nn.Module):
    """A query sees itself and a.window - 1 keys before it: blocks of that size, each with the one before it."""
    maps = 1

    def __init__(self, a, depth):
        super().__init__()
        self.size = w = a.window
        i, j = w + torch.arange(w)[:, None], torch.arange(2 * w)[None]
        hidden = ((j > i) | (j <= i - w)).repeat(-(-a.seq // w), 1, 1)
        hidden[0, :, :w] = True
        self.register_buffer("hidden", hidden)

    def forward(self, q, k, v):
        time = q.shape[2]
        q, k, v = (blocks(x, self.size) for x in (q, k, v))
        k, v = (torch.cat([F.pad(x[:, :, :-1], (0, 0, 0, 0, 1, 0)), x], dim=3) for x in (k, v))
        s = (q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2)
        return joined(s.masked_fill(self.hidden, -math.inf).softmax(-1) @ v, time)


class Linear(nn.Module):
    """Katharopoulos et al. 2020, elu + 1: pairs inside a chunk, a running state across chunks."""
    maps = 1

    def __init__(self, a, depth):
        super().__init__()
        self.chunk = min(CHUNK, a.seq)
        self.register_buffer("hidden", torch.ones(self.chunk, self.chunk, dtype=torch.bool).triu(1))

    def forward(self, q, k, v):
        time = q.shape[2]
        q, k, v = (blocks(x, self.chunk) for x in (F.elu(q) + 1, F.elu(k) + 1, v))
        s = (q @ k.transpose(-1, -2)).masked_fill(self.hidden, 0)
        top, bottom = s @ v, s.sum(-1, keepdim=True)
        if q.shape[2] > 1:
            kv, k_sum = k.transpose(-1, -2) @ v, k.sum(3).unsqueeze(-1)
            top = top + q @ (kv.cumsum(2) - kv)
            bottom = bottom + q @ (k_sum.cumsum(2) - k_sum)
        return joined(top / (bottom + 1e-6), time)


def make_mixing(a, depth=0):
    if a.variant == "window" and a.window >= a.seq:  # it hides nothing
        return Softmax(a, depth)
    kinds = {"linear": Linear, "window": Window, "differential": Differential}
    return kinds.get(a.variant, Softmax)(a, depth)


class Pattention(nn.Module):
    """Wang et al. 2024: attention over parameter tokens in place of a linear map."""

    def __init__(self, width, tokens):
        super().__init__()
        self.key = nn.Parameter(torch.randn(tokens, width) * 0.02)
        self.value = nn.Parameter(torch.randn(tokens, width) * 0.02)

    def forward(self, x):
        s = x @ self.key.t()
        s = s * (len(self.key) ** 0.5 * (s.square().sum(-1, keepdim=True) + 1e-10).rsqrt())
        return F.gelu(s) @ self.value


class Norm(nn.Module):
    """A layer norm without bias; without gain, too, in TokenFormer's blocks."""

    def __init__(self, width, gain=True):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(width)) if gain else None

    def forward(self, x):
        return F.layer_norm(x, x.shape[-1:], self.gain)


class Attention(nn.Module):
    def __init__(self, a, depth):
        super().__init__()
        d, self.heads = a.d_model, a.heads
        if a.variant == "tokenformer":
            self.maps = nn.ModuleList(Pattention(d, d) for _ in range(3))
            self.out = Pattention(d, d)
        else:
            self.maps = nn.ModuleList([nn.Linear(d, 3 * d, bias=False)])  # one product for the three
            self.out = nn.Linear(d, d, bias=False)
        self.mixing = make_mixing(a, depth)

    def forward(self, x):
        def split(y, heads):
            return y.unflatten(-1, (heads, -1)).transpose(1, 2)

        q, k, v = (m(x) for m in self.maps) if len(self.maps) == 3 else self.maps[0](x).chunk(3, dim=-1)
        h = self.heads * self.mixing.maps
        return self.out(self.mixing(split(q, h), split(k, h), split(v, self.heads)).transpose(1, 2).flatten(2))


class Block(nn.Module):
    def __init__(self, a, depth):
        super().__init__()
        d, token = a.d_model, a.variant == "tokenformer"
        self.norm1, self.norm2 = Norm(d, not token), Norm(d, not token)
        self.attention = LAYERS.get(a.variant, Attention)(a, depth)
        self.mlp = Pattention(d, 4 * d) if token else nn.Sequential(
            nn.Linear(d, 4 * d, bias=False), nn.GELU(), nn.Linear(4 * d, d, bias=False))

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class Model(nn.Module):
    """The mean cross entropy of `label` at the positions `scored` of batch x time; None: at all of them."""

    def __init__(self, a):
        super().__init__()
        self.tokens, self.positions = nn.Embedding(a.vocab, a.d_model), nn.Embedding(a.seq, a.d_model)
        self.blocks = nn.ModuleList(Block(a, i) for i in range(a.layers))
        self.norm = Norm(a.d_model)
        self.head = nn.Linear(a.d_model, a.vocab, bias=False)
        for m in self.modules():
            if isinstance(m, (nn.Linear, nn.Embedding)):
                nn.init.normal_(m.weight, std=0.02)

    def forward(self, ids, scored, label):
        x = self.tokens(ids) + self.positions.weight
        for block in self.blocks:
            x = block(x)
        x = self.norm(x).flatten(0, 1)
        if scored is not None:  # logits where there is a label, and nowhere else
            x = x.index_select(0, scored)
        return F.cross_entropy(self.head(x), label)
