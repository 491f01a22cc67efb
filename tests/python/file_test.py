"""The task `file`: data that NumPy and h5py wrote, data of `heed data`, and files that are wrong.

file_test.py HEED: the program.
"""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

try:
    import h5py
    import numpy as np
except ImportError as missing:
    print(f"skipped: {missing}; scripts/packages.txt lists what the tests need")
    sys.exit(77)

SPLITS = {"train": 40, "validation": 10, "test": 12}


def example():
    """Arrays by name: next-token prediction on a counter."""
    rng = np.random.default_rng(0)
    out = {}
    for split, n in SPLITS.items():
        text = (rng.integers(7, size=(n, 1)) + np.arange(9)) % 7
        out[f"{split}/tokens"], out[f"{split}/labels"] = text[:, :-1], text[:, 1:]
    return out


def write_hdf5(path, arrays):
    with h5py.File(path, "w") as f:
        for name, array in arrays.items():
            f[name] = array


class Files(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="heed_python_"))
        self.addCleanup(shutil.rmtree, self.folder)

    def heed(self, *words):
        return subprocess.run([HEED, *map(str, words)], capture_output=True, text=True, cwd=self.folder)

    def read(self, path, *options, split="test", n=1):
        """Reads a file with the task and writes it again."""
        self.again = self.folder / "again.h5"
        self.again.unlink(missing_ok=True)
        return self.heed("data", "file", f"path={path}", *options, "-n", n, "--split", split, "-o", self.again)

    def test_numpy_and_h5py(self):
        arrays = example()
        np.savez(self.folder / "plain.npz", **arrays)
        np.savez_compressed(self.folder / "packed.npz", **arrays)
        np.savez(self.folder / "bytes.npz", **{name: a.astype(np.int8) for name, a in arrays.items()})
        np.savez(self.folder / "big_endian.npz", **{name: a.astype(">i4") for name, a in arrays.items()})
        np.savez(self.folder / "fortran.npz", **{name: np.asfortranarray(a) for name, a in arrays.items()})
        write_hdf5(self.folder / "h5py.h5", arrays)
        for name in ("plain.npz", "packed.npz", "bytes.npz", "big_endian.npz", "fortran.npz", "h5py.h5"):
            for split, n in SPLITS.items():
                with self.subTest(file=name, split=split):
                    done = self.read(self.folder / name, split=split, n=n)
                    self.assertEqual(done.returncode, 0, done.stderr)
                    with h5py.File(self.again) as f:
                        x, y = f["tokens"][...], f["labels"][...]
                        self.assertEqual((f.attrs["vocabulary"], f["labels"].attrs["classes"]), (7, 7))
                    expected = np.hstack([arrays[f"{split}/tokens"], arrays[f"{split}/labels"]])
                    found = np.hstack([x, y])
                    if split == "train":  # in another order, each once
                        self.assertFalse(np.array_equal(found, expected))
                        expected, found = (a[np.lexsort(a.T)] for a in (expected, found))
                    self.assertTrue(np.array_equal(found, expected))

    def test_lengths_and_one_label(self):
        rng = np.random.default_rng(1)
        arrays = {}
        for split, n in SPLITS.items():
            arrays[f"{split}/tokens"] = rng.integers(5, size=(n, 6))
            arrays[f"{split}/labels"] = rng.integers(3, size=n)
            arrays[f"{split}/lengths"] = rng.integers(1, 7, size=n)
            arrays[f"{split}/tokens"][:, 5] = -1  # padding is not read
            arrays[f"{split}/lengths"] = np.minimum(arrays[f"{split}/lengths"], 5)
        np.savez(self.folder / "data.npz", **arrays)
        done = self.read(self.folder / "data.npz", n=12)
        self.assertEqual(done.returncode, 0, done.stderr)
        with h5py.File(self.again) as f:
            self.assertTrue(np.array_equal(f["labels"][...], arrays["test/labels"]))
            self.assertTrue(np.array_equal(f["lengths"][...], arrays["test/lengths"]))
            inside = np.arange(6) < arrays["test/lengths"][:, None]
            self.assertTrue(np.array_equal(f["tokens"][...], np.where(inside, arrays["test/tokens"], 0)))

    def test_other_arrays_are_ignored(self):
        arrays = example()
        for name, file in (("more.npz", np.savez), ("more.h5", None)):
            more = {**arrays, "train/weights": np.ones(3), "notes": np.zeros(2)}
            if file:
                file(self.folder / name, **more)
            else:
                write_hdf5(self.folder / name, more)
            done = self.read(self.folder / name)
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_one_label_trains_an_encoder_too(self):
        arrays = example()
        for split in SPLITS:
            arrays[f"{split}/labels"] = arrays[f"{split}/tokens"].sum(axis=1) % 2
        np.savez(self.folder / "one.npz", **arrays)
        sweep = self.folder / "sweep.yaml"
        for model in ("{type: encoder, pool: mean}", "{type: encoder, pool: first}", "{}"):
            sweep.write_text(f"variants: [softmax]\ntask: {{name: file, path: one.npz}}\nmodel: {model}\n")
            done = self.heed("plan", sweep, "--ids")
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_test_longer_than_training(self):
        arrays = example()
        arrays["test/tokens"], arrays["test/labels"] = (np.tile(arrays[f"test/{a}"], 2) for a in ("tokens", "labels"))
        np.savez(self.folder / "long.npz", **arrays)
        sweep = self.folder / "sweep.yaml"
        for positions, code in (("learned", 64), ("rope", 0), ("none", 0)):
            sweep.write_text(
                f"variants: [softmax]\ntask: {{name: file, path: long.npz}}\nmodel: {{positions: {positions}}}\n"
            )
            done = self.heed("plan", sweep, "--ids")
            self.assertEqual(done.returncode, code, done.stderr)
            if code:
                self.assertIn("the longest sequence of validation or test has 16 tokens, and of training 8", done.stderr)

    def test_a_source_makes_an_encoder_decoder(self):
        rng = np.random.default_rng(2)
        arrays = {}
        for split, n in {"train": 200, "validation": 30, "test": 40}.items():
            x, lengths = rng.integers(1, 4, size=(n, 3)), rng.integers(1, 4, size=n)
            arrays[f"{split}/source"], arrays[f"{split}/source_lengths"] = x, lengths
            arrays[f"{split}/tokens"] = np.hstack([np.zeros((n, 1), int), x[:, :-1]])
            arrays[f"{split}/labels"] = np.where(np.arange(3) < lengths[:, None], x, -100)
            arrays[f"{split}/lengths"] = lengths
        np.savez(self.folder / "copies.npz", **arrays)
        # Only the source has the next token: guessing is right in a third of all cases.
        found = self.results("copies", f"{{name: file, path: {self.folder / 'copies.npz'}}}", steps=300, lr=0.01)
        self.assertGreater(found["test_accuracy"][0], 0.8)

    def results(self, name, task, steps=30, lr=0.001):
        sweep = self.folder / f"{name}.yaml"
        sweep.write_text(
            f"task: {task}\nvariants: [softmax]\nmodel: {{layers: 1, dim: 16, heads: 2}}\nsweep: {{seeds: [3]}}\n"
            f"train: {{steps: {steps}, lr: {lr}, batch: 8, evaluate_every: 10, evaluate_sequences: 30, "
            "test_sequences: 40}\n"
        )
        done = self.heed("run", sweep, "--output", self.folder / name)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        with h5py.File(self.folder / name / "results.h5") as f:
            return {k: f[k][...] for k in ("train_loss", "validation_loss", "test_loss", "test_accuracy", "parameters")}

    def test_data_of_heed_go_back_in(self):
        for task, options in (
            ("mqar", {"length": 32, "vocab": 64}),
            ("listops", {}),
            ("compression", {"length": 8}),
            ("permutations", {"length": 9}),
        ):
            with self.subTest(task=task):
                words = [f"{key}={value}" for key, value in options.items()]
                data = self.folder / f"{task}_data"
                data.mkdir()
                for split, n in (("train", 100), ("validation", 30), ("test", 40)):
                    done = self.heed("data", task, *words, "-n", n, "--split", split, "--seed", 3, "-o", data / f"{split}.h5")
                    self.assertEqual(done.returncode, 0, done.stderr)
                text = "".join(f", {key}: {value}" for key, value in options.items())
                built_in = self.results(f"{task}_a", f"{{name: {task}, train_sequences: 100{text}}}")
                from_file = self.results(f"{task}_b", f"{{name: file, path: {data}}}")
                for name in built_in:
                    self.assertTrue(np.array_equal(built_in[name], from_file[name]), name)
                endless = self.results(f"{task}_c", f"{{name: {task}{text}}}")
                self.assertFalse(np.array_equal(built_in["train_loss"], endless["train_loss"]))

    def test_the_example_of_the_documentation(self):
        page = (pathlib.Path(__file__).parents[2] / "docs" / "tasks.md").read_text()
        example = re.search(r"```python\n(import numpy.*?savez.*?)```", page, re.S).group(1)
        self.assertLessEqual(len(example.splitlines()), 10)
        subprocess.run([sys.executable, "-c", example], cwd=self.folder, check=True)
        path = next(self.folder.glob("*.npz"))
        self.results("documented", f"{{name: file, path: {path}}}")

    def mistakes(self):
        """Files that are wrong: a path, and what the message says."""
        a = example()
        yield "nothing.npz", [], "does not exist"
        np.save(self.folder / "one.npy", a["train/tokens"])
        yield "one.npy", [], "a single array (.npy)"
        (self.folder / "text.txt").write_text("no data at all\n")
        yield "text.txt", [], "neither HDF5 nor an archive of NumPy"
        np.savez_compressed(self.folder / "good.npz", **a)
        packed = (self.folder / "good.npz").read_bytes()
        (self.folder / "cut.npz").write_bytes(packed[: len(packed) // 2])
        yield "cut.npz", [], "cut.npz' is no archive of NumPy (.npz), or it is damaged or incomplete"
        at = packed.index(b"test/tokens.npy") + 60
        (self.folder / "flipped.npz").write_bytes(packed[:at] + bytes(20) + packed[at + 20 :])
        yield "flipped.npz", [], "the array 'test/tokens' cannot be read: the archive is damaged"
        write_hdf5(self.folder / "good.h5", a)
        whole = (self.folder / "good.h5").read_bytes()
        (self.folder / "cut.h5").write_bytes(whole[: len(whole) // 2])
        yield "cut.h5", [], "cut.h5' cannot be read as an HDF5 file: it is damaged or incomplete"

        def wrong(name, changes, *options, drop=(), hdf5=False):
            arrays = {k: v for k, v in {**a, **changes}.items() if k not in drop}
            if hdf5:
                write_hdf5(self.folder / name, arrays)
            else:
                np.savez(self.folder / name, **arrays)
            return name, list(options)

        def cell(array, at, value):
            out = a[array].copy()
            out[at] = value
            return {array: out}

        x = a["train/tokens"]
        no_split = ("validation/tokens", "validation/labels")
        yield *wrong("split.npz", {}, drop=no_split), "the split 'validation' is missing"
        yield *wrong("split.h5", {}, drop=no_split, hdf5=True), "the split 'validation' is missing"
        yield *wrong("single.npz", {"tokens": x, "labels": x}, drop=tuple(a)), "the tokens of one split"
        for kind, hdf5 in (("npz", False), ("h5", True)):
            (self.folder / f"empty_file.{kind}").touch()
            yield f"empty_file.{kind}", [], f"empty_file.{kind}' is empty."
            yield *wrong(f"labels.{kind}", {}, drop=("test/labels",), hdf5=hdf5), "test/labels is missing. The file has: "
            lables = {"test/lables": a["test/labels"]}
            yield *wrong(f"lables.{kind}", lables, drop=("test/labels",), hdf5=hdf5), "Did you mean it by test/lables?"
            lenghts = {f"{split}/lenghts": np.full(n, 8) for split, n in SPLITS.items()}
            yield *wrong(f"lenghts.{kind}", lenghts, hdf5=hdf5), "unknown array train/lenghts. Did you mean train/lengths?"
            valid = {"valid/tokens": a["validation/tokens"], "valid/labels": a["validation/labels"]}
            yield *wrong(f"valid.{kind}", valid, drop=("validation/tokens", "validation/labels"), hdf5=hdf5), "valid/tokens"
        yield *wrong("float.npz", {"train/tokens": x * 1.0}), "its type is '<f8', which is no integer"
        yield *wrong("float.h5", {"train/tokens": x * 1.0}, hdf5=True), "its numbers are no integers"
        yield *wrong("object.npz", {"train/tokens": x.astype(object)}), "which is no integer"
        yield *wrong("flat.npz", {"train/tokens": x[0]}), "train/tokens has the shape (8,); it must be (sequences, posi"
        yield *wrong("empty.npz", {"test/tokens": x[:0]}), "test/tokens has the shape (0, 8)"
        yield *wrong("shape.npz", {"train/labels": x[:, 1:]}), "train/labels has the shape (40, 7); it must be (40, 8)"
        yield *wrong("negative.npz", cell("train/tokens", (2, 3), -1)), "train/tokens[2, 3] is -1; a token is from 0"
        yield *wrong("large.npz", cell("test/tokens", (4, 0), 9), "vocab=7"), "test/tokens[4, 0] is 9; a token is from 0 to 6"
        yield *wrong("label.npz", cell("validation/labels", (1, 7), -1)), "validation/labels[1, 7] is -1; a label is from 0"
        yield *wrong("classes.npz", {}, "classes=5"), "a label is from 0 to 4, or -100 if it is not scored"
        yield *wrong("unscored.npz", {"test/labels": np.full((12, 8), -100)}), "test/labels: no label is scored"
        lengths = {f"{split}/lengths": np.full(len(a[f"{split}/tokens"]), 8) for split in SPLITS}
        yield *wrong("some.npz", {"train/lengths": lengths["train/lengths"]}), "validation/lengths is missing"
        yield *wrong("lengths.npz", {**lengths, "test/lengths": np.ones(3, int)}), "test/lengths has the shape (3,); it must be (12,)"
        yield *wrong("long.npz", {**lengths, "test/lengths": np.full(12, 9)}), "test/lengths[0] is 9; it must be from 1 to 8"
        yield *wrong("kinds.npz", {"test/labels": np.zeros(12, int)}), "another number of dimensions"
        yield *wrong("source.npz", {"train/source": x}), "validation/source is missing"
        sources = {f"{split}/source": a[f"{split}/tokens"] for split in SPLITS}
        yield *wrong("sources.npz", {**sources, "test/source": x}), "test/source has 40 sequences; the tokens have 12"
        yield *wrong("content.npz", {}, "content=xxh-0"), "has changed: its hash is"
        (self.folder / "folder").mkdir()
        yield "folder", [], "train.h5' does not exist"
        (self.folder / "swapped").mkdir()
        for name in ("train", "validation", "test"):
            self.heed("data", "copy", "-n", 3, "--split", "train", "-o", self.folder / "swapped" / f"{name}.h5")
        yield "swapped", [], "validation.h5' has the split 'train', not 'validation'"

    def test_wrong_files_are_refused(self):
        count = 0
        for name, options, message in self.mistakes():
            with self.subTest(file=name):
                done = self.read(self.folder / name, *options)
                self.assertEqual(done.returncode, 64, done.stdout + done.stderr)
                self.assertIn(message, done.stderr)
                self.assertIn(name, done.stderr)
                self.assertFalse(self.again.exists())
                count += 1
        self.assertGreaterEqual(count, 20)


if __name__ == "__main__":
    HEED = sys.argv[1]
    unittest.main(argv=sys.argv[:1])
