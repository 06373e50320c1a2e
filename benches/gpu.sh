#!/usr/bin/env bash
# On a machine with an NVIDIA GPU: checks every answer of the GPU against the processor, then times it, pages beside nvCOMP.
# Elsewhere it says why it skips.  benches/gpu.sh [--rows N] [--queries N] [--budget-mib N] [FILE ...]
#
# Without files, pages are made of the project's own sources and of the program that is measured.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
cargo build --release -p ogive-cuda --example gpu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
git ls-files -z '*.rs' '*.md' | xargs -0 cat > "$work/sources"
status=0
"$target/release/examples/gpu" --pages-out "$work/pages" "$@" "$work/sources" "$target/release/examples/gpu" || status=$?
if [ "$status" -eq 77 ]; then
    echo "skipped: nothing was measured, there is no GPU"
    exit 0
fi
[ "$status" -eq 0 ]
[ -x benches/.venv/bin/python ] || python3 -m venv benches/.venv
if benches/.venv/bin/pip install --quiet nvidia-nvcomp-cu12==5.1.0.21; then
    benches/.venv/bin/python benches/nvcomp_pages.py "$work/pages"
else
    echo "skipped: nvCOMP cannot be installed here"
fi
