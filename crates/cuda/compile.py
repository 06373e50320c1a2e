#!/usr/bin/env python3
"""Compiles kernels/*.cu to ptx/*.ptx, without a CUDA toolkit and without a GPU.

    compile.py            writes ptx/, each file with the hash of what it was made of
    compile.py --check    compiles again, compares with what is checked in, and has ptxas assemble it

The compiler is NVRTC out of NVIDIA's wheels on PyPI, which are installed into crates/cuda/.venv on the first call. It is
12.4, whose PTX (8.4) drivers from 550 on take; later ones would be refused by them. Where the wheels cannot be had, --check
says that it skipped, and exits with 77.

PTX for an architecture beyond the oldest is kept only where it differs in more than the name of its target: the driver
makes the same machine code of both otherwise.
"""

import ctypes
import hashlib
import pathlib
import subprocess
import sys
import tempfile
import venv

HERE = pathlib.Path(__file__).resolve().parent
KERNELS = HERE / "kernels"
PTX = HERE / "ptx"
WHEELS = [
    "nvidia-cuda-nvrtc-cu12==12.4.127",
    "nvidia-cuda-runtime-cu12==12.4.127",
    "nvidia-cuda-nvcc-cu12==12.4.131",
]
HEADERS = ["warp.cuh", "element.cuh"]
SKIPPED = 77


def settings():
    """options.txt as a dictionary."""
    lines = (KERNELS / "options.txt").read_text().splitlines()
    return dict(line.split(": ", 1) for line in lines if line)


def source_hash(source):
    """The SHA-256 of options.txt, the headers and the source, each followed by a zero byte."""
    digest = hashlib.sha256()
    for path in [KERNELS / "options.txt", *(KERNELS / name for name in HEADERS), source]:
        digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()


def toolchain():
    """Where the wheels are, installed if need be; None where they cannot be had."""
    home = HERE / ".venv"
    python = home / "bin" / "python"
    if not python.exists():
        venv.create(home, with_pip=True)
    found = list(home.glob("lib/python*/site-packages/nvidia"))
    if not found or not (found[0] / "cuda_nvrtc").exists():
        command = [str(python), "-m", "pip", "install", "--quiet", "--no-deps", *WHEELS]
        if subprocess.run(command).returncode:
            return None
        found = list(home.glob("lib/python*/site-packages/nvidia"))
    return found[0]


class Nvrtc:
    """The few calls that are needed."""

    def __init__(self, nvidia):
        lib = nvidia / "cuda_nvrtc" / "lib"
        ctypes.CDLL(str(next(lib.glob("libnvrtc-builtins.so*"))), mode=ctypes.RTLD_GLOBAL)
        self.lib = ctypes.CDLL(str(lib / "libnvrtc.so.12"))
        self.includes = [
            f"-I{nvidia / part / 'include'}" for part in ["cuda_runtime", "cuda_nvcc"]
        ]

    def text(self, program, kind):
        size = ctypes.c_size_t()
        getattr(self.lib, f"nvrtcGet{kind}Size")(program, ctypes.byref(size))
        buffer = ctypes.create_string_buffer(size.value)
        getattr(self.lib, f"nvrtcGet{kind}")(program, buffer)
        return buffer.value.decode()

    def compile(self, source, architecture, options):
        program = ctypes.c_void_p()
        text = source.read_bytes()
        self.lib.nvrtcCreateProgram(
            ctypes.byref(program), text, source.name.encode(), 0, None, None
        )
        arguments = [*options.split(), f"--gpu-architecture=compute_{architecture}", f"-I{KERNELS}", *self.includes]
        array = (ctypes.c_char_p * len(arguments))(*(a.encode() for a in arguments))
        if self.lib.nvrtcCompileProgram(program, len(arguments), array):
            sys.exit(f"{source}: {self.text(program, 'ProgramLog')}")
        ptx = self.text(program, "PTX")
        self.lib.nvrtcDestroyProgram(ctypes.byref(program))
        return ptx


def without_target(ptx):
    return [line for line in ptx.splitlines() if not line.startswith(".target")]


def made(nvidia):
    """Every file of ptx/ by its name, as it should be."""
    nvrtc, known = Nvrtc(nvidia), settings()
    oldest, *later = known["architectures"].split()
    files = {}
    for source in sorted(KERNELS.glob("*.cu")):
        base = nvrtc.compile(source, oldest, known["options"])
        variants = {oldest: base}
        for architecture in later:
            ptx = nvrtc.compile(source, architecture, known["options"])
            if without_target(ptx) != without_target(base):
                variants[architecture] = ptx
        for architecture, ptx in variants.items():
            head = f"// Made by compile.py of kernels/{source.name}; do not edit.\n// sources: {source_hash(source)}\n"
            files[f"{source.stem}.sm_{architecture}.ptx"] = head + ptx
    return files


def check(nvidia):
    """Whether ptx/ is what the sources make, and can be assembled for what is in use."""
    files = made(nvidia)
    wrong = [name for name, text in files.items() if not (PTX / name).exists() or (PTX / name).read_text() != text]
    wrong += [path.name for path in PTX.glob("*.ptx") if path.name not in files]
    for name in wrong:
        print(f"ptx/{name} is not what its source makes: run compile.py")
    ptxas = nvidia / "cuda_nvcc" / "bin" / "ptxas"
    ptxas.chmod(0o755)
    with tempfile.TemporaryDirectory() as folder:
        for name in files:
            own = int(name.split(".sm_")[1].split(".")[0])
            for architecture in [a for a in (75, 80, 86, 89, 90) if a >= own]:
                command = [ptxas, "-O3", f"-arch=sm_{architecture}", PTX / name, "-o", f"{folder}/out.cubin"]
                if subprocess.run(command).returncode:
                    wrong.append(name)
                    print(f"ptx/{name} cannot be assembled for sm_{architecture}")
    if not wrong:
        print(f"{len(files)} files of PTX are what their sources make and assemble for sm_75 to sm_90")
    return not wrong


def main():
    nvidia = toolchain()
    if nvidia is None:
        print("skipped: NVIDIA's wheels cannot be installed here")
        sys.exit(SKIPPED)
    if sys.argv[1:] == ["--check"]:
        sys.exit(0 if check(nvidia) else 1)
    if sys.argv[1:]:
        sys.exit(__doc__)
    PTX.mkdir(exist_ok=True)
    files = made(nvidia)
    for path in PTX.glob("*.ptx"):
        path.unlink()
    for name, text in files.items():
        (PTX / name).write_text(text)
        print(f"ptx/{name}: {len(text)} bytes")


if __name__ == "__main__":
    main()
