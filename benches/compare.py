"""Takes ogive's measures and the other engines' in one run and prints their ratios."""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
K = 10
# Fewer runs for what takes from a tenth of a second on.
SLOW = {"LanceDB flat", "DuckDB, table", "DuckDB, Parquet", "datafusion 55, memory", "datafusion 55, Parquet"}


def call(command, threads):
    """Runs a command on as many cores as it has threads, so that nobody has helpers on the side."""
    cores = sorted(os.sched_getaffinity(0))[-threads:]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, preexec_fn=lambda: os.sched_setaffinity(0, cores)
    )
    if done.returncode != 0:
        raise SystemExit(f"failed: {' '.join(map(str, command))}")
    return [json.loads(line) for line in done.stdout.splitlines()]


class Measures:
    def __init__(self, bench, data, runs):
        self.bench, self.data, self.runs = bench, data, runs
        self.taken = []
        self.best_copy_gb_s = 0.0

    def keep(self, figures):
        self.taken += figures
        return figures

    def ours(self, measure, threads, runs=None):
        print(f"  ogive {measure}, {threads} thread(s)", file=sys.stderr)
        command = [self.bench, "--data", self.data, "--threads", threads, "--runs", runs or self.runs, measure]
        return self.keep(call(list(map(str, command)), threads))

    def peer(self, name, threads, runs=None):
        print(f"  {name}, {threads} thread(s)", file=sys.stderr)
        command = [sys.executable, HERE / "peers.py", name, "--data", self.data, "--threads", threads]
        [figure] = call(list(map(str, [*command, "--runs", runs or self.runs])), threads)
        self.keep([{"measure": "peer", "subject": name, "threads": threads, **figure}])
        return figure

    def copy_gb_s(self, threads):
        """The best seen on as many threads or fewer: where one thread fills the bus, a second is in the way."""
        for figure in self.ours("bandwidth", threads):
            if figure["subject"] == "copy":
                self.best_copy_gb_s = max(self.best_copy_gb_s, figure["gb_s"])
        return self.best_copy_gb_s


def table(title, head, rows):
    print(f"\n## {title}\n")
    print("| " + " | ".join(head) + " |")
    print("|---|" + "--:|" * (len(head) - 1))
    for row in rows:
        print("| " + " | ".join(row) + " |")


def ms(figure):
    return f"{figure['p50_ms']:.2f} ({figure['p10_ms']:.2f}–{figure['p90_ms']:.2f})"


def against(ratio, least):
    return f"{ratio:.2f}× {'≥' if ratio >= least else '**below**'} {least}"


def scan(m, threads_list):
    peers = {name: m.peer(f"load_cvc {name}", 1, 5 if name == "lossless" else None) for name in ("fp16", "int8", "lossless")}
    for threads in threads_list:
        copy_gb_s = m.copy_gb_s(threads)
        rows = []
        for f in m.ours("scan", threads):
            name, peer = f["subject"], peers[f["subject"]]
            if f["query"] == "decoded":
                if f["fingerprint"] != peer["fingerprint"]:
                    raise SystemExit(f"{name}: ogive and load_cvc decode to different values")
                continue
            copy_ms = f["decoded_bytes"] / copy_gb_s / 1e6
            faster, copies = peer["p50_ms"] / f["p50_ms"], copy_ms / f["p50_ms"]
            counted = f["query"] == "count(*)"
            bare = name == "lossless" or "new session" in f["query"]
            rows.append([
                f"{name}: {f['query']}", ms(f), ms(peer), against(faster, 100 if name == "lossless" else 5),
                "" if counted else f"{copy_ms:.2f}",
                "" if counted else (f"{copies:.2f}×" if bare else against(copies, 0.7)),
            ])
        head = ["file: columns", "ogive ms", "load_cvc ms", "load_cvc / ogive", "plain copy ms", "copy / ogive"]
        table(f"scan, {threads} thread(s); copy at {copy_gb_s:.1f} GB/s; load_cvc has one thread", head, rows)


def exact(data, queries):
    """Squared distance of every row to every query, and that of the K-th: in float64 where it decides."""
    base = np.load(data / "base.npy")
    norms = np.einsum("ij,ij->i", base, base)
    found = []
    for q in queries:
        near = np.argpartition(norms - 2 * (base @ q), 50)[:50]
        distances = ((base[near].astype(np.float64) - q) ** 2).sum(axis=1)
        limit = np.sort(distances)[K - 1] * (1 + 1e-9)
        found.append({int(i) for i in near[distances <= limit]})
    return found


