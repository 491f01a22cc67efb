"""Recurrent and gated mixers in PyTorch, as layers x -> y (batch, time, width), with heed's defaults and no biases.

Chunked forms throughout, as a user would write or find them: all chunks at once by batched products, a short loop
over the states between chunks. Several maps of x are one product. `heed_tensors` names the parameters as heed does;
torch_reference.py uses it to prove that both compute the same.
"""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

CHUNK = 64  # of linear attention and its relatives
BLOCK = 16  # rows of a chunk that share a reference point, where each channel decays by itself


def blocks(x, size):
    """(batch, heads, time, width) as (batch, heads, blocks, size, width); zeros after the end."""
    x = F.pad(x, (0, 0, 0, -x.shape[2] % size))
    return x.reshape(*x.shape[:2], -1, size, x.shape[3])


def joined(x, time):
    return x.flatten(2, 3)[:, :, :time]


def chunk_size(a):
    return min(CHUNK, a.seq + -a.seq % BLOCK)


class Maps(nn.Module):
    """Several linear maps of the same input, without biases, in one product."""

    def __init__(self, d, widths):
        super().__init__()
        self.names, self.widths = list(widths), list(widths.values())
        self.weight = nn.Parameter(torch.randn(sum(self.widths), d) * 0.02)

    def forward(self, x):
        return F.linear(x, self.weight).split(self.widths, dim=-1)

    def tensors(self, of):
        return {f"{name}.weight": w.T for name, w in zip(self.names, of(self.weight).split(self.widths))}


class Mixer(nn.Module):
    """Base: heads, the output map, and the names of parameters."""

    def __init__(self, a, widths, out=0):
        super().__init__()
        self.heads, self.d = a.heads, a.d_model
        self.maps = Maps(self.d, widths)
        self.output = nn.Linear(out or self.d, self.d, bias=False)

    def split(self, x, heads=0):
        return x.unflatten(-1, (heads or self.heads, -1)).transpose(1, 2)

    def joined(self, o):
        return self.output(o.transpose(1, 2).flatten(2))

    def own_tensors(self, of):
        return {}

    def heed_tensors(self, of=lambda p: p):
        """{heed's name: of(parameter), as heed shapes it}; of: the identity, or the gradient of a parameter."""
        return {**self.maps.tensors(of), "output.weight": of(self.output.weight).T, **self.own_tensors(of)}


class Grouped(Mixer):
    """Softmax attention whose query heads share keys and values (Ainslie et al. 2023)."""

    def __init__(self, a, depth):
        shared = a.d_model // a.heads * a.key_heads
        super().__init__(a, {"query": a.d_model, "key": shared, "value": shared})
        self.key_heads, self.sdpa = a.key_heads, a.sdpa
        self.register_buffer("hidden", torch.ones(a.seq, a.seq, dtype=torch.bool).triu(1))

    def forward(self, x):
        q, k, v = self.maps(x)
        q, k, v = self.split(q), self.split(k, self.key_heads), self.split(v, self.key_heads)
        if self.sdpa:
            return self.joined(F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True))
        q = q.unflatten(1, (self.key_heads, -1))
        s = (q * q.shape[-1] ** -0.5) @ k.unsqueeze(2).transpose(-1, -2)
        p = s.masked_fill(self.hidden, -math.inf).softmax(-1)
        return self.joined((p @ v.unsqueeze(2)).flatten(1, 2))


class Forgetting(Mixer):
    """Lin et al. 2025: a score is lowered by the log forget gates between key and query."""

    def __init__(self, a, depth):
        super().__init__(a, {"query": a.d_model, "key": a.d_model, "value": a.d_model, "forget": a.heads})
        self.bias = nn.Parameter(torch.zeros(a.heads))
        self.register_buffer("hidden", torch.ones(a.seq, a.seq, dtype=torch.bool).triu(1))

    def own_tensors(self, of):
        return {"forget.bias": of(self.bias)}

    def forward(self, x):
        q, k, v, f = self.maps(x)
        q, k, v = (self.split(y) for y in (q, k, v))
        c = F.logsigmoid(f + self.bias).cumsum(1).transpose(1, 2)
        s = (q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2) + (c[..., :, None] - c[..., None, :])
        return self.joined(s.masked_fill(self.hidden, -math.inf).softmax(-1) @ v)


# ---- recurrent networks

class Recurrent(nn.Module):
    """torch.nn.LSTM or torch.nn.RNN, then a linear map."""

    def __init__(self, a, depth, cell):
        super().__init__()
        self.cell = cell(a.d_model, a.d_model, batch_first=True)
        self.output = nn.Linear(a.d_model, a.d_model, bias=False)

    def forward(self, x):
        return self.output(self.cell(x)[0])

    def heed_tensors(self, of=lambda p: p):
        c = self.cell
        return {"input.weight": of(c.weight_ih_l0).T, "hidden.weight": of(c.weight_hh_l0).T,
                "input.bias": of(c.bias_ih_l0), "hidden.bias": of(c.bias_hh_l0),
                "output.weight": of(self.output.weight).T}


