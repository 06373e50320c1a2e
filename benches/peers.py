"""The other engines: one process a peer, as `peers.py PEER --data DIR --threads N --runs N`.

Each prints one JSON line: `p10_ms`, `p50_ms`, `p90_ms`, `runs` and, for searches, the `ids` found for every query, which
`compare.py` checks against exact distances.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

K = 10
EXAMPLES = Path(__file__).resolve().parent.parent / "examples" / "data"


def measure(run, runs, warm=3):
    """Times run(i); what it returns is dropped after the clock has stopped."""
    for i in range(min(warm, runs)):
        run(i)
    times = []
    for i in range(runs):
        start = time.perf_counter()
        answer = run(i)
        times.append(time.perf_counter() - start)
        del answer
    times.sort()
    at = lambda share: times[round((len(times) - 1) * share)] * 1e3
    return {"p10_ms": at(0.1), "p50_ms": at(0.5), "p90_ms": at(0.9), "runs": runs}


def fingerprint(rows):
    """The same sum as `Vectors::fingerprint` of the measuring program."""
    import numpy as np

    bits = np.ascontiguousarray(rows, dtype=np.float32).reshape(-1).view(np.uint32)
    total = 0
    for start in range(0, bits.size, 1 << 22):
        part = bits[start : start + (1 << 22)].astype(np.uint64)
        weights = 2 * np.arange(start, start + part.size, dtype=np.uint64) + 1
        total += int((part * weights).sum(dtype=np.uint64))
    return str(total % (1 << 64))


def load_cvc(data, name, runs):
    import decompressed

    path = str(data / f"base.{name}.cvc")
    load = lambda _=0: decompressed.load_cvc(path, device="cpu")
    return {"fingerprint": fingerprint(load()), **measure(load, runs, warm=1)}


def base(data):
    import numpy as np

    return np.load(data / "base.npy", mmap_mode="r")


def queries(runs):
    import numpy as np

    return np.load(EXAMPLES / "queries.npy")[:runs]


def searched(search, wanted, runs):
    ids = [[int(i) for i in search(q)] for q in wanted]
    times = measure(lambda i: search(wanted[i % len(wanted)]), runs)
    return {"ids": ids, **times}


def faiss_flat(data, threads, runs):
    import faiss
    import numpy as np

    faiss.omp_set_num_threads(threads)
    index = faiss.IndexFlatL2(base(data).shape[1])
    index.add(np.ascontiguousarray(base(data)))
    return searched(lambda q: index.search(q[None, :], K)[1][0], queries(runs), runs)


def faiss_batch(data, threads, runs):
    """All queries of the kNN join in one call."""
    import faiss
    import numpy as np

    faiss.omp_set_num_threads(threads)
    index = faiss.IndexFlatL2(base(data).shape[1])
    index.add(np.ascontiguousarray(base(data)))
    batch = np.load(data / "batch.npy")
    return measure(lambda _: index.search(batch, K), runs, warm=0)


def sqlite_vec(data, threads, runs):
    # Not sqlite3: many builds of Python leave out the loading of extensions.
    import apsw
    import sqlite_vec as extension

    rows = base(data)
    db = apsw.Connection(":memory:")
    db.enable_load_extension(True)
    db.load_extension(extension.loadable_path())
    db.execute(f"CREATE VIRTUAL TABLE t USING vec0(vector float[{rows.shape[1]}])")
    db.executemany("INSERT INTO t(rowid, vector) VALUES (?, ?)", ((i, r.tobytes()) for i, r in enumerate(rows)))
    sql = "SELECT rowid FROM t WHERE vector MATCH ? AND k = ? ORDER BY distance"
    search = lambda q: [row[0] for row in db.execute(sql, (q.tobytes(), K)).fetchall()]
    return searched(search, queries(runs), runs)


def duckdb_memory(data, threads, runs):
    import duckdb

    db = duckdb.connect(config={"threads": threads})
    d = base(data).shape[1]
    db.execute(f"CREATE TABLE t AS SELECT id, vector::FLOAT[{d}] AS vector FROM '{data}/base.parquet'")
    sql = f"SELECT id FROM t ORDER BY array_distance(vector, ?::FLOAT[{d}]) LIMIT {K}"
    search = lambda q: [row[0] for row in db.execute(sql, [q.tolist()]).fetchall()]
    return searched(search, queries(runs), runs)


def duckdb_parquet(data, threads, runs):
    import duckdb

    db = duckdb.connect(config={"threads": threads})
    d = base(data).shape[1]
    sql = f"SELECT id FROM '{data}/base.parquet' ORDER BY array_distance(vector::FLOAT[{d}], ?::FLOAT[{d}]) LIMIT {K}"
    search = lambda q: [row[0] for row in db.execute(sql, [q.tolist()]).fetchall()]
    return searched(search, queries(runs), runs)


def arrow_table(data):
    import numpy as np
    import pyarrow as pa

    rows = base(data)
    values = pa.array(np.ascontiguousarray(rows).reshape(-1))
    vectors = pa.FixedSizeListArray.from_arrays(values, rows.shape[1])
    return pa.table({"id": pa.array(np.arange(len(rows), dtype=np.int64)), "vector": vectors})


def lancedb_flat(data, threads, runs):
    import tempfile

    import lancedb

    with tempfile.TemporaryDirectory() as folder:
        table = lancedb.connect(folder).create_table("t", arrow_table(data))
        search = lambda q: table.search(q).distance_type("l2").select(["id"]).limit(K).to_arrow()["id"].to_pylist()
        return searched(search, queries(runs), runs)


def datafusion_context(threads):
    from datafusion import SessionConfig, SessionContext

    return SessionContext(SessionConfig().with_target_partitions(threads))


def datafusion_search(context):
    def search(q):
        numbers = ", ".join(repr(float(x)) for x in q)
        sql = f"SELECT id FROM t ORDER BY array_distance(vector, [{numbers}]) LIMIT {K}"
        return [i for batch in context.sql(sql).collect() for i in batch.column(0).to_pylist()]

    return search


def datafusion_memory(data, threads, runs):
    context = datafusion_context(threads)
    batches = arrow_table(data).to_batches(max_chunksize=8192)
    context.register_record_batches("t", [batches[i::threads] for i in range(threads)])
    return searched(datafusion_search(context), queries(runs), runs)


def datafusion_parquet(data, threads, runs):
    context = datafusion_context(threads)
    context.register_parquet("t", str(data / "base.parquet"))
    return searched(datafusion_search(context), queries(runs), runs)


SEARCHES = {
    "faiss IndexFlatL2": faiss_flat,
    "sqlite-vec": sqlite_vec,
    "DuckDB, table": duckdb_memory,
    "DuckDB, Parquet": duckdb_parquet,
    "LanceDB flat": lancedb_flat,
    "datafusion 55, memory": datafusion_memory,
    "datafusion 55, Parquet": datafusion_parquet,
}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("peer")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--runs", type=int, default=30)
    arguments = parser.parse_args()
    os.environ["LANCE_CPU_THREADS"] = os.environ["TOKIO_WORKER_THREADS"] = str(arguments.threads)
    # One warning a search would be in the time of the search.
    os.environ.setdefault("RUST_LOG", "error")
    if arguments.peer.startswith("load_cvc "):
        figure = load_cvc(arguments.data, arguments.peer.split()[1], arguments.runs)
    elif arguments.peer == "faiss batch":
        figure = faiss_batch(arguments.data, arguments.threads, arguments.runs)
    else:
        figure = SEARCHES[arguments.peer](arguments.data, arguments.threads, arguments.runs)
    json.dump(figure, sys.stdout)
    print()


if __name__ == "__main__":
    main()
