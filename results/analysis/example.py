"""example.py RESULTS.h5 [PICTURE.png]: mean test accuracy by variant, and a picture of the training loss."""

import sys

try:
    import xarray as xr
except ImportError as missing:
    sys.exit(f"{missing.name} is not installed")

d = xr.load_dataset(sys.argv[1])
done = d.isel(trial=d.status == "done")
if done.sizes["trial"] == 0:
    sys.exit("no trial is done")
print(done.test_accuracy.groupby("variant").mean().to_series())

if len(sys.argv) > 2:
    try:
        from matplotlib.figure import Figure
    except ImportError:
        print("no picture: matplotlib is not installed")
        sys.exit()
    figure = Figure()
    axes = figure.subplots()
    for variant, trials in done.train_loss.groupby("variant"):
        loss = trials.mean("trial").dropna("step")
        axes.plot(loss.step, loss, label=variant)
    axes.set(xlabel="step", ylabel="training loss")
    axes.legend()
    figure.savefig(sys.argv[2])
