"""scores.py RUN: scores of the predictions that `save: [predictions]` keeps, for each trial of a run directory: the share
of exact targets, BLEU and chrF by sacreBLEU, ROUGE-L by rouge-score. Without a library (pip install sacrebleu
rouge-score) its columns are missing. Needs xarray with h5netcdf and pandas (Debian: python3-xarray python3-h5netcdf
python3-pandas)."""

import pathlib
import re
import sys

try:
    import pandas as pd
    import xarray as xr
except ImportError as missing:
    sys.exit(f"{missing.name} is not installed")

try:
    import sacrebleu
except ImportError:
    sacrebleu = None
try:
    from rouge_score import rouge_scorer
except ImportError:
    rouge_scorer = None


def texts(predictions, name):
    """What the tokens mean: characters, bytes in UTF-8, subwords, or the numbers of the tokens where they have no characters."""
    rows = [row[row >= 0] for row in predictions[name].values]
    if "token_bytes" in predictions:  # subwords
        units = [bytes(row[row >= 0].tolist()) for row in predictions.token_bytes.values]
        lines = [b"".join(units[token] for token in row).decode(errors="replace") for row in rows]
        return [line.removesuffix("\n") for line in lines]
    if "code_points" not in predictions:
        return [" ".join(map(str, row)) for row in rows]
    code_points = predictions.code_points.values
    rows = [code_points[row] for row in rows]
    if code_points.tolist() == list(range(256)):
        lines = [bytes(row.tolist()).decode(errors="replace") for row in rows]
    else:
        lines = ["".join(map(chr, row)) for row in rows]
    return [line.removesuffix("\n") for line in lines]  # the newline is the end of a target


class Words:
    """Words of any script, for rouge-score, whose own tokenizer drops letters that are not ASCII."""

    def tokenize(self, text):
        return re.findall(r"\w+", text.lower())


def scores(decoded, target):
    out = {"exact": sum(map(str.__eq__, decoded, target)) / len(target)}
    if sacrebleu:
        out["BLEU"] = sacrebleu.corpus_bleu(decoded, [target]).score
        out["chrF"] = sacrebleu.corpus_chrf(decoded, [target]).score
    if rouge_scorer:
        scorer = rouge_scorer.RougeScorer(["rougeL"], tokenizer=Words())
        out["ROUGE-L"] = sum(scorer.score(t, d)["rougeL"].fmeasure for t, d in zip(target, decoded)) / len(target)
    return out


def main(run):
    d = xr.load_dataset(run / "results.h5").reset_coords()
    done = d.isel(trial=(d.status == "done").values)
    if done.sizes["trial"] == 0:
        sys.exit("no trial is done")
    of_parts = re.compile(r"attention\.|model\.(encoder_attention|cross_attention|feed_forward)\.")
    settings = [name for name, v in done.data_vars.items() if v.attrs.get("role") == "parameter"
                and name not in ("variant", "seed") and len(set(v.values.tolist())) > 1
                and not of_parts.match(v.attrs["parameter"])]
    rows = []
    for _, trial in done.groupby("trial", squeeze=False):
        path = run / "trials" / f"{trial.id.item()}.h5"
        try:
            predictions = xr.load_dataset(path, group="predictions")
        except OSError:
            sys.exit(f"{path} has no predictions; add `save: [predictions]` to the sweep file and run it again")
        row = {name: trial[name].item() for name in ("variant", *settings, "seed")}
        rows.append(row | scores(texts(predictions, "decoded"), texts(predictions, "target")))
    print(pd.DataFrame(rows).to_string(index=False, float_format="{:.4g}".format))
    for library, found in (("sacrebleu", sacrebleu), ("rouge-score", rouge_scorer)):
        if not found:
            print(f"{library} is not installed (pip install {library}), so its columns are missing")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]))
