"""Recomputes the comparison of a sweep from results.h5 with numpy and scipy only, and compares it with heed's.

    compare_test.py HEED        runs two small sweeps, compares `heed compare --json` with what comes out here
    compare_test.py HEED RUN    the same for a run directory of five seeds, in which nothing is selected
"""
import itertools
import json
import os
import subprocess
import sys
import tempfile

try:
    import numpy as np
    import xarray as xr
    from scipy import special, stats
except ImportError as missing:
    print(f"skipped: {missing.name} is not installed (scripts/packages.txt)")
    sys.exit(77)

SWEEP = """
name: compared
variants: [softmax, linear, {window: {size: 3}}]
task: {name: induction, length: 12, vocab: 8, score: all}
model: {layers: 1, heads: 2, dim: 8}
train: {steps: 100, batch: 8, warmup: 2, test_sequences: 32, evaluate_sequences: 16, evaluate_every: 10}
sweep: {seeds: 5, parameters: {train.lr: [0.01, 0.03]}}
compare: {reference: softmax, select: train.lr}
"""

# Widths that meet the budget differ from one width of the model to the next.
MATCHED = """
name: matched
variants: [softmax, differential, tokenformer]
task: {name: induction, length: 12, vocab: 8, score: all}
model: {layers: 1, heads: 2}
train: {steps: 60, batch: 8, lr: 0.03, warmup: 2, test_sequences: 32, evaluate_sequences: 16}
sweep: {seeds: 5, parameters: {model.dim: [8, 12]}}
compare: {reference: softmax, match: {budget: parameters, tolerance: 0.02}}
save: [weights]
"""


def close(a, b, what):
    """Both NaN (null in JSON), or equal to 1e-9."""
    a = np.array([np.nan if v is None else v for v in np.ravel(np.array(a, dtype=object))], dtype=float)
    b = np.ravel(np.asarray(b, dtype=float))
    b = np.where(np.isinf(b), np.nan, b)
    assert a.shape == b.shape and np.allclose(a, b, rtol=1e-9, atol=1e-12, equal_nan=True), f"{what}: {a}, not {b}"


def interval(x):
    """Expanded percentiles (Hesterberg 2015) of the means of all len(x)**len(x) resamples."""
    n = len(x)
    if n < 2:
        return np.nan, np.nan
    means = np.array([x[list(i)].mean() for i in itertools.product(range(n), repeat=n)])
    tail = stats.norm.cdf(np.sqrt(n / (n - 1)) * stats.t.ppf(0.025, n - 1))
    low = np.quantile(means, tail, method="inverted_cdf")
    return low, -np.quantile(-means, tail, method="inverted_cdf")


def sign_flip(d):
    def mean(x, y, axis):
        return np.mean(y - x, axis=axis)

    with np.errstate(all="ignore"):
        test = stats.permutation_test((np.zeros(len(d)), d), mean, permutation_type="samples", vectorized=True,
                                      n_resamples=np.inf)
    return test.pvalue


def hedges(d):
    df = len(d) - 1
    if df < 2 or d.std(ddof=1) <= 1e-12 * abs(d.mean()):
        return np.nan
    factor = np.exp(special.gammaln(df / 2) - special.gammaln((df - 1) / 2)) / np.sqrt(df / 2)
    return factor * d.mean() / d.std(ddof=1)


def holm(p):
    order, out, largest = np.argsort(p, kind="stable"), np.empty(len(p)), 0.0
    for k, i in enumerate(order):
        largest = max(largest, (len(p) - k) * p[i])
        out[i] = min(1.0, largest)
    return out


def chosen(data, metric, smaller):
    """Per variant the learning rate that is best on validation, and its trials in the order of seeds."""
    validation = "final_validation_loss" if "loss" in metric else "final_validation_accuracy"
    rows = {}
    for variant in dict.fromkeys(data.variant.values):
        of_variant = data.isel(trial=np.flatnonzero(data.variant.values == variant))
        best = of_variant[validation].groupby(of_variant.lr).mean()
        lr = float(best.lr[best.argmin() if smaller else best.argmax()])
        rows[variant] = of_variant.isel(trial=np.flatnonzero(of_variant.lr.values == lr)).sortby("seed"), lr
    return rows


