"""benchmarks/compare_torch without torch: programs made here take the places of heed and of PyTorch.

benchmarks_test.py COMPARE_TORCH
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

# Times of a step in ms. This machine's "medium" uses bfloat16 and has no peer with sdpa.
TORCH = """#!{python}
import json, sys
sdpa, compiled, medium, autocast = (f"--{{name}}" in sys.argv for name in ("sdpa", "compile", "medium", "autocast"))
if sdpa and medium:
    sys.exit("no such kernel")
product = {{"product_error": 3e-3 if medium or autocast else 3e-7}}
ms = 60 / (2 if medium else 1) / (1.5 if autocast else 1) - 2 * compiled + 4 * sdpa
step = json.dumps({{"torch": "2", "parameters": 7, "median_cpu_ms": ms, **product}})
if "--serve" not in sys.argv:
    print(step)
    sys.exit()
print(json.dumps(product), flush=True)
for _ in sys.stdin:
    print(step, flush=True)
"""

HEED = """#!{python}
import json, sys
if "--version" in sys.argv:
    print("build: none")
    sys.exit()
rounded = "train.precision=bfloat16" in sys.argv
shape = dict.fromkeys(["d_model", "layers", "heads", "seq", "batch", "vocab", "labels_per_seq"], 1)
print(json.dumps({{**shape, "parameters": 7, "median_cpu_ms": 20 if rounded else 40,
                  "share_of_ceiling": 0.5 if rounded else 0.75}}))
"""


class CompareTorch(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="heed_benchmarks_")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        for name, text in (("torch", TORCH), ("heed", HEED)):
            program = cls.folder / name
            program.write_text(text.format(python=sys.executable))
            program.chmod(0o755)
        cls.done = cls.compare("--heed", cls.folder / "heed", "--torch", cls.folder / "torch", "--shapes", "A",
                              "--variants", "softmax", "--rounds", "2", "--json", cls.folder / "a.json")
        case, = json.loads((cls.folder / "a.json").read_text())["cases"]
        cls.pairs = case["pairs"]

    @staticmethod
    def compare(*words):
        done = subprocess.run([sys.executable, COMPARE_TORCH, *words], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    def test_a_mode_belongs_to_the_precision_of_its_products(self):
        for pair in self.pairs:
            rounded = "medium" in pair["mode"] or "autocast" in pair["mode"]
            self.assertEqual(pair["precision"], "bfloat16" if rounded else "float32", pair["mode"])
            self.assertEqual(pair["heed"]["median_cpu_ms"], 20 if rounded else 40, pair["mode"])

    def test_each_precision_is_compared_with_its_fastest_mode(self):
        rows = [line.split() for line in self.done.stdout.splitlines()[1:3]]
        self.assertEqual([row[2:9] for row in rows],
                         [["float32", "40", "ms", "58", "ms", "compile", "1.45"],
                          ["bfloat16", "20", "ms", "28", "ms", "compile+medium", "1.40"]])

    def test_the_three_fastest_modes_of_a_precision_go_on(self):
        last = {(p["precision"], p["mode"]) for p in self.pairs if p["round"] == 1}
        self.assertEqual(last, {("float32", "compile"), ("float32", "eager"), ("float32", "sdpa+compile"),
                                ("bfloat16", "compile+medium"), ("bfloat16", "eager+medium"),
                                ("bfloat16", "compile+autocast")})

    def test_a_mode_that_does_not_work_is_left_out(self):
        self.assertIn("sdpa+medium is left out: no such kernel", self.done.stderr)
        self.assertNotIn("sdpa+medium", {p["mode"] for p in self.pairs})

    def test_show_prints_the_table_again(self):
        self.assertEqual(self.compare("--show", self.folder / "a.json").stdout, self.done.stdout)


if __name__ == "__main__":
    COMPARE_TORCH = pathlib.Path(sys.argv[1]).resolve()
    unittest.main(argv=sys.argv[:1])
