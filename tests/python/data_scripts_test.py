"""Runs the scripts of scripts/data on small fixtures: catalogs made by msgfmt, lists of packages, packages made by
dpkg-deb. A program `apt-get` before the real one in PATH gives them out, so there is no network.

data_scripts_test.py HEED SCRIPTS: the program; the folder scripts/data.
"""

import gzip
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

HELPER = pathlib.Path("/usr/lib/apt/apt-helper")  # reads lists of apt
for program in ("msgfmt", "msgunfmt", "dpkg-deb", HELPER):
    if not shutil.which(program):
        print(f"skipped: {program} is missing; scripts/packages.txt lists what the tests need")
        sys.exit(77)

APT = """#!/bin/sh
# download PACKAGE copies it from $DEBS; indextargets names the file of the kind in $LISTS.
while [ $# -gt 0 ]; do
  case $1 in
    download) cp "$DEBS/$2.deb" . ; exit ;;
    "Created-By: "*) ls "$LISTS/${1#Created-By: }" 2>/dev/null ; exit ;;
  esac
  shift
done
"""

HEADER = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=%s\\nPlural-Forms: nplurals=2; plural=n != 1;\\n"\n\n'


def po(pairs, charset="UTF-8"):
    return HEADER % charset + "".join(f'msgid "{a}"\nmsgstr "{b}"\n\n' for a, b in pairs)


