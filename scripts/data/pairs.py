"""pairs.py KIND OUTPUT <TEXT: makes a TSV file for the task `pairs`, source TAB target in lines sorted by bytes.
KIND is translations, where TEXT is message catalogs in gettext's PO format, or summaries or questions, where TEXT
is records of Debian's packages. Called by the scripts beside it."""

import ast
import collections
import re
import sys
import unicodedata

# Each reader yields (key, source, target). Of the pairs with equal keys only one is kept, so that near-copies of a
# source are not in different splits.


def translations(text):
    """Messages and their first translations. The key is the message without case, mnemonics and final punctuation."""
    entry = re.compile(r'^(msgid|msgstr(?:\[0\])?) ((?:".*"\n?)+)', re.M)
    source = ""
    for name, quoted in entry.findall(text):
        # PO quotes strings as C does; these escapes mean the same in Python.
        value = "".join(ast.literal_eval(line) for line in quoted.splitlines())
        if name == "msgid":
            source = value.strip()
        elif source:  # the entry of the empty message is the header
            key = re.sub(r"[\s.:!?…]+$", "", re.sub("[&_~]", "", source.casefold()))
            yield key, source, value.strip()


def records(text):
    """The fields of each record. A line that begins with a space continues the field before it."""
    for record in re.split(r"\n\n+", text):
        yield dict(re.findall(r"^([^\s:]+): ?(.*(?:\n .*)*)", record, re.M))


def summaries(text):
    """Long descriptions and their first lines. The key is the first paragraph, which related packages share."""
    for record in records(text):
        short, _, long = record.get("Description-en", record.get("Description", "")).partition("\n")
        paragraphs = [one_line(p) for p in re.split(r"^ \.\s*$", long, flags=re.M)]
        yield paragraphs[0].casefold(), one_line(" ".join(paragraphs)), one_line(short)


QUESTIONS = {
    "Version": "Which version is it?",
    "Maintainer": "Who maintains it?",
    "Section": "Which section is it in?",
    "Installed-Size": "How many kilobytes are installed?",
    "Homepage": "Where is its homepage?",
    "Description": "What is it?",
}


def questions(text):
    """A record with one question about it, and the answer. The key is the package of the sources."""
    for record in records(text):
        name = record.get("Package", "")
        record["Maintainer"] = re.sub(r"\s*<.*", "", record.get("Maintainer", ""))
        record["Description"] = record.get("Description", "").partition("\n")[0]
        known = [field for field in QUESTIONS if record.get(field)]
        if not name or not known:
            continue
        asked = known[fnv(name) % len(known)]
        facts = "; ".join(f"{field}: {one_line(record[field])}" for field in ("Package", *known))
        yield record.get("Source", name).split()[0], f"{facts}. {QUESTIONS[asked]}", one_line(record[asked])


def one_line(text):
    return " ".join(text.split())


def fnv(text):
    """FNV-1a with 64 bits, by which `pairs` decides the split of a source."""
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return value


def refusal(source, target):
    """Why a pair is left out, or an empty string."""
    conversions = re.compile(r"%(?:\(\w+\)|\d+\$)?[-+ #0']*[\d.*]*(?:hh?|ll?|[qjzt])?[A-Za-z%]|\{\w*\}")
    if not source or not target:
        return "without a source or a target"
    if any(unicodedata.category(c) in ("Cc", "Zl", "Zp") for c in source + target):
        return "with control characters or several lines"
    if source == target:
        return "with equal sides"
    if not all(re.search(r"[^\W\d_]{2}|\d", conversions.sub("", text)) for text in (source, target)):
        return "without words"
    return ""


def select(candidates):
    """The pairs that are kept, and how many are left out for which reason."""
    left_out = collections.Counter()
    smallest = {}
    for key, source, target in candidates:
        reason = refusal(source, target)
        if not reason and key in smallest:
            reason = "repeated"
        if reason:
            left_out[reason] += 1
        if reason in ("", "repeated"):
            smallest[key] = min((source, target), smallest.get(key, (source, target)))
    pairs = {}
    for source, target in sorted(smallest.values()):  # by code points, which is the order of the bytes in UTF-8
        left_out["repeated"] += source in pairs
        pairs.setdefault(source, target)
    return pairs, left_out


def lengths(texts):
    sizes = sorted(len(text.encode()) for text in texts)
    return f"half have at most {sizes[len(sizes) // 2]} bytes, 90 % at most {sizes[len(sizes) * 9 // 10]}"


def main(kind, output):
    text = sys.stdin.buffer.read().decode(errors="replace").replace("\r", "")
    pairs, left_out = select({"translations": translations, "summaries": summaries, "questions": questions}[kind](text))
    if not pairs:
        sys.exit(f"{output} is not written: there are no pairs in what was read")
    with open(output, "x", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{source}\t{target}\n" for source, target in pairs.items())
    splits = collections.Counter()
    for source in pairs:
        percent = fnv(source) % 100
        splits["train" if percent < 90 else "validation" if percent < 95 else "test"] += 1
    print(f"{output}: {len(pairs)} pairs; " + ", ".join(f"{splits[s]} {s}" for s in ("train", "validation", "test")))
    print("left out: " + (", ".join(f"{n} {why}" for why, n in sorted(left_out.items()) if n) or "none"))
    print(f"sources: {lengths(pairs)}; targets: {lengths(pairs.values())}")


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in ("translations", "summaries", "questions"):
        sys.exit(__doc__)
    main(*sys.argv[1:])
