#!/usr/bin/env bash
# Runs the kernels' tests as AArch64 code, NEON included, under QEMU's user emulation: some seven minutes on x86-64.
#
# Needs the Rust target (rustup target add aarch64-unknown-linux-gnu), qemu-user and gcc-aarch64-linux-gnu (apt); what
# is missing is named, and nothing is installed.
set -euo pipefail
cd "$(dirname "$0")/../.."

target=aarch64-unknown-linux-gnu
missing=()
command -v qemu-aarch64 >/dev/null || missing+=(qemu-user)
command -v aarch64-linux-gnu-gcc >/dev/null || missing+=(gcc-aarch64-linux-gnu)
[[ -d $(rustc --print sysroot)/lib/rustlib/$target ]] || missing+=("the Rust target $target")
if [[ ${#missing[@]} -gt 0 ]]; then
    printf 'skipped: there is no %s\n' "${missing[@]}" >&2
    exit 2
fi

export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER="qemu-aarch64 -L /usr/aarch64-linux-gnu"
exec cargo test --release --package ogive-kernels --lib --target "$target" "$@"
