"""Runs a small sweep with failures, makes its report and reads it as a browser would.

    report_test.py HEED FIGURES      the program; results/analysis/figures.py
"""
import collections
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

SWEEP = """
name: reported
variants:
  - softmax
  - linear
  - window: {size: [2, 4]}
  - stack: [{window: {size: 1}}, {differential: {subtraction: false, half_width: [true, false]}}]
task: {name: induction, length: 12, vocab: 8, score: all}
model: {layers: 2, heads: 2, dim: 8}
train: {steps: 40, batch: 8, warmup: 2, test_sequences: 32, evaluate_sequences: 16, evaluate_every: 10}
sweep:
  seeds: 2
  parameters: {train.lr: [0.01, 1e30]}
  together: [{task.length: 12}, {task.length: 16}, {task.length: 24}]
save: [attention]
"""


def heed(*words, env=None):
    return subprocess.run([sys.argv[1], *words], capture_output=True, text=True, env=env)


def width_of(text):
    """In pixels, in the widest of the usual fonts; None where the font is not installed."""
    try:
        from matplotlib import font_manager, ft2font
    except ImportError:
        return None
    font = ft2font.FT2Font(font_manager.findfont("DejaVu Sans"))
    font.set_size(13, 72)
    font.set_text(text)
    return font.get_width_height()[0] / 64


def text_boxes(svg):
    """The page of an SVG of gnuplot, and the box of each line of text: (left, right, top, bottom, text)."""
    root = xml.fromstring(svg)
    boxes = []
    for group in root.iter("{http://www.w3.org/2000/svg}g"):
        place = re.match(r"translate\(([-\d.]+),([-\d.]+)\)( rotate\(270\))?$", group.get("transform", ""))
        for text in group.findall("{http://www.w3.org/2000/svg}text") if place else []:
            words = "".join(text.itertext())
            if not words.strip():
                continue
            x, y, width = float(place[1]), float(place[2]), width_of(words)
            start = {"start": 0, "middle": -width / 2, "end": -width}[group.get("text-anchor")]
            if place[3]:  # turned to the left: what goes right goes up
                boxes.append((x - 9, x + 3, y - start - width, y - start, words))
            else:
                boxes.append((x + start, x + start + width, y - 9, y + 3, words))
    return [float(n) for n in root.get("viewBox").split()][2:], boxes


def collisions(svg):
    """What texts of a figure run into each other or over the edge."""
    (width, height), boxes = text_boxes(svg)
    out = [f"'{b[4]}' leaves the page" for b in boxes if b[0] < 0 or b[1] > width or b[2] < 0 or b[3] > height]
    for i, a in enumerate(boxes):
        out += [f"'{a[4]}' on '{b[4]}'" for b in boxes[:i] if a[0] < b[1] and b[0] < a[1] and a[2] < b[3] and b[2] < a[3]]
    return out


def check_figures(folder):
    """Each figure as gnuplot draws it from the kept files: nothing overlaps."""
    if width_of("a") is None:
        print("not looked for overlaps: matplotlib is not installed")
        return
    for script in sorted(folder.glob("*.gp")):
        if script.stem == "style":
            continue
        picture = folder / (script.stem + ".svg")
        picture.unlink(missing_ok=True)
        drawn = subprocess.run(["gnuplot", "-d", script.name], cwd=folder, capture_output=True, text=True)
        assert drawn.returncode == 0 and not drawn.stderr, (script.name, drawn.stderr)
        svg = picture.read_text()
        assert len(text_boxes(svg)[1]) > 3, script.name
        assert not collisions(svg), (picture.name, collisions(svg))
    # A deliberately broken figure is found.
    script = (folder / "learning_curves.gp").read_text()
    (folder / "broken.gp").write_text(re.sub(r"(set label '[^']*differential.*screen )[\d.]+/width", r"\g<1>60/width", script))
    subprocess.run(["gnuplot", "-d", "broken.gp"], cwd=folder, check=True)
    assert collisions((folder / "learning_curves.svg").read_text()), "overlapping keys are not found"


def local(tag):
    return tag.rpartition("}")[2]


