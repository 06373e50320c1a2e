"""SQLite vaults: ogive beside the package, sqlite-vec, the sqlite3 command and Python's sqlite3, in one run on the same files.

    python3 benches/vaults.py --ogive target/release/ogive [--rows 1000000] [--vectors 100000] [--runs 15] [--only NAME ..]

Needs numpy, kohakuvault 1.1.0, sqlite-vec 0.1.6 and pysqlite3-binary; a measure whose peer is not there says so and is left
out. Every answer is checked against the peer's before anything is timed. A time is the median of the runs; ogive's are those that the
program says itself, in one process that has run the statement before. `--threads 1`, the default, keeps everybody to one core.
"""

import argparse
import importlib.util
import json
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BARS = {}


def measure(name, bar):
    """Registers a measure and the ratio that it has to reach."""

    def keep(function):
        BARS[name] = (bar, function)
        return function

    return keep


def has(module):
    return importlib.util.find_spec(module) is not None


def timed(run, runs):
    """Median seconds of a call; its first run is not counted."""
    run()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        answer = run()
        times.append(time.perf_counter() - start)
        del answer
    return statistics.median(times)


class Ogive:
    def __init__(self, program, threads):
        self.program, self.threads = str(program), threads

    def run(self, database, statements):
        """The rows of the last statement, and seconds of each."""
        script = f"SET datafusion.execution.target_partitions = {self.threads};\n" + ";\n".join(statements) + ";\n"
        done = subprocess.run(
            [self.program, str(database), "--format", "json", "-f", "-"], input=script, capture_output=True, text=True
        )
        if done.returncode != 0:
            raise SystemExit(f"ogive failed: {done.stderr}")
        times = [
            float(line.split()[1]) for line in done.stderr.splitlines() if line.startswith("Elapsed ")
        ]
        rows = [json.loads(text) for text in done.stdout.splitlines() if text.strip()]
        return rows, times[1:]

    def answer(self, database, statement):
        done = subprocess.run(
            [self.program, str(database), "-q", "--format", "json", "-c", statement], capture_output=True, text=True
        )
        if done.returncode != 0:
            raise SystemExit(f"ogive failed: {done.stderr}")
        return json.loads(done.stdout or "[]")

    def seconds(self, database, statement, runs):
        _, times = self.run(database, [statement] * (runs + 1))
        return statistics.median(times[1:])


def report(name, what, ours, peers):
    bar, _ = BARS[name]
    print(f"\n## {name}: {what}\n\n| | ms | ratio |\n|---|---:|---:|")
    print(f"| ogive | {ours * 1e3:.3f} | |")
    for peer, seconds in peers.items():
        print(f"| {peer} | {seconds * 1e3:.3f} | {seconds / ours:.2f} |")
    print(f"\nbar: {bar}")


@measure("column", "0.5 of memcpy, faster than read_array")
def column(ogive, folder, options):
    if not has("kohakuvault"):
        return "kohakuvault is not installed"
    import numpy as np
    from kohakuvault import ColumnVault

    values = np.random.default_rng(1).standard_normal(options.rows)
    path = folder / "columns.db"
    vault = ColumnVault(str(path))
    vault.create_column("x", "f64")
    vault["x"].append_array(values)
    vault.close()
    found = ogive.answer(path, "SELECT count(*) AS n, min(value) AS a, max(value) AS b FROM columns.columns.x")[0]
    assert found["n"] == len(values) and found["a"] == values.min() and found["b"] == values.max(), found
    reading = ColumnVault(str(path), read_only=True)
    assert (reading["x"].read_array(0, len(values)) == values).all()
    target = np.empty_like(values)
    # What is asked of the column is as good as nothing beside reading it.
    report(
        "column",
        f"{options.rows} rows of f64",
        ogive.seconds(path, "SELECT count(value) FROM columns.columns.x WHERE value IS NOT NULL OR idx < 0", options.runs),
        {
            "memcpy": timed(lambda: np.copyto(target, values), options.runs),
            "read_array": timed(lambda: reading["x"].read_array(0, len(values)), options.runs),
        },
    )
    reading.close()


def kv_file(folder, keys):
    path = folder / "kv.db"
    if not path.exists():
        connection = sqlite3.connect(path)
        connection.execute("CREATE TABLE kv (key BLOB PRIMARY KEY NOT NULL, value BLOB NOT NULL)")
        rows = ((f"key/{n:08}".encode(), os.urandom(1024)) for n in range(keys))
        connection.executemany("INSERT INTO kv VALUES (?, ?)", rows)
        connection.commit()
        connection.close()
    return path


