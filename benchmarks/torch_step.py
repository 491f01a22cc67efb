#!/usr/bin/env python3
"""Times one training step (forward, backward, AdamW) in PyTorch on the CPU; prints one JSON object.

    torch_step.py --variant linear --d-model 64 --layers 2 --heads 2 --seq 64 --batch 64 --vocab 8192 --labels-per-seq 8
    torch_step.py --variant linear --attention-only --d-model 128 --heads 4 --seq 1024 --batch 8
    torch_step.py --train-steps 200    a whole short training, each step on a batch of its own
    torch_step.py --serve --variant lstm    prints how exact a product is and waits; times --steps more steps for each
                                            line of its input

Needs only torch: 1.13 or any 2.x, which has --sdpa and --compile. On a busy machine compare the processor times of
one-thread runs taken in turn; compare_torch does that.
"""
import argparse
import json
import os
import resource
import statistics
import sys
import time

MIXINGS = ["softmax", "linear", "window", "differential", "tokenformer"]  # of torch_model.py
LAYERS = ["grouped", "forgetting", "retention", "gla", "ssd", "delta", "gated_delta", "kda", "lstm",
          "rnn"]  # of torch_mixers.py


def parse():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--variant", default="softmax",
                   choices=MIXINGS + LAYERS)
    for name, default, meaning in [
            ("d-model", 64, "width of the model"), ("layers", 2, "blocks"), ("heads", 2, "heads of a block"),
            ("seq", 64, "positions of a sequence"), ("batch", 64, "sequences"), ("vocab", 8192, "tokens"),
            ("labels-per-seq", 0, "scored positions of a sequence; 0: all"),
            ("window", 64, "keys that a query sees, itself included"),
            ("key-heads", 1, "heads of keys and values (grouped)"),
            ("threads", 1, ""), ("steps", 20, "that are timed"), ("warmup", 3, "steps before them"),
            ("limit", 30, "seconds after which no further step begins, of either kind"),
            ("train-steps", 0, "train that long, each step on a batch of its own, and print how long it took")]:
        p.add_argument("--" + name, type=int, default=default, metavar="N", help=f"{meaning} ({default})")
    for name, meaning in [
            ("attention-only", "forward and backward of the mixing only, on given q, k, v"),
            ("sdpa", "F.scaled_dot_product_attention (softmax, differential, tokenformer, grouped)"),
            ("compile", "torch.compile"),
            ("medium", 'set_float32_matmul_precision("medium"): products by oneDNN, on AMD twice as fast as by MKL'),
            ("autocast", 'forward pass in torch.autocast("cpu", torch.bfloat16)'),
            ("serve", "prepare once (torch.compile is slow), then measure once for each line of standard input")]:
        p.add_argument("--" + name, action="store_true", help=meaning)
    a = p.parse_args()
    if a.sdpa and a.variant in ("linear", "window", *LAYERS) and a.variant != "grouped":
        p.error(f"--sdpa does not apply to {a.variant}")
    if a.attention_only and a.variant == "tokenformer":
        p.error("tokenformer mixes as softmax does: take --variant softmax with --attention-only")
    if a.attention_only and a.variant in LAYERS:
        p.error(f"{a.variant} is written as a layer; measure a step")
    a.labels_per_seq = a.labels_per_seq or a.seq
    return a


