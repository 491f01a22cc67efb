"""Checks the data of the task `images` from outside: from the files and docs/tasks.md, sharing no code with heed.

images_test.py COMMAND...: what writes the data, build/release/bin/heed data.
"""

import gzip
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

from tasks_test import SPLITS, Wrong, need, need_law  # first: it skips where packages are missing

import h5py
import numpy as np

FASHION = pathlib.Path("/usr/share/datasets/fashion-mnist")
TRAIN, TEST = "train", "t10k"
OPTIONS = {"path": FASHION, "form": "patches", "objective": "classify", "patch": 4, "pool": 2, "levels": 16,
           "validation": 5000, "noise_patches": 0, "distractor_patches": 0}


def files_of(name):
    return f"{name}-images-idx3-ubyte", f"{name}-labels-idx1-ubyte"


def read_idx(path, count=None):
    """The first `count` items of a file in IDX format: a magic number, big-endian sizes, and the bytes."""
    with gzip.open(path) if path.suffix == ".gz" else open(path, "rb") as f:
        zero, kind, dimensions = int.from_bytes(f.read(2), "big"), f.read(1)[0], f.read(1)[0]
        assert (zero, kind) == (0, 8), path
        shape = [int.from_bytes(f.read(4), "big") for _ in range(dimensions)]
        shape[0] = shape[0] if count is None else count
        return np.frombuffer(f.read(int(np.prod(shape))), np.uint8).reshape(shape)


def write_idx(path, values):
    header = bytes([0, 0, 8, values.ndim]) + b"".join(n.to_bytes(4, "big") for n in values.shape)
    with gzip.open(path, "wb") if path.suffix == ".gz" else open(path, "wb") as f:
        f.write(header + values.astype(np.uint8).tobytes())


class Source:
    """Images and labels, (count, height, width) and (count), of the training file and of the test file."""

    def __init__(self, images, labels):
        self.images, self.labels = images, labels
        self.classes = 1 + int(max(labels[TRAIN].max(), labels[TEST].max()))

    def write(self, folder, end=""):
        folder.mkdir()
        for name in (TRAIN, TEST):
            for file, values in zip(files_of(name), (self.images[name], self.labels[name])):
                write_idx(folder / (file + end), values)

    def part(self, split, validation):
        rows = slice(None)
        if split != "test":
            rows = slice(-validation) if split == "train" else slice(-validation, None)
        name = TEST if split == "test" else TRAIN
        return self.images[name][rows].astype(int), self.labels[name][rows]


def fashion(train=None, test=None):
    """The first images of Debian's Fashion-MNIST."""
    read = {name: [read_idx(FASHION / (file + ".gz"), count) for file in files_of(name)]
            for name, count in ((TRAIN, train), (TEST, test))}
    return Source({name: r[0] for name, r in read.items()}, {name: r[1] for name, r in read.items()})


def noise():
    """Images that are not square. No two of their patches are equal, and the test has a class of its own."""
    rng = np.random.default_rng(3)
    return Source({name: rng.integers(256, size=(n, 6, 8)) for name, n in ((TRAIN, 200), (TEST, 90))},
                  {TRAIN: rng.integers(4, size=200), TEST: np.arange(90) % 6})


def squares(images, side):
    """The pixels of each square, row by row: (image, square, pixel)."""
    height, width = images.shape[1:]
    cut = [images[:, y : y + side, x : x + side].reshape(len(images), -1)
           for y in range(0, height, side) for x in range(0, width, side)]
    return np.stack(cut, axis=1)


def numbers(images, o):
    """What the positions of images are, as integers, and what an integer of 1 stands for."""
    if o["form"] == "patches":
        return squares(images, o["patch"]), 1 / 255
    sums = squares(images, o["pool"]).sum(axis=2, keepdims=True)
    if o["form"] == "tokens":
        return sums[:, :, 0] * o["levels"] // (256 * o["pool"] ** 2), 1
    return sums, 1 / (255 * o["pool"] ** 2)


def standardization(source, o):
    training, scale = numbers(source.part("train", o["validation"])[0], o)
    return np.mean(training * scale), np.std(training * scale), scale


def read_positions(found, source, o):
    """The positions of exported sequences as integers, as numbers() has them."""
    if o["form"] == "tokens":
        return found["tokens"]
    mean, stddev, scale = standardization(source, o)
    read = (found["vectors"] * stddev + mean) / scale
    need(np.abs(read - np.round(read)) < 1e-9, "a number is no standardized number of an image")
    return np.round(read).astype(int)


def need_images(positions, labels, source, split, o):
    """The images of a split in their order, or images of the training, each as often."""
    images, classes = source.part(split, o["validation"])
    expected, _ = numbers(images, o)
    if split != "train":
        need(positions == expected[: len(positions)], "another image, or another order of its positions")
        need(labels == classes[: len(labels)], "a label is not that of its image")
        return
    rows = {}
    for row, image in enumerate(expected):
        rows.setdefault(image.tobytes(), []).append(row)
    drawn = []
    for image, label in zip(positions.astype(expected.dtype), labels):
        need(image.tobytes() in rows, "not an image of the training, or another order of its positions")
        candidates = rows[image.tobytes()]
        need(label in classes[candidates], "a label is not that of its image")
        drawn.append(candidates[0])
    need_law(np.histogram(drawn, bins=5, range=(0, len(images)))[0], np.ones(5), "some images come more often")


