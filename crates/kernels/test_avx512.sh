#!/usr/bin/env bash
# Runs the kernels' tests with AVX-512 on a machine that lacks it: in a small Linux guest under the Bochs emulator.
#
# Takes the test harness's arguments, such as a part of a test's name. Without any, all tests run but for one that is
# too slow here. Needs an x86-64 Debian, its package archive, and root where one of the packages below is missing:
# those are installed, the guest's kernel is not. What cannot be had is named, and the tests are skipped.
set -euo pipefail
cd "$(dirname "$0")/../.."

packages=(bochs bochs-term bochsbios vgabios bsdutils busybox-static genisoimage isolinux syslinux-common)
kernel=linux-image-cloud-amd64
target=x86_64-unknown-linux-gnu
limit=3h

skip() {
    echo "skipped: $1" >&2
    exit 2
}

work=$(mktemp -d)
emulator=
clean() {
    if [[ -n $emulator ]]; then
        kill "$emulator" 2>/dev/null && wait "$emulator" || true
    fi
    rm -rf "$work"
}
trap clean EXIT
trap 'exit 130' INT TERM

[[ $(uname -sm) == "Linux x86_64" ]] || skip "the guest needs x86-64 Linux"
command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || skip "there is no apt"
missing=()
for package in "${packages[@]}"; do
    [[ $(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null) == ii* ]] || missing+=("$package")
done
if [[ $EUID -eq 0 ]]; then
    apt-get update -qq || true
fi
if [[ ${#missing[@]} -gt 0 ]]; then
    [[ $EUID -eq 0 ]] || skip "there is no ${missing[*]}, and only root can install it"
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}" >"$work/apt" 2>&1 ||
        skip "cannot install ${missing[*]}: $(tail -n 1 "$work/apt")"
fi

# The name stands for the current kernel's package.
image=$(apt-cache depends "$kernel" 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-.*\)/\1/p' | head -n 1) || true
[[ -n $image ]] || skip "the package archive has no $kernel"
mkdir "$work/download" "$work/kernel"
(cd "$work/download" && apt-get download -qq "$image" 2>"$work/apt") ||
    skip "cannot download $image: $(tail -n 1 "$work/apt")"
dpkg-deb -x "$work"/download/*.deb "$work/kernel"

# Linked statically, so that the guest needs no library.
RUSTFLAGS="-C target-feature=+crt-static -C strip=symbols" \
    cargo test --release --package ogive-kernels --lib --no-run --target "$target" \
    --target-dir "${CARGO_TARGET_DIR:-target}/avx512" --message-format=json-render-diagnostics >"$work/build"
tests=$(sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' "$work/build" | head -n 1)
[[ -x $tests ]] || { echo "cargo names no test program" >&2; exit 1; }

if [[ $# -eq 0 ]]; then
    set -- --skip tests::top_k::long_vectors_are_exact
    echo "left out, as too slow here: $2"
fi
mkdir -p "$work/root" "$work/disk/isolinux"
cp /bin/busybox "$work/root/busybox"
cp "$tests" "$work/root/tests"
# Many cases of a test print the same line: one is enough. The sleep lets the console write what it still holds.
cat >"$work/root/init" <<END
#!/busybox sh
/busybox mkdir -p /proc /dev /tmp
/busybox mount -t proc proc /proc
/busybox mount -t devtmpfs dev /dev
echo "guest's processor: \$(/busybox sed -n 's/^flags.*: //p' /proc/cpuinfo)"
{
    /tests --test-threads=1 --show-output $(printf '%q ' "$@")2>&1
    echo \$? >/status
} | /busybox uniq
echo "guest's tests exited with \$(/busybox cat /status)"
/busybox sleep 3
/busybox poweroff -f
END
chmod +x "$work/root/init"
(cd "$work/root" && find . | busybox cpio -o -H newc 2>/dev/null | gzip -1 >"$work/disk/initrd")
cp "$work"/kernel/boot/vmlinuz-* "$work/disk/kernel"
cp /usr/lib/ISOLINUX/isolinux.bin /usr/lib/syslinux/modules/bios/ldlinux.c32 "$work/disk/isolinux"
# Bochs 2.7 gives a wrong size for the compacted form of saved registers. Linux would then turn AVX off, so the
# instructions that use the form are hidden from it.
cat >"$work/disk/isolinux/isolinux.cfg" <<END
default tests
label tests
kernel /kernel
initrd /initrd
append console=ttyS0 quiet nokaslr mitigations=off tsc=reliable panic=-1 clearcpuid=xsaves,xsavec
END
genisoimage -quiet -o "$work/disk.iso" -b isolinux/isolinux.bin -c isolinux/boot.cat -no-emul-boot -boot-load-size 4 \
    -boot-info-table "$work/disk"

cat >"$work/bochsrc" <<END
cpu: model=corei7_skylake_x, count=1, ips=50000000
memory: guest=512, host=512
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
ata0: enabled=1
ata0-master: type=cdrom, path=$work/disk.iso, status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev=$work/serial
display_library: term
clock: sync=none
speaker: enabled=0
sound: waveoutdrv=dummy, waveindrv=dummy, midioutdrv=dummy
log: $work/log
panic: action=fatal
error: action=ignore
info: action=ignore
debug: action=ignore
END
# Debian's Bochs starts in its debugger, which waits for "continue", and wants a terminal.
echo c >"$work/commands"
echo "running the guest; its output comes at the end"
TERM=vt100 timeout "$limit" script -qec "exec bochs -q -f $work/bochsrc -rc $work/commands" /dev/null \
    </dev/null >"$work/terminal" 2>&1 &
emulator=$!
wait "$emulator" || true
emulator=

[[ -s $work/serial ]] || { tail -n 20 "$work/terminal" >&2; echo "the guest did not start" >&2; exit 1; }
tr -d '\r' <"$work/serial" >"$work/output"
# The lines that passing tests print are checked below, not shown.
sed '/^successes:$/,/^failures:$\|^test result/{/^failures:$\|^test result/!d}' "$work/output"
if ! grep -q "^guest's tests exited with" "$work/output"; then
    echo "the guest did not finish its tests" >&2
    exit 1
fi
if ! grep -q "^guest's processor: .* avx512f " "$work/output" || grep '^skipped: avx' "$work/output" >&2; then
    echo "the guest has no AVX-512" >&2
    exit 1
fi
grep -q "^guest's tests exited with 0$" "$work/output"