def environment(a):
    """What must be set before the process starts, for BLAS and ATen choose their kernels when they are loaded.

    An OpenBLAS older than the processor uses a generic kernel, many times slower, unless it is configured. glibc maps
    and unmaps each large tensor, unless it is told to keep freed memory."""
    env = {name: str(a.threads) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    env.update(MALLOC_MMAP_MAX_="0", MALLOC_TRIM_THRESHOLD_=str(1 << 34))
    with open("/proc/cpuinfo") as file:
        flags = set(next((line for line in file if line.startswith("flags")), "").split())
    if {"avx512f", "avx512dq"} <= flags:
        env.update(OPENBLAS_CORETYPE="SkylakeX", ATEN_CPU_CAPABILITY="avx512")
    elif {"avx2", "fma"} <= flags:
        env.update(OPENBLAS_CORETYPE="Haswell", ATEN_CPU_CAPABILITY="avx2")
    return env


def resident_mib():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def autocast(torch, a):
    return torch.autocast("cpu", torch.bfloat16, enabled=a.autocast)


def attention_step(torch, a):
    from torch_model import make_mixing
    mixing = make_mixing(a)
    width = a.d_model // a.heads
    q, k = (torch.randn(a.batch, a.heads * mixing.maps, a.seq, width // mixing.maps, requires_grad=True)
            for _ in range(2))
    v = torch.randn(a.batch, a.heads, a.seq, width, requires_grad=True)
    d_o = torch.randn_like(v)
    run = torch.compile(mixing) if a.compile else mixing

    def step():
        for x in (q, k, v, *mixing.parameters()):
            x.grad = None
        with autocast(torch, a):
            o = run(q, k, v)
        o.backward(d_o.to(o.dtype))

    return step, 0


def adamw(torch, parameters):
    options = {"lr": 1e-3, "weight_decay": 0.01}
    try:
        return torch.optim.AdamW(parameters, fused=True, **options)
    except RuntimeError:  # before 2.4 only on a GPU; on a CPU it is some four times faster
        return torch.optim.AdamW(parameters, foreach=True, **options)


def training_step(torch, a):
    from torch_model import Model
    model = Model(a)
    optimizer = adamw(torch, list(model.parameters()))
    run = torch.compile(model) if a.compile else model

    def batch():
        ids, label = torch.randint(0, a.vocab, (2, a.batch, a.seq))
        if a.labels_per_seq == a.seq:
            return ids, None, label.flatten()
        scored = torch.rand(a.batch, a.seq).topk(a.labels_per_seq).indices.sort().values
        scored = (scored + a.seq * torch.arange(a.batch)[:, None]).flatten()
        return ids, scored, label.flatten()[scored]

    given = batch()

    def step():  # random tokens cost next to nothing, a timed step takes none of it
        optimizer.zero_grad(set_to_none=True)
        with autocast(torch, a):
            loss = run(*(batch() if a.train_steps else given))
        loss.backward()
        optimizer.step()

    return step, sum(p.numel() for p in model.parameters())


def timed(step, n, limit=float("inf")):
    """Wall and processor milliseconds of n steps, or of fewer where they take longer than limit seconds."""
    wall, cpu = [], []
    while len(wall) < n and sum(wall) < 1e3 * limit:
        t, c = time.perf_counter(), time.process_time()
        step()
        wall.append(1e3 * (time.perf_counter() - t))
        cpu.append(1e3 * (time.process_time() - c))
    return wall, cpu


def product(torch, a):
    """Measures a product of 512 squares in the mode of `a`: its GFLOP/s, which heed calls the ceiling, and its error.

    Low GFLOP/s: see environment(). The error is the largest one relative to the largest entry; the reference is
    float64. It shows the precision: "medium" may use bfloat16 on processors that have instructions for it (AMX)."""
    x, y = torch.randn(2, 512, 512)
    exact = x.double() @ y.double()
    compiled = a.compile and not a.train_steps  # the time of a training is that of the whole process
    multiply = torch.compile(torch.matmul) if compiled else torch.matmul

    def measure():
        with autocast(torch, a):
            _, cpu = timed(lambda: multiply(x, y), 24)
            error = (multiply(x, y).double() - exact).abs().max() / exact.abs().max()
        return {"product_gflops": round(2e-6 * 512 ** 3 / statistics.median(cpu), 1), "product_error": error.item()}

    return measure


def main():
    a = parse()
    wanted = environment(a)
    if any(os.environ.get(name) != value for name, value in wanted.items()):
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **wanted})
    begin = time.perf_counter()
    try:
        import torch
    except ImportError as error:
        sys.exit(f"{sys.executable} cannot import torch ({error}). {HOW_TO_GET_TORCH}")
    import_s, after_import = time.perf_counter() - begin, resident_mib()
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_DATA, (memory * 3 // 4,) * 2)  # a process that needs more ends by itself
    if a.compile and not hasattr(torch, "compile") or a.sdpa and not hasattr(
            torch.nn.functional, "scaled_dot_product_attention"):
        sys.exit(f"torch {torch.__version__} has no --compile and --sdpa: they need 2.0.")
    torch.set_num_threads(a.threads)
    torch.manual_seed(0)
    if a.medium:
        torch.set_float32_matmul_precision("medium")

    step, parameters = (attention_step if a.attention_only else training_step)(torch, a)
    measure_product = product(torch, a)

    def measured():
        if a.train_steps:
            return timed(step, a.train_steps)
        timed(step, a.warmup, a.limit)
        return timed(step, a.steps, a.limit)

    def report():
        wall, cpu = measured()
        peak, median = resident_mib(), statistics.median(wall)
        print(json.dumps({
            "peer": "torch", "torch": torch.__version__, "threads": torch.get_num_threads(),
            "mkl": torch.backends.mkl.is_available(), "simd": wanted.get("ATEN_CPU_CAPABILITY", "default"),
            **measure_product(),
            "variant": a.variant, "d_model": a.d_model, "layers": a.layers, "heads": a.heads, "seq": a.seq,
            "batch": a.batch, "vocab": a.vocab, "labels_per_seq": a.labels_per_seq, "logits": "labeled",
            "attention_only": a.attention_only, "sdpa": a.sdpa, "compile": a.compile, "medium": a.medium,
            "autocast": a.autocast,
            "parameters": parameters, "logit_rows": a.batch * a.labels_per_seq, "steps": len(wall),
            "median_ms": round(median, 4), "min_ms": round(min(wall), 4), "max_ms": round(max(wall), 4),
            "median_cpu_ms": round(statistics.median(cpu), 4), "min_cpu_ms": round(min(cpu), 4),
            "tokens_per_s": round(1e3 * a.batch * a.seq / median, 1), "seconds": round(sum(wall) / 1e3, 3),
            "peak_rss_mib": round(peak, 1), "rss_after_import_mib": round(after_import, 1),
            "import_s": round(import_s, 3)}), flush=True)

    if not a.serve:
        return report()
    timed(step, a.warmup, a.limit)
    print(json.dumps(measure_product()), flush=True)
    for _ in sys.stdin:
        report()


HOW_TO_GET_TORCH = """\
To get it:
    python3 -m venv torchenv
    torchenv/bin/pip install torch --index-url https://download.pytorch.org/whl/cpu
and call the scripts with --torch torchenv/bin/python."""

if __name__ == "__main__":
    main()
