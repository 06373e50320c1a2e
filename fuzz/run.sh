#!/usr/bin/env bash
# Builds the fuzz targets with the stable toolchain and runs them, one after another.
#
#   fuzz/run.sh [SECONDS_PER_TARGET] [TARGET..]      60 seconds and all targets unless told otherwise
#   fuzz/run.sh reproduce TARGET FILE                runs one input
#
# Exits with 1 when a target found something; the input is under fuzz/artifacts/TARGET then.
# NICE=15 fuzz/run.sh .. runs targets at that niceness; the build takes the caller's.
set -euo pipefail
[[ ${1:-} != reproduce ]] || input=$(realpath -- "${3:?a file}")
cd "$(dirname "${BASH_SOURCE[0]}")"

all=(cvc_header cvc_read cvc_json cvc_roundtrip codec_exponents codec_lossless codec_values codec_levels codec_pages npy vectors_text vault_values vault_file code_parse kernels_top_k index_file index_search index_manifest)
fixtures=../tests/fixtures/cvc
triple=x86_64-unknown-linux-gnu
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target}"

# What cargo-fuzz passes, less the address sanitizer, which only nightly has. `--target` keeps build scripts and
# procedural macros without coverage.
flags=(
    --cfg fuzzing
    -Cpasses=sancov-module
    -Cllvm-args=-sanitizer-coverage-level=4
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters
    -Cllvm-args=-sanitizer-coverage-pc-table
    -Cllvm-args=-sanitizer-coverage-trace-compares
    # LLVM's loop vectoriser crashes on some of the loops so instrumented.
    -Cno-vectorize-loops
    -Cdebug-assertions
    -Coverflow-checks
)
build() {
    RUSTFLAGS="${flags[*]}" cargo build --quiet --locked --release --target "$triple" --bins
}
binary() { echo "$CARGO_TARGET_DIR/$triple/release/$1"; }

# The little-endian number in FILE at OFFSET, of BYTES bytes.
number() { od -A n -t u"$3" -j "$2" -N "$3" --endian=little "$1" | tr -d ' '; }

# The header's text of a sample file: at byte 8 without a version, else at byte 12.
header_start() { case "$(basename "$1")" in v0_*) echo 8 ;; *) echo 12 ;; esac; }
header_bytes() { number "$1" $(($(header_start "$1") - 4)) 4; }
header() { tail -c +$(($(header_start "$1") + 1)) "$1" | head -c "$(header_bytes "$1")"; }
records() { tail -c +$(($(header_start "$1") + $(header_bytes "$1") + 1)) "$1"; }

# The payload of the first record, behind its length and checksum.
first_payload() {
    local start=$((12 + $(header_bytes "$1")))
    # A file without rows has no record.
    [[ $(stat -c %s "$1") -gt $start ]] || return 0
    tail -c +$((start + 9)) "$1" | head -c "$(number "$1" "$start" 4)"
}

# Samples that no file holds, one a line, as printf's %b reads them.
samples() {
    case $1 in
    codec_levels)
        cat <<'LINES'
\x01\x0c\x00\x01\x01
\x01\x02\x00\x12\x01
\x01\x03\x92\x03\x24
\x02\x14\x03
\x03\x03\x88\xc6\xfa
\x0c\x03\x01\x02\x03
\x20\x80\x01\x01\x02\x03\x04\x05\x01\x02
LINES
        ;;
    vectors_text)
        cat <<'LINES'
[1,2,3]\x00[4,5,6]
 [ 1.5e-3 , -0, +3.4028235e38 ] \x00[1e-46,1e38,65504]
