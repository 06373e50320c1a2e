#!/usr/bin/env python3
"""nvCOMP's LZ4 over the pages of a file, in device memory: nvcomp_pages.py FILE

Chunks of 4,096 bytes, the best of six runs, timed around a call that returns when the device is done.
"""

import sys
import time

import nvidia.nvcomp as nvcomp


def best(work):
    work()
    times = []
    for _ in range(5):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times)


def main():
    with open(sys.argv[1], "rb") as file:
        data = file.read()
    codec = nvcomp.Codec(algorithm="LZ4", uncomp_chunk_size=4096)
    there = nvcomp.as_array(data).cuda()
    encoded = codec.encode(there)
    decoded = codec.decode(encoded)
    if bytes(decoded.cpu()) != data:
        sys.exit("nvCOMP does not give the pages back")
    size = encoded.buffer_size
    gigabytes = len(data) / 1e9
    # A copy of the size to the host waits for the device.
    encode = best(lambda: codec.encode(there).buffer_size)
    decode = best(lambda: codec.decode(encoded).buffer_size)
    print(f"{'nvCOMP LZ4, in device memory: compress':<52} {gigabytes / encode:>11.1f} GB/s")
    print(f"{'nvCOMP LZ4, in device memory: decompress':<52} {gigabytes / decode:>11.1f} GB/s")
    print(f"{'nvCOMP LZ4: ratio':<52} {len(data) / size:>16.2f}")


main()