@measure("lengths", "1 of the sqlite3 command")
def lengths(ogive, folder, options):
    command = shutil.which("sqlite3")
    keys = max(options.rows // 10, 1)
    path = kv_file(folder, keys)
    found = ogive.answer(path, "SELECT count(*) AS n, sum(length(value)) AS b FROM kv.kv.kv")[0]
    assert (found["n"], found["b"]) == (keys, keys * 1024), found
    sql = "SELECT count(*), sum(length(value)) FROM kv"
    connection = sqlite3.connect(path)
    peers = {"Python's sqlite3": timed(lambda: connection.execute(sql).fetchall(), options.runs)}
    if command:
        script = ".timer on\n" + f"{sql};\n" * (options.runs + 1)
        said = subprocess.run([command, str(path)], input=script, capture_output=True, text=True, check=True).stdout
        times = [float(line.split()[3]) for line in said.splitlines() if line.startswith("Run Time: real")]
        peers["sqlite3 command"] = statistics.median(times[1:])
    else:
        print("lengths: the sqlite3 command is not there", file=sys.stderr)
    sql = "SELECT count(*), sum(length(value)) FROM kv.kv.kv"
    report("lengths", f"count and lengths of {keys} values of 1 KiB", ogive.seconds(path, sql, options.runs), peers)


@measure("key", "under 1 ms")
def key(ogive, folder, options):
    keys = max(options.rows // 10, 1)
    path = kv_file(folder, keys)
    connection = sqlite3.connect(path)
    wanted = f"key/{keys // 2:08}"
    sql = "SELECT value FROM kv WHERE key = ?"
    [(value,)] = connection.execute(sql, (wanted.encode(),)).fetchall()
    found = ogive.answer(path, f"SELECT encode(value, 'hex') AS v FROM kv.kv.kv WHERE key = '{wanted}'")
    assert [row["v"] for row in found] == [value.hex()]
    report(
        "key",
        f"one of {keys} keys, from text to row",
        ogive.seconds(path, f"SELECT value FROM kv.kv.kv WHERE key = '{wanted}'", max(options.runs, 50)),
        {"Python's sqlite3": timed(lambda: connection.execute(sql, (wanted.encode(),)).fetchall(), 50)},
    )


@measure("nearest", "3 of sqlite-vec")
def nearest(ogive, folder, options):
    if not (has("sqlite_vec") and has("pysqlite3")):
        return "sqlite-vec or pysqlite3-binary is not installed"
    import numpy as np
    import pysqlite3
    import sqlite_vec

    random = np.random.default_rng(3)
    vectors = random.standard_normal((options.vectors, 384)).astype(np.float32)
    query = random.standard_normal(384).astype(np.float32)
    path = folder / "vectors.db"
    connection = pysqlite3.connect(str(path))
    connection.enable_load_extension(True)
    sqlite_vec.load(connection)
    [(version,)] = connection.execute("SELECT vec_version()")
    connection.execute("CREATE VIRTUAL TABLE docs USING vec0(vector float[384] distance_metric=L2)")
    connection.executemany("INSERT INTO docs(vector) VALUES (?)", ((row.tobytes(),) for row in vectors))
    connection.commit()
    sql = "SELECT rowid FROM docs WHERE vector MATCH ? AND k = 10 ORDER BY distance"
    theirs = [row for (row,) in connection.execute(sql, (query.tobytes(),))]
    text = "[" + ", ".join(map(repr, query.tolist())) + "]"
    statement = f"SELECT rowid FROM vectors.main.docs ORDER BY vector <-> {text} LIMIT 10"
    ours = [row["rowid"] for row in ogive.answer(path, statement)]
    assert ours == theirs, (ours, theirs)
    report(
        "nearest",
        f"ten of {options.vectors} x 384, L2",
        ogive.seconds(path, statement, options.runs),
        {
            f"sqlite-vec {version}": timed(
                lambda: connection.execute(sql, (query.tobytes(),)).fetchall(), options.runs
            )
        },
    )


@measure("insert", "200,000 rows/s")
def insert(ogive, folder, options):
    path = folder / "insert.db"
    rows = options.rows
    statements = [
        "CREATE TABLE insert.main.t (id INTEGER PRIMARY KEY, x DOUBLE PRECISION, name TEXT)",
        f"INSERT INTO insert.main.t SELECT value, value / 3.0, 'row ' || value FROM generate_series(1, {rows})",
    ]
    path.touch()
    sqlite3.connect(path).execute("VACUUM").close()
    _, times = ogive.run(path, statements)
    other = folder / "insert_python.db"
    connection = sqlite3.connect(other)
    connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, x DOUBLE PRECISION, name TEXT)")
    start = time.perf_counter()
    connection.executemany("INSERT INTO t VALUES (?, ?, ?)", ((n, n / 3.0, f"row {n}") for n in range(1, rows + 1)))
    connection.commit()
    python = time.perf_counter() - start
    sql = "SELECT count(*), sum(id), max(x), sum(length(name)) FROM t"
    ours = sqlite3.connect(path).execute(sql).fetchall()
    assert ours == connection.execute(sql).fetchall(), ours
    report("insert", f"{rows} rows of three columns in one statement", times[-1], {"Python's sqlite3": python})
    print(f"ogive: {rows / times[-1]:,.0f} rows/s")


@measure("scan", "3 of Python's sqlite3")
def scan(ogive, folder, options):
    path = folder / "scan.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, x REAL, name TEXT)")
    rows = ((n, n / 7.0, f"row {n}") for n in range(options.rows))
    connection.executemany("INSERT INTO t VALUES (?, ?, ?)", rows)
    connection.commit()
    # Values of each column are used; SQLite itself would not hand them over for less.
    found = ogive.answer(path, "SELECT sum(id) AS a, max(x) AS b, sum(length(name)) AS c FROM scan.main.t")[0]
    wanted = connection.execute("SELECT sum(id), max(x), sum(length(name)) FROM t").fetchone()
    assert (found["a"], found["b"], found["c"]) == wanted, (found, wanted)
    statement = "SELECT sum(id), max(x), max(name) FROM scan.main.t"
    report(
        "scan",
        f"every value of {options.rows} rows of three columns",
        ogive.seconds(path, statement, options.runs),
        {"Python's sqlite3": timed(lambda: connection.execute("SELECT * FROM t").fetchall(), options.runs)},
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ogive", type=Path, default=Path("target/release/ogive"))
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--vectors", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", nargs="+", choices=sorted(BARS), default=sorted(BARS))
    options = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))[-options.threads :]
    os.sched_setaffinity(0, cores)
    ogive = Ogive(options.ogive.resolve(), options.threads)
    for name in options.only:
        with tempfile.TemporaryDirectory() as folder:
            why = BARS[name][1](ogive, Path(folder), options)
            if why:
                print(f"\n## {name}: left out, as {why}")


if __name__ == "__main__":
    main()
