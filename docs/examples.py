"""Runs the examples of the documents and compares what comes out with what is written.

    python3 docs/examples.py --ogive target/release/ogive             # says what differs; exit status 1 if anything does
    python3 docs/examples.py --ogive target/release/ogive --write     # writes the output into the documents

An example is a block of `sh` or `sql` with a block of `text` right after it, which is its output. All `sh` examples of a
document run one after the other in a folder of their own, in which `examples/` and `tests/` are those of the project.
All `sql` examples under one heading are one session; blocks of `sql` without output run too, those after the comment
`<!-- not run -->` do not. Times are left out of the comparison, and paths are shown
relative to that folder.
"""

import argparse
import difflib
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"^```(\w+)[^\n]*\n(.*?)^```$", re.M | re.S)
TIMES = re.compile(r"^Elapsed [\d.]+ seconds\.\n?|, finished in [\d.]+s$", re.M)
# Ends the output of one block of SQL in the output of a session.
MARK = "end of block"


class Example:
    def __init__(self, text, block, following):
        self.language, self.source = block[1], block[2]
        self.output = following
        self.line = text.count("\n", 0, block.start()) + 1


def examples(text):
    """The blocks that run, each with the match of its output or None, and the headings' sessions as lists."""
    blocks = list(BLOCK.finditer(text))
    sessions = [[]]
    for block, after in zip(blocks, [*blocks[1:], None]):
        before = text[: block.start()]
        if block[1] not in ("sh", "sql") or before.rstrip().endswith("<!-- not run -->"):
            continue
        adjacent = after is not None and after[1] == "text" and not text[block.end() : after.start()].strip()
        example = Example(text, block, after if adjacent else None)
        example.heading = len(re.findall(r"^##+ ", before, re.M))
        if example.language == "sh" and not adjacent:
            continue
        last = sessions[-1]
        if last and (last[-1].heading != example.heading or last[-1].language != example.language):
            sessions.append(last := [])
        last.append(example)
    return [session for session in sessions if session]


def call(command, folder, binary):
    environment = {**os.environ, "PATH": f"{binary.parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.stdout


def run_shell(session, folder, binary):
    for example in session:
        # The program is built already.
        source = example.source.replace("cargo run --release --", "ogive")
        yield example, call(["bash", "-c", source], folder, binary)


def run_sql(session, folder, binary):
    script = "".join(f"{e.source.rstrip().rstrip(';')};\nSELECT '{MARK}' AS mark;\n" for e in session)
    path = folder / "session.sql"
    path.write_text(script)
    text = call(["ogive", "-q", "-f", str(path)], folder, binary)
    mark = re.compile(r"^\+-+\+\n\| mark +\|\n\+-+\+\n\| " + MARK + r" \|\n\+-+\+\n", re.M)
    parts = mark.split(text)
    for index, example in enumerate(session):
        yield example, parts[index] if index < len(parts) else "(not run: an example before it failed)\n"


def check(path, folder, binary, write):
    text = path.read_text()
    differs, replaced = 0, []
    for session in examples(text):
        run = run_shell if session[0].language == "sh" else run_sql
        for example, found in run(session, folder, binary):
            found = found.replace(f"{folder}/", "")
            found = "\n".join(line.rstrip() for line in found.rstrip().split("\n")) + "\n"
            place = f"{path.relative_to(ROOT)}:{example.line}"
            if example.output is None:
                if found.startswith(("error", "(not run")):
                    differs += 1
                    print(f"{place}: {found}", end="")
                continue
            expected = example.output[2]
            if TIMES.sub("", expected) != TIMES.sub("", found):
                differs += 1
                lines = difflib.unified_diff(expected.splitlines(), found.splitlines(), place, "found", lineterm="", n=1)
                print("\n".join(lines))
                replaced.append((example.output.span(2), found))
    if write:
        for (start, end), found in sorted(replaced, reverse=True):
            text = text[:start] + found + text[end:]
        path.write_text(text)
    return differs


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("documents", nargs="*", type=Path)
    parser.add_argument("--ogive", type=Path, default=ROOT / "target/release/ogive")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    documents = arguments.documents or [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    differs = 0
    for document in documents:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            for shared in ("examples", "tests"):
                (folder / shared).symlink_to(ROOT / shared)
            differs += check(document.resolve(), folder, arguments.ogive.resolve(), arguments.write)
    sys.exit(1 if differs and not arguments.write else 0)


if __name__ == "__main__":
    main()