def check_page(page, failed):
    """Well-formed, all there, nothing loaded, nothing run."""
    root = xml.fromstring(page)
    tags = collections.Counter(local(e.tag) for e in root.iter())
    assert tags["script"] == tags["link"] == tags["iframe"] == tags["img"] == 0, tags
    ids = [e.get("id") for e in root.iter() if e.get("id")]
    assert len(ids) == len(set(ids)), [i for i, n in collections.Counter(ids).items() if n > 1]
    for e in root.iter():
        for name, value in e.attrib.items():
            assert not local(name).startswith("on"), (e.tag, name)
            if local(name) in ("href", "src"):
                assert value.startswith(("#", "data:")), value
                assert not value.startswith("#") or value[1:] in ids, value
    for use in re.findall(r"url\(['\"]?([^)'\"]*)", page):
        assert use.startswith("#") and use[1:] in ids, use
    text = "".join(root.itertext())
    assert "reported" in text
    for trial in failed:
        assert trial in text, f"the failed trial {trial} is not in the page"
    assert "is not finite" in text
    return tags["svg"], text


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        run = folder / "run"
        (folder / "sweep.yaml").write_text(SWEEP)
        ended = heed("run", str(folder / "sweep.yaml"), "-o", str(run))
        assert ended.returncode == 1, ended.stderr
        assert (run / "report.html").exists() and f"Report: {run / 'report.html'}" in ended.stderr, ended.stderr
        plan = [line.split("\t")[0] for line in (run / "plan.tsv").read_text().splitlines()[1:]]
        status = heed("status", str(run)).stdout
        failed = [i for i in plan if i in status]
        assert len(failed) == 36, status

        # Without gnuplot there are tables, and a sentence.
        bare = heed("report", str(run), env={**os.environ, "PATH": str(folder)})
        assert bare.returncode == 0 and "apt install gnuplot-nox" in bare.stderr, bare
        assert bare.stdout.strip() == str(run / "report.html"), bare
        figures, text = check_page((run / "report.html").read_text(), failed)
        assert figures == 0 and "apt install gnuplot-nox" in text

        # A gnuplot that fails leaves them too, and its words.
        fake = folder / "gnuplot"
        fake.write_text("#!/bin/sh\necho 'no <terminal>' >&2\nexit 1\n")
        fake.chmod(0o755)
        broken = heed("report", str(run), env={**os.environ, "PATH": str(folder)})
        assert broken.returncode == 1 and "no <terminal>" in broken.stderr, broken
        figures, text = check_page((run / "report.html").read_text(), failed)
        assert figures == 0 and "no <terminal>" in text
        fake.unlink()

        elsewhere = folder / "elsewhere"
        elsewhere.mkdir()
        shutil.copy(run / "results.h5", elsewhere)
        analyse(elsewhere / "results.h5", folder)

        if not shutil.which("gnuplot"):
            print("skipped: gnuplot is not installed (scripts/packages.txt)")
            return 77
        # With it there are figures, in a file of the same bytes at each call.
        first = heed("report", str(run))
        assert first.returncode == 0 and not first.stderr, first
        page = (run / "report.html").read_bytes()
        again = heed("report", str(run), "-o", str(folder / "again.html"), "--figures", str(folder / "figures"))
        assert again.returncode == 0, again
        assert (folder / "again.html").read_bytes() == page, "two reports of the same results differ"
        figures, text = check_page(page.decode(), failed)
        names = [f.stem for f in (folder / "figures").glob("*.tsv")]
        assert figures == len(names), (figures, names)
        assert {"learning_curves", "cost_1", "learning_rate", "scaling", "attention_1"} <= set(names), names
        for name in names:
            for kind in ("gp", "svg", "pdf", "png"):
                assert (folder / "figures" / f"{name}.{kind}").stat().st_size > 500, (name, kind)

        check_figures(folder / "figures")

        # A single results file has a report too.
        alone = heed("report", str(elsewhere / "results.h5"))
        assert alone.returncode == 0 and (elsewhere / "report.html").exists(), alone
        # What cannot be written is said.
        gone = heed("report", str(run), "-o", str(folder / "no" / "such" / "report.html"))
        assert gone.returncode == 74 and "report.html" in gone.stderr, gone
    print("the report has its figures, and a page that needs no other file")
    return 0


def analyse(results, folder):
    """The figures that Python draws, where it has matplotlib."""
    drawn = subprocess.run([sys.executable, sys.argv[2], str(results), str(folder)], capture_output=True, text=True)
    if "is not installed" in drawn.stderr:
        print(drawn.stderr)
        return
    assert drawn.returncode == 0, drawn.stderr
    for name in ("learning_curves.png", "cost.png"):
        assert (folder / name).stat().st_size > 5000, name


sys.exit(main())
