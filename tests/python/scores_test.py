"""Trains small translators with `save: [predictions]` and runs results/analysis/scores.py on them.

scores_test.py HEED SCORES: the program; the script. sacreBLEU and rouge-score are replaced: what they are given is tested.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

try:
    import h5netcdf  # noqa: F401 (an engine of xarray)
    import pandas  # noqa: F401
    import xarray
except ImportError as missing:
    print(f"skipped: {missing}; scripts/packages.txt lists what the tests need")
    sys.exit(77)

SWEEP = """
name: scored
variants: [softmax]
task: {name: pairs, path: pairs.tsv, max_length: 24, unit: %s}
model: {layers: 1, heads: 2, dim: 16}
train: {steps: 60, batch: 16, lr: 0.02, evaluate_every: 30}
sweep: {seeds: 1, parameters: {model.dim: [8, 16]}}
save: [%s]
"""

SACREBLEU = """
class Score:
    def __init__(self, score):
        self.score = score

def corpus_bleu(decoded, references):
    [target] = references
    assert len(decoded) == len(target) and all(isinstance(text, str) for text in decoded + target)
    assert set(target) == {"größer", "klein"}, set(target)
    return Score(12.34)

def corpus_chrf(decoded, references):
    return Score(56.78)
"""

ROUGE = """
class Score:
    fmeasure = 0.25

class RougeScorer:
    def __init__(self, types, tokenizer):
        assert types == ["rougeL"] and tokenizer.tokenize("Größer, als") == ["größer", "als"]

    def score(self, target, decoded):
        assert target in ("größer", "klein")
        return {"rougeL": Score()}
"""


class Scores(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="heed_scores_"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        lines = (f"number {i}\t{'größer' if i % 4 else 'klein'}\n" for i in range(500))
        (cls.folder / "pairs.tsv").write_text("".join(lines), encoding="utf-8")
        (cls.folder / "libraries/rouge_score").mkdir(parents=True)
        (cls.folder / "libraries/sacrebleu.py").write_text(SACREBLEU)
        (cls.folder / "libraries/rouge_score/__init__.py").touch()
        (cls.folder / "libraries/rouge_score/rouge_scorer.py").write_text(ROUGE)
        (cls.folder / "none/rouge_score").mkdir(parents=True)
        (cls.folder / "none/sacrebleu.py").write_text("raise ImportError")
        (cls.folder / "none/rouge_score/__init__.py").write_text("raise ImportError")

    def run_sweep(self, unit, save):
        run = self.folder / f"{unit}_{save}"
        (self.folder / "sweep.yaml").write_text(SWEEP % (unit, save))
        subprocess.run([HEED, "run", "sweep.yaml", "-o", run], check=True, capture_output=True, cwd=self.folder)
        return run

    def scores(self, run, libraries, code=0):
        environment = dict(os.environ, PYTHONPATH=str(self.folder / libraries))
        done = subprocess.run([sys.executable, SCORES, run], capture_output=True, text=True, env=environment)
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stdout if code == 0 else done.stderr

    def test_exact_targets_are_the_sequence_accuracy(self):
        for unit in ("bytes", "characters"):
            run = self.run_sweep(unit, "predictions")
            lines = self.scores(run, "libraries").splitlines()
            self.assertEqual(lines[0].split(), ["variant", "dim", "seed", "exact", "BLEU", "chrF", "ROUGE-L"])
            with xarray.open_dataset(run / "results.h5") as d:
                expected = [[v, str(t), f"{a:.4g}"] for v, t, a in
                            zip(d.variant.values, d.dim.values, d.sequence_accuracy.values)]
            self.assertEqual([[*line.split()[:2], line.split()[3]] for line in lines[1:]], expected)
            self.assertTrue(all(0.5 < float(row[2]) < 1 for row in expected), expected)  # most targets are equal
            self.assertEqual([line.split()[4:] for line in lines[1:]], 2 * [["12.34", "56.78", "0.25"]])

    def test_without_the_libraries(self):
        said = self.scores(self.run_sweep("bytes", "predictions"), "none")
        self.assertEqual(said.splitlines()[0].split(), ["variant", "dim", "seed", "exact"])
        for library in ("sacrebleu", "rouge-score"):
            self.assertIn(f"{library} is not installed (pip install {library}), so its columns are missing", said)

    def test_without_predictions(self):
        said = self.scores(self.run_sweep("bytes", "weights"), "libraries", code=1)
        self.assertIn("has no predictions; add `save: [predictions]`", said)


if __name__ == "__main__":
    HEED, SCORES = sys.argv[1:]
    unittest.main(argv=sys.argv[:1])