def lstm(a, depth):
    return Recurrent(a, depth, nn.LSTM)


def rnn(a, depth):
    return Recurrent(a, depth, nn.RNN)


# ---- pieces of the recurrent layers

def short_conv(x, taps):
    """A causal filter of each channel over time. x (B,T,C), taps (4,C)."""
    padded, time = F.pad(x, (0, 0, len(taps) - 1, 0)), x.shape[1]
    return sum(padded[:, o:o + time] * tap for o, tap in enumerate(taps))


def rms(x, eps):
    return x * (x.square().mean(-1, keepdim=True) + eps).rsqrt()


def unit(x):
    return x * (x.square().sum(-1, keepdim=True) + 1e-6).rsqrt()


def taps(channels):
    return nn.Parameter(torch.empty(4, channels).uniform_(-0.5, 0.5))


def softplus_start(*shape):
    """b with softplus(b) log-uniform in 0.001 .. 0.1."""
    step = torch.empty(*shape).uniform_(math.log(0.001), math.log(0.1)).exp()
    return nn.Parameter(step + torch.log(-torch.expm1(-step)))


def rate_start(heads):
    return nn.Parameter(torch.empty(heads).uniform_(1, 16).log())


def between(total, later):
    """e^(G_i - G_j) for j <= i, else 0. total (..., C)"""
    return (total[..., :, None] - total[..., None, :]).masked_fill(~later, -math.inf).exp()


def lower(size):
    return torch.ones(size, size, dtype=torch.bool).tril()


def entering(written, kept):
    """The states that enter chunks, from what each writes and keeps: s' = kept s + written. (B,H,N,K,V)"""
    states, s = [], torch.zeros_like(written[:, :, 0])
    for n in range(written.shape[2]):
        states.append(s)
        s = kept[:, :, n] * s + written[:, :, n]
    return torch.stack(states, 2)


# ---- linear attention with decay

class Retention(Mixer):
    """Sun et al. 2023: a constant decay for each head; values twice as wide."""

    def __init__(self, a, depth):
        d = a.d_model
        super().__init__(a, {"query": d, "key": d, "value": 2 * d, "gate": 2 * d}, 2 * d)
        self.size = chunk_size(a)
        g = torch.log1p(-2.0 ** (-5 - torch.arange(a.heads, dtype=torch.get_default_dtype())))[:, None]
        total = g * (1 + torch.arange(self.size))  # (H,C)
        self.register_buffer("decay", between(total, lower(self.size))[:, None])
        self.register_buffer("start", total.exp()[:, None, :, None])
        self.register_buffer("end", (total[:, -1:] - total).exp()[:, None, :, None])
        self.register_buffer("kept", total[:, -1].exp()[:, None, None, None])

    def forward(self, x):
        q, k, v, gate = (self.split(y) for y in self.maps(x))
        time = x.shape[1]
        q, k, v = (blocks(y, self.size) for y in (q * q.shape[-1] ** -0.5, k, v))
        o = (q @ k.transpose(-1, -2) * self.decay) @ v
        if q.shape[2] > 1:
            written = (k * self.end).transpose(-1, -2) @ v
            o = o + (q * self.start) @ entering(written, self.kept.expand(*written.shape[:3], 1, 1))
        return self.joined(rms(joined(o, time), 1e-6) * F.silu(gate))


