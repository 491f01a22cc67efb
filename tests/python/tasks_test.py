"""Checks the data of every task from outside: from their definition in docs/tasks.md, sharing no code with heed.

tasks_test.py COMMAND...: what writes the data, build/release/bin/heed data.
"""

import itertools
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

try:
    import h5py
    import netCDF4  # noqa: F401 (an engine of xarray)
    import h5netcdf  # noqa: F401 (the other one)
    import numpy as np
    import xarray
except ImportError as missing:
    print(f"skipped: {missing}; scripts/packages.txt lists what the tests need")
    sys.exit(77)

UNSCORED = -100
SPLITS = ("train", "validation", "test")


class Wrong(Exception):
    """The data are not what the definition says."""


def need(claim, what):
    if not np.all(claim):
        raise Wrong(what)


def chi_square(seen, expected):
    """In standard deviations from its mean. Requires: expected counts that are not small."""
    chi = np.sum((seen - expected) ** 2 / expected)
    return (chi - (len(seen) - 1)) / np.sqrt(2 * (len(seen) - 1))


def need_law(seen, weights, what):
    seen = np.asarray(seen, float)
    need(chi_square(seen, np.asarray(weights, float) / np.sum(weights) * seen.sum()) < 6, what)


def pairs_split(source):
    """The split of a pair: FNV-1a of its source."""
    value = 14695981039346656037
    for byte in source.encode():
        value = ((value ^ byte) * 1099511628211) % 2**64
    return "train" if value % 100 < 90 else "validation" if value % 100 < 95 else "test"


# Each check takes (x, y): tokens and labels, (sequence, position), and the options.


