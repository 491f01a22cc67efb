#!/usr/bin/env python3
"""Times one training step (forward, backward, AdamW) of softmax attention in JAX on the CPU, all of it under jit.

    jax_step.py --d-model 64 --layers 2 --heads 2 --seq 64 --batch 64 --vocab 8192 --labels-per-seq 8

Prints one JSON object with the keys of torch_step.py. The model is that of torch_model.py, with as many parameters.
Needs only jax: pip install "jax[cpu]". Compiling is not in the time.
"""
import argparse
import json
import os
import resource
import statistics
import time


def parse():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name, default, meaning in [
            ("d-model", 64, "width of the model"), ("layers", 2, "blocks"), ("heads", 2, "heads of a block"),
            ("seq", 64, "positions of a sequence"), ("batch", 64, "sequences"), ("vocab", 8192, "tokens"),
            ("labels-per-seq", 0, "scored positions of a sequence; 0: all"),
            ("steps", 20, "that are timed"), ("warmup", 3, "steps before them")]:
        p.add_argument("--" + name, type=int, default=default, metavar="N", help=f"{meaning} ({default})")
    a = p.parse_args()
    a.labels_per_seq = a.labels_per_seq or a.seq
    return a


def one_thread():
    """XLA takes as many threads as the process may run on, so it is left one processor."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"
    os.environ["JAX_PLATFORMS"] = "cpu"
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"


def initial(a, rng):
    import numpy
    d = a.d_model

    def normal(*shape):
        return (0.02 * rng.standard_normal(shape)).astype(numpy.float32)

    ones = numpy.ones(d, numpy.float32)
    return {"tokens": normal(a.vocab, d), "positions": normal(a.seq, d), "norm": ones, "head": normal(d, a.vocab),
            "blocks": [{"norm1": ones, "norm2": ones, "qkv": normal(d, 3 * d), "out": normal(d, d),
                        "up": normal(d, 4 * d), "down": normal(4 * d, d)} for _ in range(a.layers)]}


def loss_of(jax, a):
    jnp = jax.numpy
    hidden = jnp.triu(jnp.ones((a.seq, a.seq), bool), 1)

    def norm(x, gain):
        x = x - x.mean(-1, keepdims=True)
        return x * jax.lax.rsqrt((x * x).mean(-1, keepdims=True) + 1e-5) * gain

    def attention(x, w):
        q, k, v = jnp.split((x @ w["qkv"]).reshape(*x.shape[:2], 3 * a.heads, -1).transpose(0, 2, 1, 3), 3, axis=1)
        s = q @ k.swapaxes(-1, -2) * q.shape[-1] ** -0.5
        p = jax.nn.softmax(jnp.where(hidden, -jnp.inf, s), axis=-1)
        return (p @ v).transpose(0, 2, 1, 3).reshape(x.shape) @ w["out"]

    def loss(params, ids, scored, label):
        x = params["tokens"][ids] + params["positions"]
        for w in params["blocks"]:
            x = x + attention(norm(x, w["norm1"]), w)
            x = x + jax.nn.gelu(norm(x, w["norm2"]) @ w["up"], approximate=False) @ w["down"]
        x = norm(x, params["norm"]).reshape(-1, a.d_model)[scored]  # logits where there is a label
        logits = x @ params["head"]
        chosen = jnp.take_along_axis(logits, label[:, None], axis=1)[:, 0]
        return (jax.nn.logsumexp(logits, axis=1) - chosen).mean()

    return loss


def make_step(jax, a):
    """AdamW as torch does it, learning rate 1e-3, decay 0.01."""
    gradient = jax.value_and_grad(loss_of(jax, a))

    def step(state, batch):
        params, m, v, t = state
        value, g = gradient(params, *batch)
        t = t + 1
        each = jax.tree_util.tree_map
        m = each(lambda m, g: 0.9 * m + 0.1 * g, m, g)
        v = each(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
        c, d = 1 - 0.9 ** t, 1 - 0.999 ** t
        params = each(lambda p, m, v: p - 1e-3 * (m / c / (jax.numpy.sqrt(v / d) + 1e-8) + 0.01 * p), params, m, v)
        return (params, m, v, t), value

    return jax.jit(step, donate_argnums=0)


def main():
    a = parse()
    one_thread()
    import jax
    import numpy

    rng = numpy.random.default_rng(0)
    params = jax.device_put(initial(a, rng))
    m, v = (jax.tree_util.tree_map(jax.numpy.zeros_like, params) for _ in range(2))
    state = (params, m, v, jax.numpy.float32(0))
    scored = numpy.sort(rng.permuted(numpy.tile(numpy.arange(a.seq), (a.batch, 1)), axis=1)[:, :a.labels_per_seq])
    scored = (scored + a.seq * numpy.arange(a.batch)[:, None]).flatten()
    batch = jax.device_put((rng.integers(0, a.vocab, (a.batch, a.seq)), scored,
                            rng.integers(0, a.vocab, a.batch * a.labels_per_seq)))
    parameters = sum(x.size for x in jax.tree_util.tree_leaves(params))

    step, wall, cpu = make_step(jax, a), [], []
    for i in range(a.warmup + a.steps):
        t, c = time.perf_counter(), time.process_time()
        state, value = step(state, batch)
        jax.block_until_ready((state, value))
        if i >= a.warmup:
            wall.append(1e3 * (time.perf_counter() - t))
            cpu.append(1e3 * (time.process_time() - c))
    median = statistics.median(wall)
    print(json.dumps({
        "peer": "jax", "jax": jax.__version__, "threads": 1, "variant": "softmax", "d_model": a.d_model,
        "layers": a.layers, "heads": a.heads, "seq": a.seq, "batch": a.batch, "vocab": a.vocab,
        "labels_per_seq": a.labels_per_seq, "parameters": parameters, "loss": float(value), "steps": len(wall),
        "median_ms": round(median, 4), "median_cpu_ms": round(statistics.median(cpu), 4),
        "min_cpu_ms": round(min(cpu), 4), "tokens_per_s": round(1e3 * a.batch * a.seq / median, 1),
        "peak_rss_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)}))


if __name__ == "__main__":
    main()
