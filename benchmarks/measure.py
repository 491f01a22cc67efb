"""What the scripts of this folder share: calling both programs, tables, and the words for the machine."""
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STEP = ROOT / "benchmarks/torch_step.py"
MODES = [mode + products for products in ("", "+medium", "+autocast")  # what torch_step.py is called with
         for mode in ("eager", "sdpa", "compile", "sdpa+compile")]
WITH_SDPA = ["softmax", "differential", "tokenformer", "grouped"]
median = statistics.median


class Failed(Exception):
    """A program that did not end well, or cannot be called; the text is for the user."""


def arguments(parser, torch=True):
    """The options that all scripts have, and what the command line says."""
    parser.add_argument("--heed", type=Path, default=ROOT / "build/release/bin/heed", metavar="PATH",
                        help="the program (build/release/bin/heed)")
    if torch:
        parser.add_argument("--torch", default="python3", metavar="PYTHON",
                            help="an interpreter that has torch (python3)")
    a = parser.parse_args()
    a.heed = a.heed.resolve()  # programs are called from the top of the repository
    return a


def main(script):
    """Calls script(); a Failed becomes a sentence and exit code 1."""
    try:
        script()
    except Failed as error:
        sys.exit(f"{Path(sys.argv[0]).name}: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


def say(text):
    """What is not the result: progress."""
    print(text, file=sys.stderr, flush=True)


def run(*command):
    """Standard output, and what the process and those it waited for have used (getrusage)."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as error:
        try:
            process = subprocess.Popen([str(word) for word in command], cwd=ROOT, stdout=out, stderr=error)
        except OSError as problem:
            raise Failed(f"{command[0]} cannot be called: {problem.strerror}.") from None
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0), error.seek(0)
        if process.returncode:
            raise Failed(f"{error.read()[-2000:].strip()}\n"
                         f"({' '.join(map(str, command))}: exit code {process.returncode})")
        return out.read(), used


def heed(program, *words):
    """The JSON of a `heed bench`."""
    out, used = run(program, "bench", *words, "--json")
    result = json.loads(out)
    result = result[0] if isinstance(result, list) else result
    result.setdefault("peak_rss_mib", used.ru_maxrss / 1024)
    return result


class Peer:
    """torch_step.py in one of MODES, as a process that waits between measurements: torch.compile runs once."""

    def __init__(self, python, mode, *words):
        self.words = [str(word) for word in (python, STEP, "--serve", *words, *flags(mode))]
        self.error = tempfile.TemporaryFile("w+")
        try:
            self.process = subprocess.Popen(self.words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                            stderr=self.error, text=True, bufsize=1)
        except OSError as problem:
            raise Failed(f"{python} cannot be called: {problem.strerror}.") from None
        self.precision = precision(json.loads(self.line())["product_error"])

    def line(self):
        line = self.process.stdout.readline()
        if not line:
            self.error.seek(0)
            raise Failed(f"{self.error.read()[-2000:].strip()}\n"
                         f"({' '.join(self.words)}: exit code {self.process.wait()})")
        return line

    def measure(self):
        """The JSON of torch_step.py."""
        self.process.stdin.write("\n")
        return json.loads(self.line())

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
        self.error.close()


def precision(product_error):
    """What a product of this error was computed in: 1e-6 is usual in float32, 3e-3 in bfloat16."""
    return "float32" if product_error < 1e-5 else "bfloat16"


def flags(mode):
    return [f"--{name}" for name in mode.split("+") if name != "eager"]


def modes_of(variant):
    return [mode for mode in MODES if "sdpa" not in mode or variant in WITH_SDPA]


def build(program):
    """The build stamp of heed."""
    if not program.exists():
        raise Failed(f"{program} does not exist. Build it with scripts/build.sh heed, or name another: --heed PATH.")
    return next(line for line in run(program, "--version")[0].splitlines() if line.startswith("build: "))[7:]


def processor():
    def field(name):
        return next((line.split(":")[1].strip() for line in lines if line.startswith(name)), "")

    with open("/proc/cpuinfo") as file:
        lines = file.readlines()
    known = [f for f in ("avx2", "fma", "avx512f", "avx512_bf16", "amx_tile") if f in field("flags").split()]
    return f"{field('model name') or os.uname().machine} ({' '.join(known) or 'no AVX2'}), {os.cpu_count()} cores"


def machine(program, python=None):
    """One line: what a number depends on besides the code. Neither date nor name."""
    parts = [processor(), f"heed {build(program)}"]
    if python:
        parts.append(f"torch {json.loads(run(python, STEP, '--steps', 1, '--warmup', 0)[0])['torch']}")
    return "; ".join(parts)


def table(rows, markdown=False):
    """The first row is the head; numbers come as text."""
    if markdown:
        lines = [f"| {' | '.join(row)} |" for row in rows]
        return "\n".join([lines[0], "|" + " --- |" * len(rows[0]), *lines[1:]])
    widths = [max(map(len, column)) for column in zip(*rows)]
    return "\n".join("  ".join(cell.ljust(w) for cell, w in zip(row, widths)).rstrip() for row in rows)
