#!/usr/bin/env bash
# Builds, makes the data, measures, prints tables: benches/run.sh [scan|top_k|knn_join|overhead|memory ...]
set -euo pipefail
cd "$(dirname "$0")/.."
benches/setup.sh
cargo build --release --workspace
exec benches/.venv/bin/python benches/compare.py --bench "${CARGO_TARGET_DIR:-target}/release/ogive-bench" "$@"