[.5,5.]
{1:1.5,3:-2}/5\x00{2:1,3:1e30}/5
{}/3\x00{ 3:2 , 1:0 }/4
{1:1e-46}/2\x00{1:1e39}/2
{2:nan,1:-inf}/2\x00{1000000000:1}/1000000000
[1e39]\x00[-Infinity,nan]
{1,NULL,"2 \\\\" , -3e-50}
{{1,2},{3,4}}
1011\x000110
xDeadBeef\x00b1
\x00\x01\x00\x00\x3f\x80\x00\x00
\x00\x02\x00\x00\x3c\x00\xbc\x00
\x00\x00\x00\x05\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x02\x3f\x80\x00\x00
LINES
        ;;
    index_manifest)
        cat <<'LINES'
{"checksum":"00000000","manifest":{"column":"v","file":{"bytes":12,"name":"0f3c.flat"},"format":"ogive-index","measure":"l2","method":"flat","parameters":{"bits":768},"rows_at":{"offset":128,"stride":768},"source":{"bytes":1,"etag":null,"modified_ns":-5,"path":"a","rows":2,"sample":"5d"},"version":1}}
LINES
        ;;
    esac
}

# Sample files, and samples, in the form that a target takes.
seed() {
    local target=$1 corpus=corpus/$1 file name line samples=0
    mkdir -p "$corpus"
    while IFS= read -r line; do
        samples=$((samples + 1))
        printf '%b' "$line" >"$corpus/sample_$samples"
    done < <(samples "$target")
    while IFS= read -r file; do
        name=$(basename "$file")
        case $target:$name in
        cvc_header:*.cvc) cp "$file" "$corpus/$name" ;;
        cvc_json:v*.cvc) header "$file" >"$corpus/$name" ;;
        cvc_read:v*.cvc)
            { printf "\\x0${name:1:1}"; header "$file"; printf '\0'; records "$file"; } >"$corpus/$name" ;;
        codec_pages:*.npy) cp "$file" "$corpus/$name" ;;
        codec_lossless:v1_lossless_*.cvc) first_payload "$file" >"$corpus/$name" ;;
        npy:*.npy | codec_values:*.npy | kernels_top_k:*.npy | index_search:*.npy | cvc_roundtrip:*input.npy) cp "$file" "$corpus/$name" ;;
        esac
    done < <(find "$fixtures" -type f -size -9k)
    [[ $target != codec_pages ]] || cp ../crates/codecs/src/pages/tests/fixtures/*.frame "$corpus/"
}

options() {
    case $1 in
    cvc_json) echo "-max_len=4096 -dict=cvc.dict" ;;
    cvc_*) echo "-max_len=8192 -dict=cvc.dict" ;;
    npy) echo "-max_len=4500 -dict=npy.dict" ;;
    vectors_text) echo "-max_len=2048 -dict=vectors.dict" ;;
    codec_levels) echo "-max_len=1024" ;;
    *) echo "-max_len=8192" ;;
    esac
}

if [[ ${1:-} == reproduce ]]; then
    build
    exec "$(binary "$2")" "$input"
fi

seconds=${1:-60}
targets=("${@:2}")
[[ ${#targets[@]} -gt 0 ]] || targets=("${all[@]}")

build
failed=0
for target in "${targets[@]}"; do
    [[ -x $(binary "$target") ]] || { echo "no target '$target'; there are: ${all[*]}" >&2; exit 2; }
    seed "$target"
    mkdir -p "artifacts/$target"
    log=artifacts/$target.log
    started=$SECONDS
    status=0
    # libFuzzer's -malloc_limit_mb counts only under a sanitizer; src/memory.rs sets the limit on single allocations.
    # shellcheck disable=SC2046
    nice -n "${NICE:-0}" "$(binary "$target")" $(options "$target") -max_total_time="$seconds" -rss_limit_mb=2048 \
        -malloc_limit_mb=512 -timeout=10 -print_final_stats=1 -artifact_prefix="artifacts/$target/" \
        "corpus/$target" >"$log" 2>&1 || status=$?
    executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    coverage=$(sed -n 's/.* cov: \([0-9]*\).*/\1/p' "$log" | tail -n 1)
    printf '%-16s %4d s  %10s executions  coverage %s  ' \
        "$target" $((SECONDS - started)) "${executions:-?}" "${coverage:-?}"
    if [[ $status -eq 0 ]]; then
        echo "nothing found"
    else
        failed=1
        echo "FOUND (status $status)"
        grep -aE -A2 'panicked at|ERROR: libFuzzer' "$log" | head -n 12 || true
        sed -n "s|.*Test unit written to |  input: $PWD/|p" "$log"
    fi
done
exit "$failed"