def check_mqar(x, y, split, length=64, vocab=8192, pairs=4, power=0.01, filler="zero", unanswerable=0.0):
    context, half = 2 * pairs, vocab // 2
    not_shown = 0
    keys, values = x[:, 0:context:2], x[:, 1:context:2]
    need((1 <= keys) & (keys < half), "a key out of range")
    need((half <= values) & (values < vocab), "a value out of range")
    for row in range(len(x)):
        need(len(set(keys[row])) == pairs and len(set(values[row])) == pairs, "a key or value comes twice")
        asked = np.flatnonzero(y[row] != UNSCORED)
        need(len(asked) == pairs and asked.min() >= context, "a wrong number of queries")
        need((asked - context) % 2 == 0, "a query off the start of its slot")
        answer = dict(zip(keys[row], values[row]))
        need(len(set(x[row, asked])) == pairs, "a key is not asked once")
        for key, label in zip(x[row, asked], y[row, asked]):
            if key in answer:
                need(answer[key] == label, "a label is not the value of its key")
                continue
            not_shown += 1
            need(1 <= key < half, "a key that was not shown is out of range")
            need(half <= label < vocab and label not in values[row], "a value that was shown for a key that was not")
        background = np.delete(x[row], asked)[context:]
        need(background == 0 if filler == "zero" else (0 <= background) & (background < vocab), "wrong filler")
    share = float(unanswerable) if split == "test" else 0.0
    tolerance = 6 * np.sqrt(len(x) * pairs * share * (1 - share))
    need(abs(not_shown - share * len(x) * pairs) <= tolerance, "a wrong share of keys that were not shown")
    slots = (length - context) // 2
    law = np.arange(1, slots + 1) ** (float(power) - 1)
    first = [np.flatnonzero((row == row[0]) & (label != UNSCORED)) for row, label in zip(x, y)]
    first = np.concatenate([at[:1] for at in first])  # empty if its query was replaced
    need_law(np.bincount((first - context) // 2, minlength=slots), law, "slots do not follow the power law")
    if vocab <= 512:  # or too few of each are drawn to count
        need_law(np.bincount(keys.ravel() - 1, minlength=half - 1), np.ones(half - 1), "some keys come more often")
        need_law(np.bincount(values.ravel() - half, minlength=half), np.ones(half), "some values come more often")
    if filler == "random":
        need(len(np.unique(x)) > vocab // 2, "filler that is not random")


def check_recall(x, y, split, length=128, vocab=16, noise_vocab=0, noise=0.0, labels="all"):
    keys = (vocab - noise_vocab) // 2
    noisy = 0
    for row, label in zip(x, y):
        value, expected = {}, np.full(length, UNSCORED)
        for i in range(0, length, 2):
            k, v = row[i], row[i + 1]
            if k >= 2 * keys:
                need(2 * keys <= v < vocab and k < vocab and i < length - 2, "half a pair of noise")
                noisy += 1
                continue
            need(0 <= k < keys <= v < 2 * keys, "no pair of key and value")
            if k in value:
                expected[i] = v
                need(value[k] == v, "a value that changes")
            value[k] = v
        need(expected[length - 2] != UNSCORED, "the last pair does not ask for a key that was shown")
        if split == "train" and labels == "all":
            expected[:-1] = row[1:]
        need(label == expected, "wrong labels")
    chances = len(x) * (length // 2 - 2)  # one pair and the last are never noise
    need(abs(noisy - noise * chances) <= 6 * np.sqrt(chances * noise * (1 - noise)), "not as much noise as asked for")
    need(noisy > 0 or noise == 0, "no noise")


def check_noisy_recall(x, y, split, length=128, vocab=32, noise_vocab=16, noise=0.2, labels="all"):
    check_recall(x, y, split, length, vocab, noise_vocab, noise, labels)


def check_copies(x, y, length, vocab, tokens):
    mark, blank = vocab - 1, vocab - 2
    before = length - tokens - 1
    need(x[:, before] == mark, "no mark")
    need(x[:, before + 1 :] == blank, "no blanks behind the mark")
    need(y[:, : before + 1] == UNSCORED, "a label before the answer")
    for row, label in zip(x, y):
        shown = row[:before][row[:before] != blank]
        need(len(shown) == tokens, "a wrong number of tokens")
        need(shown == label[-tokens:], "the labels are not the tokens in their order")
    answers = y[:, -tokens:]
    need((0 <= answers) & (answers < blank), "a token out of range")
    need_law(np.bincount(answers.ravel(), minlength=blank), np.ones(blank), "tokens are not equally frequent")
    return x[:, :before]


def check_copy(x, y, split, length=256, vocab=16, tokens=16):
    before = check_copies(x, y, length, vocab, tokens)
    need(before[:, tokens:] == vocab - 2, "tokens are not at the start")


def check_selective_copy(x, y, split, length=256, vocab=16, tokens=16):
    before = check_copies(x, y, length, vocab, tokens)
    need(before[:, -1] != vocab - 2, "a gap behind the last token")
    gaps = np.zeros(tokens)
    for row in before:
        places = np.flatnonzero(row != vocab - 2)
        gaps += np.diff(places, prepend=-1) - 1
    need_law(gaps, np.ones(tokens), "blanks are not scattered evenly")


def check_induction(x, y, split, length=30, vocab=20, score="last"):
    mark = vocab - 1
    need((0 <= x) & (x <= mark), "a token out of range")
    if score == "last":
        need(np.sum(x == mark, axis=1) == 2, "the mark does not occur twice")
        need(x[:, -1] == mark, "no mark at the end")
        p = np.argmax(x == mark, axis=1)
        need(p <= length - 3, "the mark is too near the end")
        need(y[:, :-1] == UNSCORED, "a label before the end")
        need(y[:, -1] == x[np.arange(len(x)), p + 1], "the label is not the token behind the mark")
        need_law(np.bincount(p, minlength=length - 2), np.ones(length - 2), "the mark's position is not uniform")
        return
    need(x < mark, "a mark where everything is scored")
    need(x[:, : length // 2] == x[:, length // 2 :], "the second half is no repetition")
    for row, label in zip(x, y):
        pairs = list(zip(row[:-1], row[1:]))
        expected = [pair[1] if pair in pairs[:t] else UNSCORED for t, pair in enumerate(pairs)]
        need(label == np.array(expected + [UNSCORED]), "not every repeated pair is scored, or another")


def check_parity(x, y, split, length=32):
    need((x == 0) | (x == 1), "no bit")
    need(y == np.cumsum(x, axis=1) % 2, "a label is not the parity so far")
    need_law(np.bincount(x.ravel(), minlength=2), np.ones(2), "one of the bits comes more often")


def check_permutations(x, y, split, length=32, n=5, tokens="swaps"):
    states = list(itertools.permutations(range(n)))
    swaps = [tuple(range(k)) + (k + 1, k) + tuple(range(k + 2, n)) for k in range(n - 1)]
    meaning = np.array(states if tokens == "all" else swaps)
    need((0 <= x) & (x < len(meaning)), "a token out of range")
    state = np.tile(np.arange(n), (len(x), 1))
    for t in range(length):
        state = np.take_along_axis(meaning[x[:, t]], state, axis=1)  # x_t[s_(t-1)[i]]
        need([states.index(tuple(row)) for row in state] == y[:, t], "a label is not the product so far")
    need_law(np.bincount(x.ravel(), minlength=len(meaning)), np.ones(len(meaning)), "some tokens come more often")


def check_fuzzy_recall(x, y, split, length=128, vocab=16, key_length=3, value_length=3, labels="all"):
    n, pad = (vocab - 1) // 2, vocab - 1
    sizes = {"key": np.zeros(key_length), "value": np.zeros(value_length)}
    for row, label in zip(x, y):
        need((0 <= row) & (row <= pad), "a token out of range")
        used = list(row[np.argmax(row != pad) :])
        start = length - len(used)
        need(pad not in used and start < key_length + value_length, "padding inside, or too much of it")
        shown, expected, at = {}, np.full(length, UNSCORED), start
        runs = [tuple(run) for _, run in itertools.groupby(used, lambda t: t < n)]
        need(len(runs) % 2 == 0 and used[0] < n, "no pairs of key and value")
        for key, value in zip(runs[::2], runs[1::2]):
            need(len(set(key)) == len(key) <= key_length, "a key too long, or with a token twice")
            need(len(set(value)) == len(value) <= value_length, "a value too long, or with a token twice")
            need(split == "train" or len(key) == key_length, "a short key in a test")
            sizes["key"][len(key) - 1] += 1
            at += len(key)
            if key in shown:
                need(shown[key] == value, "a value that changes")
                expected[at - 1 : at - 1 + len(value)] = value
            at += len(value)
            again = key in shown
            shown[key] = value
        need(again, "the last pair was not shown before")
        if split == "train" and labels == "all":
            expected[:-1] = row[1:]
        need(label == expected, "wrong labels")
    if split == "train" and n >= 7:  # short keys repeat more often, but their lengths are drawn evenly
        need_law(sizes["key"], np.ones(key_length), "the lengths of keys are not equally frequent")


def check_needle(x, y, split, length=256, keys=32, needles=1, ask=1, depth="uniform", filler_vocab=32):
    context = length - ask
    need((0 <= x) & (x < 2 * keys + filler_vocab), "a token out of range")
    first = []
    for row, label in zip(x, y):
        places = np.flatnonzero(row[:context] < keys)
        need(len(places) == needles and len(set(row[places])) == needles, "a wrong number of pairs, or a key twice")
        values = row[places + 1]
        need((keys <= values) & (values < 2 * keys), "a key without a value")
        need(len(set(values)) == needles, "a value comes twice")
        need(np.sum(row[:context] < 2 * keys) == 2 * needles, "a value without a key")
        need(label[:context] == UNSCORED, "a label before the end")
        need(np.isin(row[context:], row[places]), "a key is asked for that was not shown")
        need(len(set(row[context:])) == ask, "a key is asked for twice")
        value = dict(zip(row[places], values))
        need([value[k] for k in row[context:]] == label[context:], "a label is not the value of its key")
        first.append(np.argmax(row == row[context]))
    if depth == "uniform":
        need_law(np.histogram(first, bins=5, range=(0, context - 1))[0], np.ones(5), "depths are not uniform")
    else:
        need(np.abs(np.array(first) - depth * (context - 2)) <= 0.5, "a wrong depth")


def check_memorization(x, y, split, length=32, vocab=256):
    n = (vocab - 1) // 2
    keys, values = x[:, ::2], y[:, 1::2]
    need((0 <= keys) & (keys < n), "a key out of range")
    need(x[:, 1::2] == vocab - 1, "no insert token after a key")
    need(y[:, ::2] == UNSCORED, "a label at a key")
    need((n <= values) & (values < 2 * n), "a value out of range")
    pairs = set(zip(keys.ravel(), values.ravel()))
    need(len(pairs) == n and len({k for k, _ in pairs}) == n and len({v for _, v in pairs}) == n, "no bijection")
    need_law(np.bincount(keys.ravel(), minlength=n), np.ones(n), "some keys come more often")


def check_compression(x, y, split, length=32, vocab=16):
    need(x[:, -1] == vocab - 1, "no compression token at the end")
    need((0 <= x[:, :-1]) & (x[:, :-1] < vocab - 1), "a token out of range")
    need((y[:, :-1] == x[:, :-1]) & (y[:, -1:] == UNSCORED), "a label is not the token at its position")
    need_law(np.bincount(x[:, :-1].ravel(), minlength=vocab - 1), np.ones(vocab - 1), "some tokens come more often")


def check_listops(x, y, split, length=64, shortest=8, depth=4, arguments=5, nested=0.3):
    digits = []

    def value(row, at, level):
        """The value of the node at a position, and the position after it."""
        need(0 <= row[at] < 14 and level <= depth, "no node, or one too deep")
        if row[at] < 10:
            digits.append(row[at])
            return row[at], at + 1
        operator, inner, at = row[at], [], at + 1
        while row[at] != 14:
            result, at = value(row, at, level + 1 if row[at] >= 10 else level)
            inner.append(result)
        need(2 <= len(inner) <= arguments, "a wrong number of arguments")
        functions = {10: min, 11: max, 12: lambda a: int(np.floor(np.median(a))), 13: lambda a: sum(a) % 10}
        return functions[operator](inner), at + 1

    for row, label in zip(x, y):
        row = list(row[row >= 0])
        need(shortest <= len(row) <= length and row[0] >= 10, "a wrong length, or no operator at the root")
        found, end = value(row + [-1], 0, 1)
        need(end == len(row), "tokens after the root's end")
        need(label == [found], "the label is not the value")
    need_law(np.bincount(digits, minlength=10), np.ones(10), "some digits come more often")


CHECKS = {
    "mqar": check_mqar,
    "recall": check_recall,
    "noisy_recall": check_noisy_recall,
    "fuzzy_recall": check_fuzzy_recall,
    "copy": check_copy,
    "selective_copy": check_selective_copy,
    "induction": check_induction,
    "parity": check_parity,
    "permutations": check_permutations,
    "needle": check_needle,
    "memorization": check_memorization,
    "compression": check_compression,
    "listops": check_listops,
}
# Below, in images_test.py and in file_test.py.
OTHER_CHECKS = ("text", "masked_text", "translation", "pairs", "images", "file")

SETTINGS = [
    ("mqar", {}),
    ("mqar", {"length": 64, "pairs": 8, "vocab": 512}),
    ("mqar", {"length": 256, "pairs": 16, "vocab": 8192, "power": 1}),
    ("mqar", {"length": 64, "pairs": 16, "vocab": 66, "filler": "random"}),
    ("mqar", {"length": 64, "pairs": 8, "vocab": 512, "unanswerable": 0.25}),
    ("recall", {}),
    ("recall", {"labels": "recalled"}),
    ("noisy_recall", {}),
    ("noisy_recall", {"noise": 0.8, "labels": "recalled"}),
    ("copy", {}),
    ("copy", {"length": 33, "vocab": 5, "tokens": 16}),
    ("selective_copy", {}),
    ("selective_copy", {"length": 60, "vocab": 30, "tokens": 7}),
    ("induction", {}),
    ("induction", {"length": 64, "vocab": 12, "score": "all"}),
    ("parity", {}),
    ("parity", {"length": 100}),
    ("permutations", {}),
    ("permutations", {"n": 3, "length": 64}),
    ("permutations", {"tokens": "all", "length": 12}),
    ("fuzzy_recall", {}),
    ("fuzzy_recall", {"length": 60, "vocab": 21, "key_length": 2, "labels": "recalled"}),
    ("needle", {}),
    ("needle", {"length": 64, "needles": 6, "ask": 2, "depth": 0.25}),
    ("memorization", {}),
    ("compression", {}),
    ("compression", {"length": 20, "vocab": 7}),
    ("listops", {}),
    ("listops", {"length": 40, "depth": 3, "arguments": 4, "nested": 0.5}),
]


def one_label_wrong(x, y, vocab):
    y[3, np.argmax(y[3] != UNSCORED)] ^= 1


def one_label_more(x, y, vocab):
    t = np.argmax(y[3] == UNSCORED)
    y[3, t] = x[3, t] if y[3, t] == UNSCORED else UNSCORED  # where all are scored: one label less


def one_label_less(x, y, vocab):
    y[3, np.argmax(y[3] != UNSCORED)] = UNSCORED


def shifted_by_one(x, y, vocab):
    y[:] = np.roll(y, 1, axis=1 if y.shape[1] > 1 else 0)


def sequences_mixed(x, y, vocab):
    y[:] = np.roll(y, 1, axis=0)


def token_out_of_range(x, y, vocab):
    x[3, 1] = vocab


DAMAGES = (one_label_wrong, one_label_more, one_label_less, shifted_by_one, sequences_mixed, token_out_of_range)


def kinds_of_words(words, nouns=12, adjectives=8, verbs=8, length=16):
    transitive = (verbs + 1) // 2
    kinds = "ddd" + adjectives * "a" + nouns * "n" + transitive * "t" + (verbs - transitive) * "i" + "s&"
    return "".join(kinds[word - 2] for word in words)


def translation_places(sentence):
    """Places in a sentence of A of the words of its translation. Both grammars as regular expressions."""
    phrase = "d(?:a?)n(?:s?)"
    places, at = [], 0

    def translate(begin, end):
        """Det [Adj] Noun [-s] becomes Det Noun [-s] [Adj [-s]]."""
        plural = [end - 1] if sentence[end - 1] == "s" else []
        adjective = [begin + 1] if sentence[begin + 1] == "a" else []
        noun = [begin + 1 + len(adjective)]
        return [begin] + noun + plural + (adjective + plural if adjective else []), plural

    while True:
        clause = re.compile(f"({phrase})(?:t({phrase})|i)").match(sentence, at)
        if not clause:
            raise Wrong(f"no clause at {at} of {sentence}")
        subject, plural = translate(*clause.span(1))
        places += subject + (translate(*clause.span(2))[0] if clause.group(2) else []) + [clause.end(1)] + plural
        at = clause.end()
        if at == len(sentence):
            return places
        need(sentence[at] == "&", "clauses without and")
        places.append(at)
        at += 1


class Tasks(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="heed_python_"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)

    def run_command(self, task, options, n, path, split, seed):
        words = [f"{key}={value}" for key, value in options.items()]
        words += ["-n", str(n), "-o", str(path), "--split", split, "--seed", str(seed)]
        return subprocess.run([*COMMAND, task, *words], capture_output=True, text=True)

    def data(self, task, options, n=400, split="train", seed=0):
        path = self.folder / "data.h5"
        done = self.run_command(task, options, n, path, split, seed)
        self.assertEqual(done.returncode, 0, done.stderr)
        with h5py.File(path) as f:
            x, y = f["tokens"][...], f["labels"][...]
            if "lengths" in f:  # padding becomes -1
                x[np.arange(x.shape[1]) >= f["lengths"][...][:, None]] = -1
            return x, y.reshape(len(x), -1), dict(f.attrs)

    def test_every_task_has_a_check_and_a_section_in_the_page(self):
        listed = subprocess.run([*COMMAND[:-1], "list", "tasks"], capture_output=True, text=True).stdout
        tasks = re.findall(r"^  (\w+)", listed, re.MULTILINE)
        self.assertEqual(sorted(tasks), sorted([*CHECKS, *OTHER_CHECKS]))
        page = (pathlib.Path(__file__).parents[2] / "docs/tasks.md").read_text()
        sections = set(re.findall(r"\w+", " ".join(re.findall(r"^## ([^:\n]+)", page, re.MULTILINE))))
        self.assertEqual(set(tasks) - sections, set())

    def test_structure(self):
        for task, options in SETTINGS:
            for split in SPLITS:
                with self.subTest(task=task, split=split, **options):
                    x, y, attributes = self.data(task, options, split=split)
                    self.assertEqual(y.shape, (len(x), 1) if task == "listops" else x.shape)
                    self.assertTrue(np.all((x >= 0) & (x < attributes["vocabulary"]) | (x == -1)))
                    self.assertEqual((attributes["task"], attributes["split"]), (task, split))
                    CHECKS[task](x, y, split, **options)

    def test_checks_can_fail(self):
        for task, options in SETTINGS:
            x, y, attributes = self.data(task, options, split="test")
            for damage in DAMAGES:
                with self.subTest(task=task, damage=damage.__name__, **options):
                    xd, yd = x.copy(), y.copy()
                    damage(xd, yd, attributes["vocabulary"])
                    with self.assertRaises(Wrong):
                        CHECKS[task](xd, yd, "test", **options)

    def test_laws_can_fail(self):
        x, y, _ = self.data("mqar", {"power": 0.01})
        with self.assertRaisesRegex(Wrong, "power law"):
            check_mqar(x, y, "train", power=1)
        x, y, _ = self.data("copy", {"tokens": 16})
        with self.assertRaisesRegex(Wrong, "gap|evenly"):
            check_selective_copy(x, y, "train")
        x, y, _ = self.data("noisy_recall", {"noise": 0.2})
        with self.assertRaisesRegex(Wrong, "noise"):
            check_noisy_recall(x, y, "train", noise=0.25)

    def test_memorization_shares_values_between_splits(self):
        def values(split, seed=0):
            x, y, _ = self.data("memorization", {}, split=split, seed=seed)
            return set(zip(x[:, ::2].ravel(), y[:, 1::2].ravel()))

        self.assertEqual(values("train"), values("test"))
        self.assertEqual(values("train"), values("validation"))
        self.assertNotEqual(values("train"), values("train", seed=1))

    def test_seed_and_split_decide(self):
        for task in CHECKS:
            with self.subTest(task=task):
                x, y, _ = self.data(task, {}, n=50)
                again = self.data(task, {}, n=20)
                self.assertTrue(np.array_equal(x[:20], again[0]) and np.array_equal(y[:20], again[1]))
                rows = {tuple(row) for row in x}
                for split, seed in (("validation", 0), ("test", 0), ("train", 1)):
                    other = {tuple(row) for row in self.data(task, {}, n=50, split=split, seed=seed)[0]}
                    self.assertFalse(rows & other, "a sequence is shared")
                    rows |= other

    def write_text(self, text):
        path = self.folder / "text.txt"
        path.write_text(text, encoding="utf-8", newline="")
        return path

    def test_text(self):
        text = "".join(np.random.default_rng(5).choice(list("abcdeé\n €😀"), 3000))
        path = self.write_text(text)
        for unit, alphabet in (("bytes", [bytes([b]) for b in range(256)]), ("characters", sorted(set(text)))):
            units = [bytes([b]) for b in text.encode()] if unit == "bytes" else list(text)
            whole = np.array([alphabet.index(u) for u in units])
            cut = [0, int(len(whole) * 0.9), int(len(whole) * 0.95), len(whole)]
            for length in (16, 100):
                options = {"path": path, "unit": unit, "length": length}
                for number, split in enumerate(SPLITS):
                    part = whole[cut[number] : cut[number + 1]]
                    n = 300 if split == "train" else -(-(len(part) - 1) // length)
                    with self.subTest(unit=unit, length=length, split=split):
                        x, y, attributes = self.data("text", options, n=n, split=split)
                        self.assertEqual(attributes["vocabulary"], len(alphabet))
                        if split == "train":
                            windows = {tuple(part[s : s + length + 1]) for s in range(len(part) - length)}
                            for row, label in zip(x, y):
                                self.assertTrue(np.array_equal(row[1:], label[:-1]))
                                self.assertIn((*row, label[-1]), windows)
                        else:
                            scored = y.ravel() != UNSCORED
                            self.assertTrue(np.array_equal(x.ravel()[scored], part[:-1]))
                            self.assertTrue(np.array_equal(y.ravel()[scored], part[1:]))
                            self.assertTrue(np.all(scored[: len(part) - 1]))
                            more = self.run_command("text", options, n + 1, self.folder / "no.h5", split, 0)
                            self.assertNotEqual(more.returncode, 0)
                            self.assertIn(f"has {n} sequences of {length} tokens", more.stderr)
                            self.assertFalse((self.folder / "no.h5").exists())

    def test_text_without_a_test_share(self):
        path = self.write_text("ab" * 500)
        options = {"path": path, "length": 10, "split": "[0.9,0.1,0]"}
        x, y, _ = self.data("text", options, n=10, split="validation")
        self.assertEqual(np.sum(y != UNSCORED), 99)
        self.assertNotEqual(self.run_command("text", options, 1, self.folder / "no.h5", "test", 0).returncode, 0)

    def test_wrong_options_are_refused_by_name(self):
        for task, options, said in (
            ("mqar", {"pairs": 17}, "'length' of at least 68"),
            ("mqar", {"pair": 8}, "Did you mean 'pairs'?"),
            ("copy", {"tokens": 200}, "do not fit into 'length' (256)"),
            ("text", {"path": "/no/such/file"}, "'/no/such/file'"),
        ):
            with self.subTest(task=task, **options):
                done = self.run_command(task, options, 1, self.folder / "no.h5", "train", 0)
                self.assertEqual(done.returncode, 64)
                self.assertIn(said, done.stderr)

    def two_streams(self, task, options, split, n=400):
        path = self.folder / "data.h5"
        done = self.run_command(task, options, n, path, split, 0)
        self.assertEqual(done.returncode, 0, done.stderr)
        with h5py.File(path) as f:
            rows = {
                name: [row[:k] for row, k in zip(f[name][...], f[lengths][...])]
                for name, lengths in (("source", "source_lengths"), ("tokens", "lengths"), ("labels", "lengths"))
            }
            self.assertEqual(f.attrs["model"], "encoder_decoder")
            self.assertEqual(f["source"].attrs["vocabulary"], f.attrs["vocabulary"])
            return rows, f["source"].shape[1]

    def test_translation(self):
        for options in ({}, {"length": 9, "nouns": 2, "adjectives": 1, "verbs": 3}):
            seen, dictionary = {}, {}
            for split in SPLITS:
                rows, longest = self.two_streams("translation", options, split)
                for source, tokens, labels in zip(rows["source"], rows["tokens"], rows["labels"]):
                    with self.subTest(split=split, **options):
                        places = translation_places(kinds_of_words(source, **options))
                        self.assertTrue(4 <= len(source) <= longest)
                        self.assertEqual((tokens[0], labels[-1]), (0, 1))
                        self.assertTrue(np.array_equal(tokens[1:], labels[:-1]))
                        self.assertEqual(len(labels), len(places) + 1)
                        for word, label in zip(source[places], labels):
                            self.assertEqual(dictionary.setdefault(int(word), int(label)), label)
                        self.assertEqual(seen.setdefault(tuple(source), split), split)
            self.assertEqual(len(set(dictionary.values())), len(dictionary))

    def test_pairs(self):
        lines = {f"source {i} \u00e9{'!' * (i % 3)}": f"Ziel {i * i} \u20ac" for i in range(400)}
        lines["too long" * 8] = "x"
        path = self.write_text("".join(f"{a}\t{b}\n" for a, b in lines.items()))
        characters = sorted(set("\t\n" + "".join(a + b for a, b in lines.items())))
        for unit in ("bytes", "characters"):
            def tokens_of(text):
                return list(text.encode()) if unit == "bytes" else [characters.index(c) for c in text]

            options = {"path": path, "unit": unit, "max_length": 30}
            for split in SPLITS:
                kept = [a for a in lines if pairs_split(a) == split and len(a) <= 30]
                with self.subTest(unit=unit, split=split):
                    rows, longest = self.two_streams("pairs", options, split, 300 if split == "train" else len(kept))
                    self.assertEqual(longest, 30)
                    tokens = {tuple(tokens_of(a)): tokens_of(lines[a]) for a in kept}
                    sources = [tuple(map(int, source)) for source in rows["source"]]
                    if split != "train":  # each once, in the order of the file
                        self.assertEqual(sources, list(tokens))
                    for source, read, labels in zip(sources, rows["tokens"], rows["labels"]):
                        self.assertEqual(list(read), tokens_of("\t") + tokens[source])
                        self.assertEqual(list(labels), tokens[source] + tokens_of("\n"))

    def test_pairs_of_subwords(self):
        lines = {f"{name} {i}": f"{i} {name}" for name in ("gone", "the house", "at last") for i in range(200)}
        path = self.write_text("".join(f"{a}\t{b}\n" for a, b in lines.items()))
        options = {"path": path, "unit": "bpe", "vocab": 300, "max_length": 30}
        done = self.run_command("pairs", options, 1, self.folder / "data.h5", "test", 0)
        if "built without sentencepiece" in done.stderr:
            self.skipTest("heed was built without sentencepiece")
        ends = set()
        for split in SPLITS:
            kept = [a for a in lines if pairs_split(a) == split]
            with self.subTest(split=split):
                rows, longest = self.two_streams("pairs", options, split, 900 if split == "train" else len(kept))
                self.assertEqual(longest, 30)
                found = {}
                for source, read, labels in zip(rows["source"], rows["tokens"], rows["labels"]):
                    self.assertTrue(all(0 <= t < 300 for t in (*source, *read, *labels)))
                    self.assertEqual(list(read[1:]), list(labels[:-1]))
                    ends.add((int(read[0]), int(labels[-1])))
                    self.assertEqual(found.setdefault(tuple(source), tuple(labels)), tuple(labels))
                if split != "train":  # each once, in the order of the file
                    self.assertEqual(len(found), len(kept))
                    for tokens, source in zip(found, kept):
                        self.assertLess(len(tokens), len(source))
                    read, written = set().union(*found), set().union(*found.values())
                    self.assertGreater(len(read & written), 3)  # one vocabulary
        self.assertEqual(len(ends), 1)
        begin, end = ends.pop()
        self.assertNotEqual(begin, end)

    def test_masked_text(self):
        text = "".join(np.random.default_rng(6).choice(list("abcdefgh"), 40000))
        letters = np.array([ord(c) for c in text])
        cut = [0, 36000, 38000, 40000]
        length, mask = 25, 256
        chosen, hidden, same = 0, 0, 0
        options = {"path": self.write_text(text), "length": length}
        for number, split in enumerate(SPLITS):
            part = letters[cut[number] : cut[number + 1]]
            n = 400 if split == "train" else len(part) // length
            x, y, attributes = self.data("masked_text", options, n=n, split=split)
            self.assertEqual((attributes["vocabulary"], attributes["model"]), (257, "encoder"))
            scored = y != UNSCORED
            whole = np.where(scored, y, x)
            if split == "train":
                windows = {tuple(part[s : s + length]) for s in range(len(part) - length + 1)}
                self.assertTrue(all(tuple(row) in windows for row in whole))
            else:
                self.assertTrue(np.array_equal(whole.ravel(), part))
            chosen, hidden = chosen + scored.sum(), hidden + (x[scored] == mask).sum()
            same += (x[scored] == y[scored]).sum()
            self.assertTrue(np.all(y[scored] != mask) and np.all(x[~scored] != mask))
            positions = 400 * length if split == "train" else len(part)
            self.assertLess(abs(scored.sum() - 0.15 * positions), 6 * np.sqrt(positions * 0.15 * 0.85))
        need_law([hidden, same, chosen - hidden - same], [0.8, 0.1 + 0.1 / 256, 0.1 * 255 / 256], "a wrong mix")

    def test_xarray_opens_it(self):
        self.data("mqar", {}, n=5)
        for engine in ("h5netcdf", "netcdf4"):
            with xarray.open_dataset(self.folder / "data.h5", engine=engine) as data:
                self.assertEqual(dict(data.sizes), {"sequence": 5, "position": 64})
                self.assertEqual(data.labels.dims, ("sequence", "position"))
                self.assertEqual(data.labels.dtype, np.int32)
                self.assertEqual(data.labels.attrs["unscored"], UNSCORED)


if __name__ == "__main__":
    COMMAND = sys.argv[1:]
    unittest.main(argv=sys.argv[:1])