def check_row(row, x, name):
    close(row["values"], x, name)
    close(row["mean"], x.mean(), name)
    close(row["stddev"], x.std(ddof=1), name)
    close(row["interval"], interval(x), name)


def check_against(against, d, adjusted, name):
    close(against["difference"], d.mean(), name)
    close(against["interval"], interval(d), name)
    close(against["p"], sign_flip(d), name)
    close(against["p_holm"], adjusted, name)
    close(against["effect"], hedges(d), name)
    assert against["verdict"] == "no difference shown"  # of five pairs p is 0.0625 at least
    assert against["pairs"] == 5 and against["left_out"] == 0


def check_means(data, reported, metric):
    rows = chosen(data, metric, "loss" in metric)
    reference = rows["softmax"][0][metric].values
    assert [r["variant"] for r in reported["rows"]] == list(rows)
    differences = {v: t[metric].values - reference for v, (t, _) in rows.items() if v != "softmax"}
    adjusted = dict(zip(differences, holm(np.array([sign_flip(d) for d in differences.values()]))))
    for row in reported["rows"]:
        trials, lr = rows[row["variant"]]
        x, name = trials[metric].values, f"{row['variant']} {metric}"
        assert float(row["setting"]["train.lr"]) == lr, name
        assert row["seeds"] == list(trials.seed.values), name
        check_row(row, x, name)
        of_variant = data.isel(trial=np.flatnonzero(data.variant.values == row["variant"]))
        solved = (of_variant.test_accuracy >= 0.9) | np.isfinite(of_variant.solved_step)
        assert (row["solved"], row["tried"]) == (int(solved.sum()), len(solved)), name
        if row["variant"] == "softmax":
            assert "against_reference" not in row
            continue
        d, against = differences[row["variant"]], row["against_reference"]
        check_against(against, d, adjusted[row["variant"]], name)
        # The check can fail: another number must show.
        try:
            close(against["difference"], d.mean() + 1e-6, name)
        except AssertionError:
            continue
        raise RuntimeError("a wrong number was not seen")


def check_steps(data, reported):
    """plateau_step, of which some trials have none: infinity."""
    by = dict(list(data.groupby(data.variant + " " + data.lr.astype(str))))
    never = np.isnan(data.plateau_step.values)
    assert never.any() and not never.all(), "a sweep that tests nothing: change its steps"
    rows = {key: t.sortby("seed").plateau_step.fillna(np.inf).values for key, t in by.items()}
    for row in reported["rows"]:
        lr = str(float(row["setting"]["train.lr"]))
        x, reference = rows[f"{row['variant']} {lr}"], rows[f"softmax {lr}"]
        assert row["never"] == np.isinf(x).sum()
        close(row["median"], np.quantile(x, 0.5, method="inverted_cdf"), row["variant"])
        if row["variant"] == "softmax":
            continue
        against = row["against_reference"]
        with np.errstate(invalid="ignore"):
            d = np.where(x == reference, 0, x - reference)
        nonzero = d[d != 0]
        ranks = stats.rankdata(np.abs(nonzero)) * np.sign(nonzero)
        close(against["p"], sign_flip(ranks) if len(ranks) > 1 else 1.0, row["variant"])
        close(against["effect"], ranks.sum() / np.abs(ranks).sum() if len(ranks) else np.nan, row["variant"])


def trained_numbers(run, trial):
    """Counted in the weights that the trial has saved, whatever any formula says."""
    with xr.open_dataset(os.path.join(run, "trials", f"{trial}.h5"), group="weights") as weights:
        return sum(w.size for w in weights.values() if w.attrs["description"] == "trained")


def is_value(x, reported):
    """A parameter that a trial does not have is shown as a dash."""
    if reported == "-":
        return x == "" or x != x
    return str(x) == reported if isinstance(x, str) else x == float(reported)


def trials_of(data, row):
    """The trials of a row, in the order of seeds. The slots of the model follow from the rest."""
    chosen = data.variant.values == row["variant"]
    for path, value in row["setting"].items():
        for column in data.variables.values():
            if column.attrs.get("parameter") == path:
                chosen &= np.array([is_value(x, value) for x in column.values.tolist()])
    return data.isel(trial=np.flatnonzero(chosen)).sortby("seed")


