"""Opens heed's files the way their readers do: xarray with both engines, pandas, h5py, ncdump.

results_test.py WRITE_SAMPLE EXAMPLE HEED SWEEP: the program that writes a sample run directory, results/analysis/example.py,
the program itself and a small sweep for it.
"""

import json
import math
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

try:
    import h5py
    import h5netcdf  # noqa: F401 (an engine of xarray)
    import netCDF4  # noqa: F401 (the other one)
    import numpy
    import pandas
    import xarray
except ImportError as missing:
    print(f"skipped: {missing}; scripts/packages.txt lists what the tests need")
    sys.exit(77)

ENGINES = ("h5netcdf", "netcdf4")
VARIANTS = ["softmax", "softmax", "linear", "linear", "window", "window"]


class Results(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="heed_python_"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        subprocess.run([WRITE_SAMPLE, cls.folder], check=True, stdout=subprocess.DEVNULL)
        cls.merged = cls.folder / "results.h5"
        cls.trials = sorted((cls.folder / "trials").glob("*.h5"))

    def each_engine(self, path, **options):
        for engine in ENGINES:
            with self.subTest(engine=engine), xarray.open_dataset(path, engine=engine, **options) as data:
                yield data

    def test_three_lines(self):
        for engine in (None, *ENGINES):  # None: xarray chooses, as it does for a user
            with xarray.open_dataset(self.merged, engine=engine) as d:
                mean = d.test_accuracy.groupby("variant").mean()
                self.assertEqual(list(mean["variant"].values), ["linear", "softmax", "window"])
                self.assertAlmostEqual(float(mean.sel(variant="softmax")), (0.5 + 0.61) / 2)
                self.assertAlmostEqual(float(mean.sel(variant="linear")), 0.7)  # the diverged trial has none

    def run_sweep(self, *overrides):
        """Runs the small sweep in a folder of its own and returns the folder."""
        run = pathlib.Path(tempfile.mkdtemp(dir=self.folder))
        subprocess.run([HEED, "run", SWEEP, *overrides, "-o", run], check=True, capture_output=True)
        return run

    def test_scripts_without_a_trial_that_is_done(self):
        run = self.folder / "diverged"
        words = [HEED, "run", SWEEP, "train.lr=1e30", "train.clip=0", "sweep.seeds=1", "-o", run]
        self.assertEqual(subprocess.run(words, capture_output=True).returncode, 1)
        analysis = pathlib.Path(EXAMPLE).parent
        for script, more in (("example.py", []), ("curves.py", ["curves.png"]), ("figures.py", ["."])):
            with self.subTest(script=script):
                ended = subprocess.run([sys.executable, analysis / script, run / "results.h5", *more],
                                       capture_output=True, text=True, cwd=self.folder)
                self.assertNotIn("Traceback", ended.stderr)
                if "not installed" not in ended.stderr:
                    self.assertIn("no trial is done", ended.stderr)

    def test_what_heed_run_leaves_behind(self):
        run = self.run_sweep("save=[weights, attention, logits]")
        for engine in (None, *ENGINES):
            with xarray.open_dataset(run / "results.h5", engine=engine) as d:
                mean = d.test_accuracy.groupby("variant").mean()
                self.assertEqual(sorted(mean["variant"].values), ["linear", "softmax"])
                of_softmax = [float(x) for x, v in zip(d.test_accuracy.values, d.variant.values) if v == "softmax"]
                self.assertEqual(len(of_softmax), 2)
                self.assertAlmostEqual(float(mean.sel(variant="softmax")), sum(of_softmax) / 2)
            with xarray.open_dataset(run / "results.h5", group="attention", engine=engine) as a:
                self.assertEqual(a.weights.dims, ("trial", "sequence", "layer", "head", "query", "key"))
                row = a.weights.isel(trial=0, sequence=0, layer=0, head=0).values
                numpy.testing.assert_allclose(row.sum(axis=1), 1, rtol=1e-5)  # softmax: each query's weights
        text = subprocess.run(["ncdump", "-h", run / "results.h5"], check=True, capture_output=True, text=True).stdout
        for line in ("trial = 4 ;", "double test_accuracy(trial) ;",
                     "float weights(trial, sequence, layer, head, query, key) ;"):
            self.assertIn(line, text)
        for trial in (run / "trials").glob("*.h5"):
            for w in self.each_engine(trial, group="weights"):
                self.assertEqual(len(w["blocks.0.attention.query.weight"].dims), 2)

    def test_dimensions_and_coordinates(self):
        for d in self.each_engine(self.merged):
            self.assertEqual(dict(d.sizes), {"trial": 6, "step": 3, "eval": 1})
            self.assertEqual(list(d.trial.values), [0, 1, 2, 3, 4, 5])
            self.assertEqual(list(d.step.values), [10, 12, 20])
            self.assertEqual(d.train_loss.dims, ("trial", "step"))
            self.assertEqual(d.validation_loss.dims, ("trial", "eval"))
            self.assertEqual(set(d.test_accuracy.coords), {"trial", "variant", "seed"})
            self.assertTrue(math.isnan(d.train_loss.sel(trial=0, step=12)))
            self.assertEqual(float(d.train_loss.sel(trial=0, step=20)), 1.5)

    def test_parameters_texts_and_types(self):
        for d in self.each_engine(self.merged):
            self.assertEqual(list(d.variant.values), VARIANTS)
            self.assertEqual(list(d.linear_features.values), ["", "", "elu", "elu", "", ""])
            self.assertEqual(d.seed.dtype, numpy.dtype("int64"))
            self.assertEqual(d["bias"].dtype, numpy.dtype("bool"))
            self.assertEqual(d.lr.attrs["parameter"], "train.lr")
            self.assertEqual(d.step_time.dtype, numpy.dtype("float64"))  # and not a time span
            self.assertEqual(d.step_time.attrs["varies_between_runs"], 1)
            self.assertEqual(d.seconds.dtype, numpy.dtype("float64"))
            self.assertEqual(str(d.status.values[3]), "diverged")
            self.assertEqual(str(d.reason.values[3]), "the loss is not finite \U0001f4a5")
            self.assertEqual(str(d.config.values[0]), "variant: softmax\nseed: 0\n")
            self.assertEqual(d.attrs["format"], "heed results")
            self.assertEqual(d.attrs["schema_version"], 2)
            self.assertEqual(d.attrs["command"], "heed run sample.yaml")

    def test_groupby_keeps_the_curves(self):
        for d in self.each_engine(self.merged):
            mean = d.train_loss.groupby("variant").mean("trial")
            self.assertEqual(float(mean.sel(variant="window", step=10)), 2.5)

    def test_attention(self):
        for a in self.each_engine(self.merged, group="attention"):
            self.assertEqual(a.weights.dims, ("trial", "layer", "head", "query", "key"))
            self.assertEqual(list(a.trial.values), [0, 1])
            self.assertEqual(float(a.weights.sel(trial=1, layer=0, head=0)[3, 3]), 0.25)
            self.assertTrue(math.isnan(a.weights.sel(trial=0, layer=0, head=0)[3, 3]))
            self.assertTrue(math.isnan(a.tokens.sel(trial=0)[3]))  # _FillValue

    def test_groups_know_variant_and_seed(self):
        for group in ("attention", "probes"):
            for g in self.each_engine(self.run_sweep("save=[attention]") / "results.h5", group=group):
                array = g[{"attention": "weights", "probes": "entropy"}[group]]
                self.assertEqual(set(array.coords), {"trial", "variant", "seed"})
                self.assertEqual(sorted(array.groupby("variant").mean()["variant"].values), ["linear", "softmax"])
                self.assertEqual(sorted(g.seed.values), [0, 0, 1, 1])

    def test_concat_of_two_sweeps(self):
        a = self.run_sweep("train.lr=[0.01, 0.02]")
        b = self.run_sweep("train.steps=10")
        for engine in ENGINES:
            with xarray.open_dataset(a / "results.h5", engine=engine) as first, \
                    xarray.open_dataset(b / "results.h5", engine=engine) as second:
                for pair in ((first, second), (second, first)):
                    both = xarray.concat(pair, "trial")
                    self.assertEqual(both.sizes["trial"], 8 + 4)
                    self.assertEqual(both.lr.values.tolist(), [lr for d in pair for lr in d.lr.values])
                    self.assertEqual(both.steps.values.tolist(), [n for d in pair for n in d.steps.values])
                    mean = both.test_accuracy.groupby("variant").mean()
                    self.assertEqual(list(mean["variant"].values), ["linear", "softmax"])

    def test_a_name_means_the_same_in_all_files(self):
        # Softmax has no eps of its own, SGD has none either, and linear attention and AdamW have one.
        sweeps = [("variants=[softmax]",), ("variants=[linear]", "train.optimizer=sgd"), ("variants=[linear]",),
                  ("variants=[window]", "task.length=[16, 20]")]
        files = [self.run_sweep("sweep.seeds=1", *words) / "results.h5" for words in sweeps]
        files += [next((file.parent / "trials").glob("*.h5")) for file in files]  # they can be opened, too
        for engine in ENGINES:
            meaning = {}
            for file in files:
                with xarray.open_dataset(file, engine=engine) as d:
                    for name, v in d.variables.items():
                        self.assertEqual(meaning.setdefault(name, v.attrs.get("parameter")), v.attrs.get("parameter"))
            self.assertEqual(meaning["eps"], "train.eps")
            self.assertEqual(meaning["attention_eps"], "attention.eps")
            with xarray.open_dataset(files[0], engine=engine) as a, xarray.open_dataset(files[1], engine=engine) as b:
                self.assertEqual(("eps" in a, "attention_eps" in a), (True, False))
                self.assertEqual(("eps" in b, "attention_eps" in b), (False, True))

    def test_a_mailed_file_is_compared_as_its_sweep_asks(self):
        run = self.run_sweep("train.lr=[0.01, 0.02]", "compare.metric=test_loss", "compare.reference=linear",
                             "compare.select=train.lr")
        mailed = pathlib.Path(tempfile.mkdtemp(dir=self.folder)) / "mailed.h5"
        shutil.copy(run / "results.h5", mailed)
        with h5py.File(mailed) as f:
            self.assertEqual(f.attrs["compare_metric"], "test_loss")
        compare = [HEED, "compare", mailed, "--json"]
        table = json.loads(subprocess.run(compare, check=True, capture_output=True, text=True).stdout)
        self.assertEqual((table["metric"], table["reference"], table["selected"]), ("test_loss", "linear", "lr"))
        compare += ["--metric", "test_accuracy", "--reference", "softmax"]
        table = json.loads(subprocess.run(compare, check=True, capture_output=True, text=True).stdout)
        self.assertEqual((table["metric"], table["reference"]), ("test_accuracy", "softmax"))

    def test_the_layers_of_a_stack_are_columns(self):
        run = self.run_sweep("variants=[softmax, {stack: [softmax, {window: {size: 4}}]}]", "model.layers=4")
        for d in self.each_engine(run / "results.h5"):
            d.load()  # netCDF4 cannot read every second string of a file
            stack = d.isel(trial=d.variant != "softmax")
            names = [str(stack[f"attention_{layer}_name"].values[0]) for layer in range(4)]
            self.assertEqual(names, ["softmax", "window"] * 2)
            self.assertEqual(stack.attention_1_size.values.tolist(), [4, 4])
            self.assertEqual(stack.attention_3_size.attrs["parameter"], "attention.3.size")
            of_softmax = d.isel(trial=d.variant == "softmax")
            self.assertTrue(numpy.isnan(of_softmax.attention_1_size).all())
            self.assertEqual(str(of_softmax.attention_name.values[0]), "softmax")

    def test_pandas(self):
        for d in self.each_engine(self.merged):
            table = d.test_accuracy.to_dataframe()
            self.assertEqual(list(table["variant"]), VARIANTS)
            self.assertEqual(list(d[["variant", "seed", "test_accuracy"]].to_dataframe()["seed"]), [0, 1] * 3)
            self.assertIsInstance(table, pandas.DataFrame)

    def test_h5py(self):
        with h5py.File(self.merged, "r") as f:
            self.assertEqual([f["train_loss"].dims[i].keys()[0] for i in range(2)], ["trial", "step"])
            self.assertEqual(list(f["variant"].asstr()[...]), VARIANTS)
            for name, variable in f.items():
                if isinstance(variable, h5py.Dataset) and variable.attrs.get("CLASS") != b"DIMENSION_SCALE":
                    self.assertTrue(all(len(axis) == 1 for axis in variable.dims), name)

    def test_ncdump(self):
        ncdump = shutil.which("ncdump")
        if ncdump is None:
            self.skipTest("there is no ncdump")
        text = subprocess.run([ncdump, "-h", self.merged], check=True, capture_output=True, text=True).stdout
        for line in ("trial = 6 ;", "step = 3 ;", "double train_loss(trial, step) ;", "string variant(trial) ;",
                     "group: attention {", "float weights(trial, layer, head, query, key) ;"):
            self.assertIn(line, text)
        for trial in self.trials:
            subprocess.run([ncdump, trial], check=True, stdout=subprocess.DEVNULL)

    def test_a_trial_file_opens_alone(self):
        for path in self.trials:
            for d in self.each_engine(path):
                self.assertEqual(d.sizes["trial"], 1)
                self.assertEqual(str(d["id"].values[0]), path.stem)
        first = next(path for path in self.trials if path.stem == "9e3779b97f4a7c15")
        for w in self.each_engine(first, group="weights"):
            self.assertEqual(w["blocks.0.attention.q"].dims, ("axis0_50", "axis1_100"))
            self.assertEqual(float(w["blocks.0.attention.q"][0, 7]), 1.0)
        for logits in self.each_engine(first, group="logits"):
            self.assertEqual(logits["logits"].values.ravel().tolist(), [1, 2, 3, 4])

    def test_example(self):
        picture = self.folder / "loss.png"
        done = subprocess.run([sys.executable, EXAMPLE, self.merged, picture], check=True, capture_output=True, text=True)
        self.assertIn("softmax", done.stdout)
        try:
            import matplotlib  # noqa: F401
        except ImportError:
            return
        self.assertTrue(picture.exists())


if __name__ == "__main__":
    WRITE_SAMPLE, EXAMPLE, HEED, SWEEP = sys.argv[1:5]
    unittest.main(argv=sys.argv[:1])