class DataScripts(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="heed_data_scripts_"))
        self.addCleanup(shutil.rmtree, self.folder)
        (self.folder / "bin").mkdir()
        apt = self.folder / "bin/apt-get"
        apt.write_text(APT)
        apt.chmod(0o755)

    def run_script(self, name, *arguments, code=0, path=None):
        environment = dict(os.environ, PATH=path or f"{self.folder}/bin:{os.environ['PATH']}", LC_ALL="C.UTF-8")
        environment |= {"LISTS": str(self.folder / "lists"), "DEBS": str(self.folder / "debs")}
        done = subprocess.run([shutil.which("bash"), SCRIPTS / name, *arguments], capture_output=True, text=True,
                              cwd=self.folder, env=environment)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout if code == 0 else done.stderr

    def pairs(self, name):
        text = (self.folder / name).read_bytes().decode()
        return [line.split("\t") for line in text.splitlines()]

    def catalog(self, name, text, below="share", encoding="utf-8"):
        folder = self.folder / below / "locale/de/LC_MESSAGES"
        folder.mkdir(parents=True, exist_ok=True)
        source = folder / f"{name}.po"
        source.write_bytes(text.encode(encoding))
        subprocess.run(["msgfmt", source, "-o", folder / f"{name}.mo"], check=True)
        source.unlink()
        return folder

    def lists(self, kind, text):
        (self.folder / "lists").mkdir(exist_ok=True)
        (self.folder / "lists" / kind).write_text(text, encoding="utf-8")

    def test_translations(self):
        self.catalog("one", po([("Open file", "Datei öffnen"), ("tab\\tinside", "Tabulator\\tdarin"), ("OK", "OK"),
                                ("%s: %d", "%s %d"), ("line one\\nline two", "Zeile eins\\nZeile zwei"),
                                ("no translation", ""), ('a \\"quoted\\" word\\n', 'ein \\"Wort\\"\\n')]))
        self.catalog("two", po([("_Open file...", "Datei _auf"), ("Open file", "Akte öffnen")], "ISO-8859-1"),
                     encoding="latin-1")
        plural = 'msgid "one page"\nmsgid_plural "many pages"\nmsgstr[0] "eine Seite"\nmsgstr[1] "viele"\n'
        folder = self.catalog("three", po([]) + plural)
        (folder / "four.po").write_text(po([("written by hand", "von Hand")]) + '#, fuzzy\nmsgid "old"\nmsgstr "alt"\n')
        (folder / "broken.mo").write_bytes(b"no catalog")
        said = self.run_script("translations.sh", "de", "--from", "share")
        self.assertEqual(self.pairs("translations_de.tsv"), [
            ["Open file", "Akte öffnen"],  # the smallest of three
            ['a "quoted" word', 'ein "Wort"'],
            ["one page", "eine Seite"],
            ["written by hand", "von Hand"],
        ])
        self.assertIn("5 catalogs of 'de'", said)
        self.assertIn("translations_de.tsv: 4 pairs", said)
        self.assertIn("left out: 2 repeated, 2 with control characters or several lines, 1 with equal sides, 1 without "
                      "words", said)

    def test_translations_of_packages(self):
        root = self.folder / "root"
        self.catalog("tool", po([(f"message {i}", f"Nachricht {i}") for i in range(300)]), below="root/usr/share")
        (root / "DEBIAN").mkdir()
        (root / "DEBIAN/control").write_text("Package: tool\nVersion: 1\nArchitecture: all\nMaintainer: A <a@b.c>\n"
                                             "Description: a tool\n")
        (self.folder / "debs").mkdir()
        subprocess.run(["dpkg-deb", "--build", root, self.folder / "debs/tool.deb"], check=True, stdout=subprocess.DEVNULL)
        said = self.run_script("translations.sh", "de", "tool", "-o", "out.tsv")
        self.assertEqual(len(self.pairs("out.tsv")), 300)
        self.assertEqual(self.pairs("out.tsv"), sorted(self.pairs("out.tsv")))
        self.check_splits(said, "out.tsv")
        first = (self.folder / "out.tsv").read_bytes()
        self.run_script("translations.sh", "de", "tool", "-o", "again.tsv")
        self.assertEqual((self.folder / "again.tsv").read_bytes(), first)

    def check_splits(self, said, name):
        """The counts that a script prints are those of the task `pairs`."""
        for split in ("validation", "test"):
            count = int(re.search(rf"(\d+) {split}", said)[1])
            self.assertGreater(count, 0)
            for n, code in ((count, 0), (count + 1, 64)):
                out = self.folder / f"{split}{n}.h5"
                done = subprocess.run([HEED, "data", "pairs", f"path={self.folder / name}", "max_length=400", "-n",
                                       str(n), "--split", split, "-o", out], capture_output=True, text=True)
                self.assertEqual(done.returncode, code, done.stderr)

    def test_summaries(self):
        text = ("Package: b\nDescription-en: a tool for tests\n First paragraph\n in two lines.\n .\n  * a list\n\n"
                "Package: b-doc\nDescription-en: manual of a tool\n First paragraph\n in two lines.\n .\n Manual.\n\n"
                "Package: c\nDescription-en: only a summary\n\n"
                "Package: d\nDescription: another tool\n It has été\x07 a control character.\n\n"
                "Package: e\nDescription: the last\ttool\n It is the last.\n")
        self.lists("Translations", text)
        said = self.run_script("summaries.sh")
        self.assertEqual(self.pairs("summaries.tsv"), [
            ["First paragraph in two lines. * a list", "a tool for tests"],
            ["It is the last.", "the last tool"],
        ])
        self.assertIn("left out: 1 repeated, 1 with control characters or several lines, 1 without a source or a target",
                      said)

    def test_questions(self):
        record = ("Package: p{0}{1}\nSource: s{0} (1.0)\nVersion: {0}.1\nMaintainer: Ann <ann@x.org>\nSection: games\n"
                  "Installed-Size: 1{0}\nDescription: game {0}\nTag: a::b,\n c::d\n\n")
        self.lists("Packages", "".join(record.format(i, kind) for i in range(200) for kind in ("", "-dev")))
        said = self.run_script("questions.sh")
        pairs = self.pairs("questions.tsv")
        self.assertEqual(len(pairs), 200)
        answers = {"Which version": "Version", "Who maintains": "Maintainer", "Which section": "Section",
                   "How many": "Installed-Size", "What is it": "Description"}
        asked, packages = set(), set()
        for source, target in pairs:
            facts, question = source.rsplit(". ", 1)
            fields = dict(fact.split(": ") for fact in facts.split("; "))
            field = next(answers[begin] for begin in answers if question.startswith(begin))
            asked.add(field)
            self.assertEqual(fields[field], target)
            packages.add(fields["Package"].removesuffix("-dev"))
        self.assertEqual(asked, set(answers.values()))
        self.assertEqual(len(packages), 200)  # one pair for each source package
        self.assertIn("left out: 200 repeated", said)
        self.check_splits(said, "questions.tsv")

    def test_fashion_mnist(self):
        images = self.folder / "root/usr/share/datasets/fashion-mnist"
        images.mkdir(parents=True)
        for part, n in (("train", 300), ("t10k", 7)):
            for kind, magic in (("images-idx3", 3), ("labels-idx1", 1)):
                with gzip.open(images / f"{part}-{kind}-ubyte.gz", "wb") as file:
                    file.write(bytes([0, 0, 8, magic]) + n.to_bytes(4, "big") + bytes(n))
        (self.folder / "root/DEBIAN").mkdir()
        (self.folder / "root/DEBIAN/control").write_text("Package: dataset-fashion-mnist\nVersion: 1\nArchitecture: all\n"
                                                         "Maintainer: A <a@b.c>\nDescription: images\n")
        (self.folder / "debs").mkdir()
        build = ["dpkg-deb", "--build", self.folder / "root", self.folder / "debs/dataset-fashion-mnist.deb"]
        subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
        said = self.run_script("fashion_mnist.sh")
        self.assertEqual(said.splitlines(), ["train: 300 images", "t10k: 7 images", "written to fashion_mnist"])
        self.assertEqual(len(list((self.folder / "fashion_mnist").glob("*-ubyte.gz"))), 4)
        (images / "t10k-labels-idx1-ubyte.gz").write_bytes(b"damaged")
        subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
        self.assertIn("no readable file t10k-labels-idx1-ubyte.gz", self.run_script("fashion_mnist.sh", "x", code=1))

    def test_mistakes(self):
        self.catalog("one", po([("a word", "ein Wort")]))
        (self.folder / "there.tsv").write_text("mine")
        for arguments, expected in (
            (["xx", "--from", "share"], "no catalogs of 'xx' in share. Languages there: de "),
            (["german"], "'german' is no language; examples are de"),
            (["de", "--from", "nowhere"], "there is no folder 'nowhere'"),
            (["de", "--to", "x"], "unknown option '--to'"),
            (["de", "-o"], "-o needs a name after it"),
            (["de", "tool", "--from", "share"], "not both"),
            (["de", "--from", "share", "-o", "there.tsv"], "there.tsv exists"),
            (["de", "no-such-package"], "apt cannot download 'no-such-package'"),
        ):
            with self.subTest(arguments):
                self.assertIn(expected, self.run_script("translations.sh", *arguments, code=1))
        self.assertEqual((self.folder / "there.tsv").read_text(), "mine")
        for script in ("summaries.sh", "questions.sh"):
            self.assertIn("apt-get -o Acquire::Languages=en update", self.run_script(script, code=1))
            self.assertIn("unknown option", self.run_script(script, "--help-me", code=1))
        self.assertEqual(list(self.folder.glob("*.tsv")), [self.folder / "there.tsv"])

    def test_other_systems(self):
        empty = self.folder / "empty"
        empty.mkdir()
        for program in ("basename", "dirname", "awk"):
            (empty / program).symlink_to(shutil.which(program))
        for script, arguments in (("translations.sh", ["de"]), ("summaries.sh", []), ("questions.sh", []),
                                  ("fashion_mnist.sh", [])):
            said = self.run_script(script, *arguments, code=1, path=str(empty))
            self.assertIn("apt-get is missing. This script reads packages of Debian or Ubuntu.", said)
        said = self.run_script("translations.sh", "de", "--from", ".", code=1, path=str(empty))
        self.assertIn("msgunfmt is missing. Install it: apt-get install gettext", said)

    def test_help(self):
        for script in ("translations.sh", "summaries.sh", "questions.sh", "fashion_mnist.sh"):
            self.assertTrue(self.run_script(script, "--help").startswith(script))


if __name__ == "__main__":
    HEED, SCRIPTS = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()
    unittest.main(argv=sys.argv[:1])