class Gla(Mixer):
    """Yang et al. 2024: a decay for each token and key channel, in the form q e^G, k e^-G inside of a chunk.

    The decays are mild (a 16th of a log sigmoid), so e^-G does not overflow in a chunk."""

    def __init__(self, a, depth):
        d = a.d_model
        super().__init__(a, {"query": d // 2, "key": d // 2, "value": d, "gate": d, "decay.down": 16})
        self.size = chunk_size(a)
        self.up = nn.Linear(16, d // 2)
        nn.init.zeros_(self.up.bias)
        self.gain = nn.Parameter(torch.ones(d // a.heads))
        self.register_buffer("later", lower(self.size))

    def own_tensors(self, of):
        return {"decay.up.weight": of(self.up.weight).T, "decay.up.bias": of(self.up.bias),
                "output_gain": of(self.gain)}

    def forward(self, x):
        q, k, v, gate, decay = self.maps(x)
        time = x.shape[1]
        q, k, v, g = (blocks(self.split(y), self.size) for y in (q, k, v, F.logsigmoid(self.up(decay)) / 16))
        total = g.cumsum(3)
        early = q * q.shape[-1] ** -0.5 * total.exp()
        o = (early @ (k * (-total).exp()).transpose(-1, -2)).masked_fill(~self.later, 0) @ v
        if q.shape[2] > 1:
            last = total[:, :, :, -1:]
            written = (k * (last - total).exp()).transpose(-1, -2) @ v
            o = o + early @ entering(written, last.exp().transpose(-1, -2))
        return self.joined(rms(joined(o, time), 1e-5) * self.gain * F.silu(self.split(gate)))


class Ssd(nn.Module):
    """Mamba-2 (Dao & Gu 2024). B and C are shared by all heads: their products are computed once."""

    def __init__(self, a, depth):
        super().__init__()
        d, self.heads, self.state, self.size = a.d_model, a.heads, 128, chunk_size(a)
        self.inner = 2 * d
        self.mixed = self.inner + 2 * self.state
        self.input = nn.Linear(d, self.inner + self.mixed + a.heads, bias=False)
        self.output = nn.Linear(self.inner, d, bias=False)
        self.taps, self.conv_bias = taps(self.mixed), nn.Parameter(torch.zeros(self.mixed))
        self.a_log, self.dt_bias = rate_start(a.heads), softplus_start(a.heads)
        self.skip, self.gain = nn.Parameter(torch.ones(a.heads)), nn.Parameter(torch.ones(self.inner))
        self.register_buffer("later", lower(self.size))

    def heed_tensors(self, of=lambda p: p):
        return {"input.weight": of(self.input.weight).T, "output.weight": of(self.output.weight).T,
                "conv.weight": of(self.taps), "conv.bias": of(self.conv_bias), "a_log": of(self.a_log),
                "dt_bias": of(self.dt_bias), "d": of(self.skip), "norm.gain": of(self.gain)}

    def forward(self, u):
        time, heads = u.shape[1], self.heads
        z, mixed, dt = self.input(u).split([self.inner, self.mixed, heads], dim=-1)
        mixed = F.silu(short_conv(mixed, self.taps) + self.conv_bias)
        x, b, c = mixed.split([self.inner, self.state, self.state], dim=-1)
        x = x.unflatten(-1, (heads, -1)).transpose(1, 2)
        dt = F.softplus(dt + self.dt_bias).transpose(1, 2)[..., None]  # (B,H,T,1)
        v, b, c = blocks(x * dt, self.size), blocks(b[:, None], self.size), blocks(c[:, None], self.size)
        total = blocks(-self.a_log.exp()[:, None, None] * dt, self.size).cumsum(3)
        o = (c @ b.transpose(-1, -2) * between(total[..., 0], self.later)) @ v
        if v.shape[2] > 1:
            last = total[:, :, :, -1:]
            written = b.transpose(-1, -2) @ (v * (last - total).exp())
            o = o + (c @ entering(written, last.exp())) * total.exp()
        y = joined(o, time) + self.skip[:, None, None] * x
        y = y.transpose(1, 2).flatten(2) * F.silu(z)
        return self.output(rms(y, 1e-5) * self.gain)


# ---- the delta family

class Delta(Mixer):
    """Yang et al. 2024, 2025; Kimi Team 2025. `decays`: of the state, not at all, by head, or by key channel."""

    def __init__(self, a, depth, decays):
        d, heads, self.decays, self.size = a.d_model, a.heads, decays, chunk_size(a)
        width = d // heads
        widths = {"query": d, "key": d, "value": d, "beta": heads}
        widths |= {"head": {"decay": heads, "gate": d}, "channel": {"decay.down": width, "gate.down": width},
                   "none": {}}[decays]
        super().__init__(a, widths)
        self.decays, self.size = decays, chunk_size(a)
        self.taps, self.gain = taps(3 * d), nn.Parameter(torch.ones(width))
        if decays != "none":
            self.rate = rate_start(heads)
            self.step = softplus_start(heads, width if decays == "channel" else 1)
        if decays == "channel":
            self.decay_up, self.gate_up = nn.Linear(width, d, bias=False), nn.Linear(width, d)
            nn.init.zeros_(self.gate_up.bias)
        self.register_buffer("later", lower(self.size))
        self.register_buffer("earlier", lower(self.size).tril(-1))
        if decays == "channel":  # whether key j comes after the rows of a block
            block = torch.arange(self.size) // BLOCK
            self.register_buffer("future", (block[None] > block.unique()[:, None])[..., None])

    def own_tensors(self, of):
        q, k, v = of(self.taps).chunk(3, dim=-1)
        out = {"query_conv": q, "key_conv": k, "value_conv": v, "out_gain": of(self.gain)}
        if self.decays != "none":
            out |= {"A_log": of(self.rate), "dt_bias": of(self.step)}
        if self.decays == "channel":
            out |= {"decay.up.weight": of(self.decay_up.weight).T, "gate.up.weight": of(self.gate_up.weight).T,
                    "gate.up.bias": of(self.gate_up.bias)}
        return out

    def forward(self, x):
        time, gate, g = x.shape[1], None, None
        q, k, v, beta, *more = self.maps(x)
        q, k, v = F.silu(short_conv(torch.cat([q, k, v], -1), self.taps)).chunk(3, dim=-1)
        q, k, v = unit(self.split(q)) * (self.d // self.heads) ** -0.5, unit(self.split(k)), self.split(v)
        if self.decays == "head":
            g, gate = self.log_decay(more[0]), F.silu(self.split(more[1]))
        if self.decays == "channel":
            g, gate = self.log_decay(self.decay_up(more[0])), self.gate_up(more[1]).sigmoid()
            gate = self.split(gate)
        q, k, v, beta = (blocks(y, self.size) for y in (q, k, v, self.split(beta.sigmoid())))
        o = rms(joined(self.rule(q, k, v, beta, g), time), 1e-5) * self.gain
        return self.joined(o if gate is None else o * gate)

    def log_decay(self, x):
        """(B,H,N,C,1) or (B,H,N,C,K), summed up over a chunk"""
        g = -self.rate.exp()[:, None, None] * F.softplus(self.split(x) + self.step[:, None])
        return blocks(g, self.size).cumsum(3)

    def rule(self, q, k, v, beta, total):
        """(I + L) u = beta (v - e^G k S): u = u' - w S, with u' and w by one triangular solve for all chunks."""
        kb = k * beta
        l, p = self.pairs(kb, q, k, total)
        if q.shape[2] == 1:
            return p @ self.solve(l, v * beta)
        read, write, start, kept = q, k, kb, 1
        if total is not None:
            last, grown = total[:, :, :, -1:], total.exp()
            read, start, write = q * grown, kb * grown, k * (last - total).exp()
            kept = last.exp().transpose(-1, -2)
        u, w = self.solve(l, torch.cat([v * beta, start], -1)).split([v.shape[-1], k.shape[-1]], dim=-1)
        s, out = None, []
        for n in range(q.shape[2]):
            un = u[:, :, n]
            if s is not None:
                un = un - w[:, :, n] @ s
            o = p[:, :, n] @ un
            out.append(o if s is None else o + read[:, :, n] @ s)
            written = write[:, :, n].transpose(-1, -2) @ un
            s = written if s is None else (s if total is None else kept[:, :, n] * s) + written
        return torch.stack(out, 2)

    def solve(self, l, right):
        kind = torch.promote_types(l.dtype, torch.float32)  # it does not exist in bfloat16
        return torch.linalg.solve_triangular(l.to(kind), right.to(kind), upper=False, unitriangular=True)

    def pairs(self, kb, q, k, total):
        """<beta k_i, k_j> below the diagonal and <q_i, k_j> up to it, decayed"""
        if self.decays == "channel":
            return self.pairs_by_channel(kb, q, k, total)
        turned = k.transpose(-1, -2)
        l, p = kb @ turned, q @ turned
        if total is None:
            return l.masked_fill(~self.earlier, 0), p.masked_fill(~self.later, 0)
        decay = between(total[..., 0], self.later)
        return (l * decay).masked_fill(~self.earlier, 0), p * decay

    def pairs_by_channel(self, kb, q, k, total):
        """The exponent G_i - G_j is split at the first token of i's block of 16 rows, so neither part overflows."""
        first = total[:, :, :, ::BLOCK]  # (B,H,N,blocks,K)
        own = (total.unflatten(3, (-1, BLOCK)) - first.unsqueeze(4)).exp()
        rows = torch.cat([x.unflatten(3, (-1, BLOCK)) * own for x in (kb, q)], 4)
        theirs = (first.unsqueeze(4) - total.unsqueeze(3)).masked_fill(self.future, -math.inf).exp()
        pairs = rows @ (k.unsqueeze(3) * theirs).transpose(-1, -2)  # (B,H,N,blocks,2*16,C)
        l, p = (x.flatten(3, 4) for x in pairs.split(BLOCK, dim=4))
        return l.masked_fill(~self.earlier, 0), p.masked_fill(~self.later, 0)


def delta(a, depth):
    return Delta(a, depth, "none")


def gated_delta(a, depth):
    return Delta(a, depth, "head")


def kda(a, depth):
    return Delta(a, depth, "channel")


LAYERS = {"grouped": Grouped, "forgetting": Forgetting, "lstm": lstm, "rnn": rnn, "retention": Retention, "gla": Gla,
          "ssd": Ssd, "delta": delta, "gated_delta": gated_delta, "kda": kda}