def check_run(heed, run):
    """Every row of a run in which nothing is selected, and the budget if it has one."""
    reported = json.loads(subprocess.run([heed, "compare", run, "--json"], check=True, stdout=subprocess.PIPE).stdout)
    data = xr.open_dataset(os.path.join(run, "results.h5")).load()
    seeds = len(np.unique(data.seed))
    assert seeds == 5, f"{run} has {seeds} seeds: all resamples are counted here, and there are {seeds}**{seeds}"
    metric, budget = reported["metric"], reported["budget"]
    name = {i: f"{r['variant']} {r['setting']}" for i, r in enumerate(reported["rows"])}
    trials = {i: trials_of(data, r) for i, r in enumerate(reported["rows"])}
    assert sum(t.sizes["trial"] for t in trials.values()) == data.sizes["trial"]

    def reference_of(i):
        def shared(row):
            return {k: v for k, v in row["setting"].items() if "feed_forward" not in k}  # what was moved

        return next(k for k, r in enumerate(reported["rows"])
                    if r["variant"] == reported["reference"] and shared(r) == shared(reported["rows"][i]))

    differences = {i: trials[i][metric].values - trials[reference_of(i)][metric].values
                   for i, r in enumerate(reported["rows"]) if r["variant"] != reported["reference"]}
    adjusted = dict(zip(differences, holm(np.array([sign_flip(d) for d in differences.values()]))))
    for i, row in enumerate(reported["rows"]):
        check_row(row, trials[i][metric].values, name[i])
        if i in differences:
            check_against(row["against_reference"], differences[i], adjusted[i], name[i])
        if budget:
            spent, target = trials[i][budget].values, trials[reference_of(i)][budget].values
            close(row["spent"], spent.mean(), name[i])
            close(row["mismatch"], (spent / target - 1).mean(), name[i])
            close(trials[i][budget + "_target"], target, name[i])
            close(trials[i][budget + "_mismatch"], spent / target - 1, name[i])
    return reported, data


def check_matched(heed, folder):
    sweep, run = os.path.join(folder, "matched.yaml"), os.path.join(folder, "matched")
    with open(sweep, "w") as f:
        f.write(MATCHED)
    subprocess.run([heed, "run", sweep, "-o", run, "-j", "2"], check=True, stdout=subprocess.DEVNULL)
    reported, data = check_run(heed, run)
    assert reported["budget"] == "parameters" and len(reported["rows"]) == 6
    assert any(r["mismatch"] != 0 for r in reported["rows"]), "a sweep that tests nothing: nothing was moved"
    assert all(abs(r["mismatch"]) <= 0.02 for r in reported["rows"])
    for trial, parameters in zip(data.id.values, data.parameters.values):
        assert trained_numbers(run, trial) == parameters


def main(heed, *runs):
    for run in runs:
        reported, _ = check_run(heed, run)
        print(f"{len(reported['rows'])} rows of {run} agree with numpy and scipy")
    if runs:
        return
    with tempfile.TemporaryDirectory() as folder:
        sweep = os.path.join(folder, "compared.yaml")
        with open(sweep, "w") as f:
            f.write(SWEEP)
        run = os.path.join(folder, "run")
        subprocess.run([heed, "run", sweep, "-o", run, "-j", "2"], check=True, stdout=subprocess.DEVNULL)

        def compare(*more):
            words = [heed, "compare", run, "--json", *more]
            return json.loads(subprocess.run(words, check=True, stdout=subprocess.PIPE).stdout)

        data = xr.open_dataset(os.path.join(run, "results.h5")).load()
        for metric in ("test_accuracy", "test_loss"):
            check_means(data, compare("--metric", metric), metric)
        os.remove(os.path.join(run, "sweep.yaml"))  # nothing is selected now
        check_steps(data, compare("--metric", "plateau_step", "--reference", "softmax"))
        check_matched(heed, folder)
        print("heed compare agrees with numpy and scipy")


if __name__ == "__main__":
    main(*sys.argv[1:])
