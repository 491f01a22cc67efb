"""Computes the probes of trained models again, in numpy, from the attention maps in results.h5.

    probes_test.py HEED         trains a few small models, then compares every number of the group `probes`

Shares no code with heed: docs/probes.md and docs/tasks.md are the specification.
"""
import os
import subprocess
import sys
import tempfile

try:
    import h5py
    import numpy as np
except ImportError as missing:
    print(f"skipped: {missing.name} is not installed (scripts/packages.txt)")
    sys.exit(77)

SWEEP = """
name: probes
variants: [softmax, linear, differential, {window: {size: 5}}, topk]
task: %s
model: {layers: 2, heads: 2, dim: 16}
train: {steps: 60, batch: 8, lr: 0.03, test_sequences: 8, evaluate_sequences: 8}
sweep: {seeds: 1}
save: [attention]
"""
TOLERANCE = 1e-9  # relative; the maps are kept as the floats that heed measured


def mqar_relevance(tokens, query, pairs=4):
    """Boolean (T): the positions that hold the answer, and the distractors."""
    values = np.zeros(len(tokens), bool)
    values[1 : 2 * pairs : 2] = True
    answer = np.zeros(len(tokens), bool)
    answer[1 : 2 * pairs : 2] = tokens[0 : 2 * pairs : 2] == tokens[query]
    return answer, values & ~answer


def noisy_recall_relevance(tokens, query, first_noise=16):
    before = np.arange(len(tokens)) < query
    answer = np.zeros(len(tokens), bool)
    answer[1::2] = tokens[0::2] == tokens[query]
    return answer & before, (tokens >= first_noise) & before


def effective_rank(w):
    s = np.linalg.svd(w, compute_uv=False)
    p = s / s.sum()
    p = p[p > 0]
    return np.exp(-(p * np.log(p)).sum())


def row_measures(w, answer, distractor):
    a = np.abs(w) / np.abs(w).sum()
    seen = a[a > 0]
    return {
        "entropy": -(seen * np.log(seen)).sum(),
        "on_answer": a[answer].sum() if answer.any() else np.nan,
        "on_distractors": a[distractor].sum() if distractor.any() else np.nan,
        "on_first": a[0],
        "negative": a[w < 0].sum(),
    }


def divergence(w, others):
    """The mean Jensen-Shannon divergence of a row of weights from the rows of other heads."""
    entropy = lambda p: -(p[p > 0] * np.log(p[p > 0])).sum()
    share = lambda w: np.abs(w) / np.abs(w).sum()
    a = share(w)
    return np.mean([entropy((a + b) / 2) - (entropy(a) + entropy(b)) / 2 for b in map(share, others)])


def head_measures(layer, head, tokens, labels, relevance):
    """layer (sequence, head, query, key): the maps of its heads. The mean over scored queries of each measure."""
    maps, others = layer[:, head], np.delete(layer, head, axis=1)
    rows = []
    for w, o, x, y in zip(maps, others, tokens, labels):
        for i in np.flatnonzero(y != -100):
            rows.append(row_measures(w[i], *relevance(x, i)) | {"head_divergence": divergence(w[i], o[:, i])})
    means = {name: np.nanmean([r[name] for r in rows]) for name in rows[0]}
    ranked = min(max(256 // maps.shape[-1], 1), 4)
    means["effective_rank"] = np.mean([effective_rank(w) for w in maps[:ranked]])
    return means


def check(results, relevance):
    worst, numbers = 0.0, 0
    with h5py.File(results) as f:
        variants = f["variant"].asstr()[...]
        weights = np.asarray(f["attention/weights"], dtype=np.float64)
        tokens, labels = np.asarray(f["attention/tokens"]), np.asarray(f["attention/labels"])
        assert weights.shape[1] == 16, f"{weights.shape[1]} sequences of 24 tokens were probed"
        trials, _, layers, heads = weights.shape[:4]
        for t in range(trials):
            found = {}
            for layer in range(layers):
                for head in range(heads):
                    means = head_measures(weights[t, :, layer], head, tokens[t], labels[t], relevance)
                    for name, expected in means.items():
                        recorded = f[f"probes/{name}"][t, layer, head]
                        worst = max(worst, abs(recorded - expected) / max(abs(expected), 1e-3))
                        numbers += 1
                        found.setdefault(name, []).append(expected)
            for name, each in found.items():
                recorded = f[f"attention_{name}"][t]
                worst = max(worst, abs(recorded - np.mean(each)) / max(abs(np.mean(each)), 1e-3))
                numbers += 1
            negative = f["attention_negative"][t]
            assert (negative > 0) == (variants[t] == "differential"), f"{variants[t]}: negative is {negative}"
    return worst, numbers


def main(heed):
    for task, relevance in [
        ("{name: mqar, length: 24, pairs: 4, vocab: 32}", mqar_relevance),
        ("{name: noisy_recall, length: 24, noise: 0.3}", noisy_recall_relevance),
    ]:
        with tempfile.TemporaryDirectory() as folder:
            sweep, run = os.path.join(folder, "probes.yaml"), os.path.join(folder, "run")
            with open(sweep, "w") as f:
                f.write(SWEEP % task)
            subprocess.run([heed, "run", sweep, "-o", run, "-j", "2"], check=True, stdout=subprocess.DEVNULL)
            worst, numbers = check(os.path.join(run, "results.h5"), relevance)
            print(f"{task}: {numbers} numbers within {worst:.1e}")
            assert worst < TOLERANCE, f"{task}: a measure differs by {worst:.1e} from numpy's"
            # The check can fail: relevance one position further must show.
            shifted = lambda x, i: tuple(np.roll(e, 1) for e in relevance(x, i))
            assert check(os.path.join(run, "results.h5"), shifted)[0] > 1e-3


if __name__ == "__main__":
    main(sys.argv[1])