def check(found, split, source, **options):
    """found: what `heed data` has written, by name, and its attributes. Raises Wrong."""
    o = {**OPTIONS, **options}
    generates, has_tokens = o["objective"] == "generate", o["form"] == "tokens"
    height, width = source.images[TRAIN].shape[1:]
    side = o["patch"] if o["form"] == "patches" else o["pool"]
    length = (height // side) * (width // side) + o["noise_patches"] + o["distractor_patches"]
    shape = (length,) if has_tokens else (length, side**2 if o["form"] == "patches" else 1)
    need(found["tokens" if has_tokens else "vectors"].shape[1:] == shape, "a wrong shape")
    need("lengths" not in found, "padding")
    need(found["model"] == ("decoder" if generates else "encoder"), "a wrong type of model")
    need(found["classes"] == (o["levels"] if generates else source.classes), "a wrong number of classes")
    if has_tokens:
        vocabulary = o["levels"] + (source.classes if generates else 0)
        need(found["vocabulary"] == vocabulary, "a wrong vocabulary")
    if generates:
        tokens, labels = found["tokens"], found["labels"]
        need(tokens[:, 1:] == labels[:, :-1], "a token is not the label before it")
        need_images(labels, tokens[:, 0] - o["levels"], source, split, o)
        return
    need(found["labels"].shape == (len(found["labels"]),), "not one label for each image")
    if o["noise_patches"] + o["distractor_patches"] == 0:
        need_images(read_positions(found, source, o), found["labels"], source, split, o)
    else:
        check_added(found, split, source, o)


def check_added(found, split, source, o):
    """Requires: no two patches of the images are equal."""
    mean, stddev, scale = standardization(source, o)
    images, classes = source.part(split, o["validation"])
    expected = (numbers(images, o)[0] * scale - mean) / stddev
    own_patches = expected.shape[1]
    place = {tuple(np.round(patch, 9)): (row, at) for row, image in enumerate(expected)
             for at, patch in enumerate(image)}
    normal, added_at = [], np.zeros(found["vectors"].shape[1])
    for index, (vectors, label) in enumerate(zip(found["vectors"], found["labels"])):
        places = [place.get(tuple(np.round(vector, 9))) for vector in vectors]
        rows = [p[0] for p in places if p]
        own = max(set(rows), key=rows.count) if split == "train" else index
        need([p[1] for p in places if p and p[0] == own] == list(range(own_patches)), "patches out of order")
        need(classes[own] == label, "a label is not that of its image")
        others = [row for row in rows if row != own]
        need(len(others) == o["distractor_patches"], "a wrong number of distractors")
        need(classes[others] != label, "a distractor of the same class")
        normal += [vector for vector, p in zip(vectors, places) if not p]
        need(len(normal) == (index + 1) * o["noise_patches"], "a wrong number of patches of noise")
        added_at += [p is None or p[0] != own for p in places]
    x = np.array(normal)
    need(abs(x.mean()) < 5 / np.sqrt(x.size), "the mean of the noise is not 0")
    need(abs(x.var() - 1) < 5 * np.sqrt(2 / x.size), "the variance of the noise is not 1")
    need_law(added_at, np.ones(len(added_at)), "added patches are not at every place equally often")


GENERATE = {"form": "tokens", "objective": "generate"}
SETTINGS = [  # of Fashion-MNIST
    {},
    {"patch": 7},
    {"form": "pixels"},
    {"form": "pixels", "pool": 4},
    {"form": "tokens"},
    {"form": "tokens", "pool": 1, "levels": 256},
    {"form": "tokens", "pool": 4, "levels": 3},
    GENERATE,
    {**GENERATE, "pool": 4, "levels": 5},
]
ADDED = {"patch": 2, "noise_patches": 5, "distractor_patches": 3}
NOISE_SETTINGS = [  # of images that are not square
    {"patch": 2},
    {"patch": 1},
    {"form": "pixels"},
    {"form": "tokens", "levels": 7},
    {**GENERATE, "levels": 7},
    ADDED,
]


def inputs(found):
    return found["tokens" if "tokens" in found else "vectors"]


def one_label_wrong(found):
    found["labels"][3] = (found["labels"][3] + 1) % found["classes"]


def images_mixed(found):
    inputs(found)[:] = np.roll(inputs(found), 1, axis=0)


def positions_shifted(found):
    inputs(found)[:] = np.roll(inputs(found), 1, axis=1)


def one_number_wrong(found):
    x = inputs(found)
    x[2].flat[5] += 1 if "tokens" in found else 1e-3


def labels_shifted(found):
    found["labels"] = np.roll(found["labels"], 1, axis=found["labels"].ndim - 1)


def one_class_more(found):
    found["classes"] += 1


def padded(found):
    found["lengths"] = np.zeros(len(found["labels"]))


DAMAGES = (one_label_wrong, images_mixed, positions_shifted, one_number_wrong, labels_shifted, one_class_more, padded)


class Images(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="heed_python_"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.noise = noise()
        cls.noise.write(cls.folder / "noise")
        cls.sources = [(cls.noise, {"path": cls.folder / "noise", "validation": 60}, NOISE_SETTINGS)]
        if FASHION.exists():
            small = fashion(500, 120)
            small.write(cls.folder / "small", ".gz")
            cls.sources.append((small, {"path": cls.folder / "small", "validation": 100}, SETTINGS))

    def run_command(self, n, split, seed=0, **options):
        words = [f"{key}={value}" for key, value in options.items()]
        words += ["-n", str(n), "-o", str(self.folder / "data.h5"), "--split", split, "--seed", str(seed)]
        return subprocess.run([*COMMAND, "images", *words], capture_output=True, text=True)

    def data(self, n, split, seed=0, **options):
        done = self.run_command(n, split, seed, **options)
        self.assertEqual(done.returncode, 0, done.stderr)
        with h5py.File(self.folder / "data.h5") as f:
            found = {name: f[name][...] for name in ("tokens", "vectors", "labels", "lengths") if name in f}
            self.assertEqual((f.attrs["task"], f.attrs["split"]), ("images", split))
            return {**found, **f.attrs, "classes": f["labels"].attrs["classes"]}

    def settings(self):
        for source, given, settings in self.sources:
            for options in settings:
                yield source, {**given, **options}

    def test_structure(self):
        for source, options in self.settings():
            for split in SPLITS:
                with self.subTest(split=split, **options):
                    n = 300 if split == "train" else len(source.part(split, options["validation"])[0])
                    check(self.data(n, split, **options), split, source, **options)

    def test_a_split_ends_with_its_images(self):
        for split, n in (("validation", 60), ("test", 90)):
            done = self.run_command(n + 1, split, **self.sources[0][1], patch=2)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(f"the {split} split has {n} sequences of 12 vectors", done.stderr)

    def test_checks_can_fail(self):
        for source, options in self.settings():
            found = self.data(60, "test", **options)
            for damage in DAMAGES:
                with self.subTest(damage=damage.__name__, **options):
                    damaged = {name: np.copy(value) for name, value in found.items()}
                    damaged["model"] = found["model"]
                    damage(damaged)
                    with self.assertRaises(Wrong):
                        check(damaged, "test", source, **options)

    def test_other_definitions_are_told_apart(self):
        source, given = self.noise, self.sources[0][1]
        for options, other in (
            ({"patch": 2}, {"validation": 61}),  # the statistics of one image less
            ({"patch": 2}, {"patch": 1}),
            ({"form": "tokens"}, {"levels": 15}),
            (ADDED, {"noise_patches": 4, "distractor_patches": 4}),
        ):
            with self.subTest(other=other), self.assertRaises(Wrong):
                check(self.data(90, "test", **given, **options), "test", source, **{**given, **options, **other})

    def test_every_order_of_generation_has_the_same_data(self):
        options = {**self.sources[-1][1], **GENERATE}
        for split in SPLITS:
            expected = self.data(50, split, **options)
            for order in ("raster", "random", "annealed"):
                found = self.data(50, split, **options, order=order)
                self.assertTrue(np.array_equal(found["tokens"], expected["tokens"]))
                self.assertTrue(np.array_equal(found["labels"], expected["labels"]))

    def test_the_seed_decides_training_and_added_patches_only(self):
        given = self.sources[0][1]
        for options, same in (({"patch": 2}, ("validation", "test")), (ADDED, ())):
            for split in SPLITS:
                with self.subTest(split=split, **options):
                    a, b = (self.data(40, split, seed, **given, **options)["vectors"] for seed in (0, 1))
                    self.assertEqual(np.array_equal(a, b), split in same)

    def test_compressed_files_are_the_same_data(self):
        self.noise.write(self.folder / "packed", ".gz")
        plain, packed = (self.data(90, "test", path=self.folder / name, validation=60, patch=2)
                         for name in ("noise", "packed"))
        self.assertTrue(np.array_equal(plain["vectors"], packed["vectors"]))

    @unittest.skipUnless(FASHION.exists(), "dataset-fashion-mnist is not installed")
    def test_the_defaults_are_those_of_the_documentation(self):
        whole = fashion()
        self.assertEqual([len(whole.part(split, 5000)[0]) for split in SPLITS], [55000, 5000, 10000])
        mean, stddev, _ = standardization(whole, OPTIONS)
        self.assertEqual((f"{mean:.6f}", f"{stddev:.6f}"), ("0.285817", "0.352937"))
        check(self.data(200, "test"), "test", whole)
        check(self.data(200, "validation"), "validation", whole)


if __name__ == "__main__":
    COMMAND = sys.argv[1:]
    unittest.main(argv=sys.argv[:1])
