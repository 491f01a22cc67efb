# %% [markdown]
# figures.py RESULTS.h5 FOLDER: two figures of `heed report` once more, with xarray, pandas and matplotlib, as a start
# for figures of your own: learning curves, and accuracy against cost. An editor that knows cells runs it piece by piece.
# Debian: python3-xarray python3-h5netcdf python3-pandas python3-matplotlib.

# %% Read what is done.
import pathlib
import sys

try:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    import matplotlib.ticker as ticker
    import xarray as xr
except ImportError as missing:
    sys.exit(f"{missing.name} is not installed")

if len(sys.argv) != 3:
    sys.exit("figures.py RESULTS.h5 FOLDER")
results, folder = sys.argv[1], pathlib.Path(sys.argv[2])

d = xr.load_dataset(results).reset_coords()  # variant and seed are coordinates; here plain columns
done = d.isel(trial=(d.status == "done").values)
if done.sizes["trial"] == 0:
    sys.exit("no trial is done")
variants = list(dict.fromkeys(d.variant.values))  # as in the sweep

# Okabe and Ito's colors, each with a mark of its own, in the report's order.
COLORS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000", "#E69F00", "#56B4E9", "#5A5A5A"]
MARKS = "os^DXvP*h"
style = {v: {"color": COLORS[i % 8], "marker": MARKS[i % 9]} for i, v in enumerate(variants)}

# A legend to the right of the axes covers nothing; long names are broken.
BESIDE = {"loc": "center left", "bbox_to_anchor": (1.02, 0.5), "frameon": False, "fontsize": "small"}

# %% A row of pandas for each variant and setting: its mean over the seeds.
settings = [name for name, v in done.data_vars.items()
            if v.attrs.get("role") == "parameter" and name != "seed" and len(set(v.values.tolist())) > 1
            and not v.attrs["parameter"].startswith(("attention.", "model.feed_forward."))]
costs = {"parameters": "parameters", "training_flops": "training FLOPs", "step_milliseconds": "time per step (ms)"}
trials = done[[*settings, "test_accuracy", "final_validation_accuracy", *costs]].to_dataframe().reset_index()
rows = trials.drop(columns="trial").groupby(settings, dropna=False).mean().reset_index()
print(rows.to_string(index=False))

# %% Learning curves, each variant at the setting that is best on validation: the mean in a band of its extremes.
chosen = rows.loc[rows.groupby("variant").final_validation_accuracy.idxmax(), settings]
shown = trials.merge(chosen)[["variant", "trial"]]
figure, axes = plt.subplots(figsize=(8.4, 4), layout="constrained")
for variant in variants:
    curves = done.validation_accuracy.sel(trial=shown.trial[shown.variant == variant].values).dropna("eval")
    axes.plot(curves.eval, curves.mean("trial"), label=variant.replace(",", ",\n", 1), markevery=0.12, **style[variant])
    axes.fill_between(curves.eval, curves.min("trial"), curves.max("trial"), color=style[variant]["color"],
                      alpha=0.16, lw=0)
axes.set(xlabel="optimizer steps", ylabel="validation accuracy", ylim=(0, 1))
axes.legend(**BESIDE)
figure.savefig(folder / "learning_curves.png", dpi=150)

# %% What it costs: every setting, and the Pareto front.
figure, panels = plt.subplots(1, 3, figsize=(11, 3.6), layout="constrained", sharey=True)
for axes, (cost, label) in zip(panels, costs.items()):
    for variant in variants:
        group = rows[rows.variant == variant]
        axes.plot(group[cost], group.test_accuracy, ls="", label=variant.replace(",", ",\n", 1), **style[variant])
    # The Pareto front: as one goes from cheap to dear, what is better than all before.
    cheap_first = rows.sort_values([cost, "test_accuracy"], ascending=[True, False])
    front = cheap_first[cheap_first.test_accuracy > cheap_first.test_accuracy.cummax().shift(fill_value=-1)]
    axes.step(front[cost], front.test_accuracy, where="post", color="#999999", lw=1, zorder=0)
    axes.set(xlabel=label, xlim=(0, 1.12 * rows[cost].max()), ylim=(0, 1.03))
    if rows[cost].max() >= 1000:
        axes.xaxis.set_major_formatter(ticker.EngFormatter(sep=""))  # 20k, 3G
    axes.xaxis.set_major_locator(ticker.MaxNLocator(3, steps=[1, 2, 5, 10]))
panels[0].set_ylabel("test accuracy")
panels[-1].legend(**BESIDE)
figure.savefig(folder / "cost.png", dpi=150)