def top_k(m, threads_list):
    from peers import SEARCHES, queries

    truth = exact(m.data, queries(m.runs))
    for threads in threads_list:
        figures = m.ours("top_k", threads)
        read_gb_s = figures[0]["read_gb_s"]
        best = {}
        for f in figures:
            best[f["subject"]] = min(best.get(f["subject"], f), f, key=lambda f: f["p50_ms"])
        rows = []
        for f in figures:
            share = f["gb_s"] / read_gb_s
            # One byte a number is measured by the time of four.
            of_read = f"{share:.2f}×" if f["subject"] == "int8 CVC" else against(share, 0.7)
            rows.append([
                f"{f['subject']}, query as {f['query']}", ms(f), f"{f['recall']:.4f}", f"{f['gb_s']:.1f}", of_read,
            ])
        head = ["searched", "ms", "recall@10", "GB/s of stored bytes", "of read bandwidth"]
        table(f"top-10, {threads} thread(s); memory is read at {read_gb_s:.1f} GB/s", head, rows)
        ms_of = {(f["subject"], f["query"]): f["p50_ms"] for f in figures}
        for query in ("parameter", "text"):
            ratio = ms_of["float32 in memory", query] / ms_of["int8 CVC", query]
            print(f"\nint8 CVC against float32 in memory, query as {query}: {against(ratio, 2)}")

        rows = []
        for name in SEARCHES:
            if threads > 1 and name == "sqlite-vec":
                continue
            peer = m.peer(name, threads, 7 if name in SLOW else None)
            recall = np.mean([len(set(ids) & near) / K for ids, near in zip(peer["ids"], truth)])
            rows.append([name, ms(peer), f"{recall:.4f}"] + [f"{peer['p50_ms'] / f['p50_ms']:.2f}×" for f in best.values()])
        table(
            f"top-10 of other engines, {threads} thread(s); how many times ogive's time each takes",
            ["engine", "ms", "recall@10", *best], rows,
        )


def knn_join(m, threads_list):
    rows = []
    for threads in threads_list:
        for f in m.ours("knn_join", threads):
            peer = m.peer("faiss batch", threads, 3)
            rows.append([
                f"{f['queries']} queries", str(threads), ms(f), ms(peer),
                against(2 * peer["p50_ms"] / f["p50_ms"], 1) + " of 2", f"{f['single_ms']:.2f}",
                against(f["singles_over_join"], 10), f"{f['peak_anonymous'] / 2**20:.0f}",
            ])
    head = ["kNN join", "threads", "ms", "faiss ms", "2 × faiss / ogive", "one query alone, ms", "all alone / join", "own memory, MiB"]
    table("kNN join: the ten nearest of each query", head, rows)


def overhead(m, threads_list):
    rows = []
    for threads in threads_list:
        for f in m.ours("overhead", threads, 100):
            limit = f"{'<' if f['p50_ms'] < 2 else '**over**'} 2 ms" if f["subject"] == "open table" else ""
            rows.append([f"{f['subject']}, query as {f['query']}", str(threads), ms(f), limit])
    table("overhead: top-10 of ten rows", ["table", "threads", "ms", "target"], rows)


def memory(m, threads_list):
    rows = []
    mib = lambda n: f"{n / 2**20:.0f}"
    for threads in threads_list:
        for f in m.ours("memory", threads):
            rows.append([
                f["subject"], str(threads), mib(f["file_bytes"]), mib(f["limit_bytes"]), mib(f["anonymous_before"]),
                mib(f["peak_anonymous"]), mib(f["peak_total"]), mib(f["high_water"]),
            ])
    head = ["query", "threads", "file", "limit", "own before", "own, peak", "own + mapped, peak", "VmHWM"]
    table("memory, MiB; mapped pages are the kernel's cache of the file", head, rows)


def main():
    everything = {"scan": scan, "top_k": top_k, "knn_join": knn_join, "overhead": overhead, "memory": memory}
    parser = argparse.ArgumentParser()
    parser.add_argument("measures", nargs="*", choices=[*everything, []], metavar="|".join(everything))
    parser.add_argument("--bench", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=HERE / "data")
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    arguments = parser.parse_args()
    m = Measures(arguments.bench.resolve(), arguments.data.resolve(), arguments.runs)
    m.ours("data", max(arguments.threads))
    with open("/proc/cpuinfo") as info:
        model = next((line.split(":")[1].strip() for line in info if line.startswith("model name")), "unknown")
    print(f"{model}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; median (tenth–ninetieth percentile)")
    for name in arguments.measures or everything:
        everything[name](m, arguments.threads)
        sys.stdout.flush()
    with open(m.data / "figures.jsonl", "w") as out:
        out.writelines(json.dumps(figure) + "\n" for figure in m.taken)


if __name__ == "__main__":
    main()
