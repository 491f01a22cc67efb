"""curves.py RESULTS.h5 PICTURE [CURVE]: a curve of each variant over the training, the mean of its trials in a
band from the lowest to the highest. CURVE is validation_accuracy where it is not given; validation_loss and
train_loss are others. Needs xarray with h5netcdf (Debian: python3-xarray python3-h5netcdf), and matplotlib 3.6
(python3-matplotlib, or pip)."""

import sys

try:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    import xarray as xr
except ImportError as missing:
    sys.exit(f"{missing.name} is not installed")

# Okabe and Ito's colors, which differ for color-blind eyes too; each variant has a dash of its own besides.
COLORS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000", "#E69F00", "#56B4E9"]
DASHES = ["-", "--", "-.", (0, (1, 1)), (0, (6, 1, 1, 1, 1, 1))]


def spread(heights, gap):
    """The heights, those moved down that are closer than the gap to one above."""
    out = list(heights)
    above = float("inf")
    for i in sorted(range(len(heights)), key=lambda i: -heights[i]):
        above = out[i] = min(heights[i], above - gap)
    return out


def main(results, picture, curve="validation_accuracy"):
    d = xr.load_dataset(results)
    curves = [name for name, v in d.data_vars.items() if v.attrs.get("role") == "curve"]
    is_done = (d.status == "done").values
    if not is_done.any():
        sys.exit("no trial is done")
    if curve not in curves:
        sys.exit(f"there is no curve {curve}; there are {', '.join(curves)}")
    done = d[curve].isel(trial=is_done)
    axis = done.dims[1]
    order = list(dict.fromkeys(done.variant.values))  # as in the sweep, of those with a trial that is done

    figure, axes = plt.subplots(figsize=(10, 5), layout="constrained")
    ends = []
    for i, variant in enumerate(order):
        seeds = done.isel(trial=(done.variant == variant).values).dropna(axis, how="all")
        mean = seeds.mean("trial")
        color = COLORS[i % len(COLORS)]
        axes.fill_between(seeds[axis], seeds.min("trial"), seeds.max("trial"), color=color, alpha=0.18, lw=0)
        axes.plot(seeds[axis], mean, color=color, ls=DASHES[i % len(DASHES)], lw=2)
        ends.append(float(mean[-1]))

    # Each label is at the end of its curve, after a line sample.
    low, high = axes.get_ylim()
    axes.set_ylim(low, high)
    for i, at in enumerate(spread([(end - low) / (high - low) for end in ends], 0.06)):
        color = COLORS[i % len(COLORS)]
        axes.plot([1.012, 1.052], [at, at], color=color, ls=DASHES[i % len(DASHES)], lw=2, clip_on=False,
                  transform=axes.transAxes)
        axes.text(1.062, at, order[i], color=color, va="center", fontsize=12, transform=axes.transAxes)
    axes.set_xlim(0, float(done[axis][-1]))
    axes.set_xlabel("training steps", fontsize=12)
    axes.set_ylabel(curve.replace("_", " "), fontsize=12)
    axes.tick_params(labelsize=11)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    count = done.groupby("variant").count("trial").max().item()
    what = "seeds" if len(set(done.seed.values)) == count else "trials"
    axes.set_title(f"mean over {count} {what}, band from the lowest to the highest", loc="left", fontsize=11)
    figure.savefig(picture, dpi=200)


if __name__ == "__main__":
    if not 3 <= len(sys.argv) <= 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
