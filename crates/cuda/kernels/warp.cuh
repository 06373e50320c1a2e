// One body for two machines: a warp's program that nvcc compiles for a device and a C++ compiler for a processor.
//
// A kernel hands items to warps (EACH_WARP). What 32 lanes do at once stands in LANES(lane) { .. }: on a device that is
// the thread itself, on a processor a loop over 32 lanes. A value of each lane is a Lanes<T>. Everything outside of LANES
// is the same in all lanes. Whoever writes memory in one LANES and reads what another lane wrote puts SYNC between.
// Floating-point operations are never contracted (-fmad=false, -ffp-contract=off); where one rounding is meant, fmaf says so.
#pragma once

#ifdef __CUDACC__
#include <cuda_fp16.h>
#include <mma.h>
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
#define KERNEL extern "C" __global__ void
#define FN __device__ __forceinline__
#define LANES(lane) if (const u32 lane = threadIdx.x & 31u; true)
#define SYNC __syncwarp()
#define EACH_WARP(item, items)                                                                                        \
    for (u64 item = ((u64)blockIdx.x * blockDim.x + threadIdx.x) >> 5, stride_ = ((u64)gridDim.x * blockDim.x) >> 5; \
         item < (u64)(items); item += stride_)
// Memory of one warp, of which a block has at most `warps`.
#define SHARED(type, name, count, warps)             \
    __shared__ __align__(16) type name##_all[warps][count]; \
    type *name = name##_all[threadIdx.x >> 5]
template <class T> struct Lanes {
    T value;
    FN T &operator[](u32) { return value; }
    FN const T &operator[](u32) const { return value; }
};
FN u32 ballot(const Lanes<bool> &asked) { return __ballot_sync(~0u, asked.value); }
template <class T> FN T from_lane(const Lanes<T> &values, u32 lane) { return __shfl_sync(~0u, values.value, lane); }
// Adds the upper half of `width` neighbouring lanes to the lower half until one is left.
template <class T> FN void fold(Lanes<T> &values, u32 width) {
    for (u32 half = width / 2; half > 0; half /= 2) {
        values.value += __shfl_down_sync(~0u, values.value, half, width);
    }
}
FN u32 greatest_of(const Lanes<u32> &values) {
    u32 most = values.value;
    for (u32 half = 16; half > 0; half /= 2) {
        u32 other = __shfl_xor_sync(~0u, most, half);
        most = other > most ? other : most;
    }
    return most;
}
FN u32 lowest_bit(u32 mask) { return __ffs(mask) - 1; }
FN u32 count_bits(u32 mask) { return __popc(mask); }
FN void raise(u32 *slot, u32 value) { atomicMax(slot, value); }
FN u32 add_to(u32 *slot, u32 value) { return atomicAdd(slot, value); }
FN u32 bits_of(float value) { return __float_as_uint(value); }
FN float float_of(u32 bits) { return __uint_as_float(bits); }
FN u16 half_bits(float value) { return __half_as_ushort(__float2half_rn(value)); }
#else
#include <cmath>
#include <cstdint>
#include <cstring>
typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
#define KERNEL extern "C" void
#define FN static inline
#define __restrict__ __restrict
#define LANES(lane) for (u32 lane = 0; lane < 32; ++lane)
#define SYNC
#define EACH_WARP(item, items) for (u64 item = 0; item < (u64)(items); ++item)
#define SHARED(type, name, count, warps) alignas(16) static thread_local type name[count]
template <class T> struct Lanes {
    T value[32];
    T &operator[](u32 lane) { return value[lane]; }
    const T &operator[](u32 lane) const { return value[lane]; }
};
FN u32 ballot(const Lanes<bool> &asked) {
    u32 mask = 0;
    for (u32 lane = 0; lane < 32; ++lane) mask |= (u32)asked[lane] << lane;
    return mask;
}
template <class T> static inline T from_lane(const Lanes<T> &values, u32 lane) { return values[lane & 31]; }
template <class T> static inline void fold(Lanes<T> &values, u32 width) {
    for (u32 half = width / 2; half > 0; half /= 2) {
        Lanes<T> before = values;
        for (u32 lane = 0; lane < 32; ++lane) {
            u32 other = lane + half;
            values[lane] = before[lane] + (other / width == lane / width ? before[other] : before[lane]);
        }
    }
}
FN u32 greatest_of(const Lanes<u32> &values) {
    u32 most = 0;
    for (u32 lane = 0; lane < 32; ++lane) most = values[lane] > most ? values[lane] : most;
    return most;
}
FN u32 lowest_bit(u32 mask) { return (u32)__builtin_ctz(mask); }
FN u32 count_bits(u32 mask) { return (u32)__builtin_popcount(mask); }
FN void raise(u32 *slot, u32 value) {
    if (value > *slot) *slot = value;
}
FN u32 add_to(u32 *slot, u32 value) {
    u32 before = *slot;
    *slot = before + value;
    return before;
}
FN u32 bits_of(float value) {
    u32 bits;
    std::memcpy(&bits, &value, 4);
    return bits;
}
FN float float_of(u32 bits) {
    float value;
    std::memcpy(&value, &bits, 4);
    return value;
}
// Round to nearest even, in whole numbers, as the device's conversion does for numbers.
FN u16 half_bits(float value) {
    u32 bits = bits_of(value), sign = bits >> 16 & 0x8000, rest = bits & 0x7fffffff;
    if (rest >= 0x7f800000) return (u16)(sign | (rest > 0x7f800000 ? 0x7fff : 0x7c00));
    if (rest >= 0x477ff000) return (u16)(sign | 0x7c00);
    if (rest < 0x33000000) return (u16)sign;
    u32 exponent = rest >> 23, mantissa = (rest & 0x7fffff) | 0x800000;
    u32 dropped = exponent >= 113 ? 13 : 126 - exponent;
    u32 base = exponent >= 113 ? (exponent - 113) << 10 : 0;
    u32 kept = mantissa >> dropped, left = mantissa & ((1u << dropped) - 1), tie = 1u << (dropped - 1);
    kept += left > tie || (left == tie && (kept & 1)) ? 1 : 0;
    return (u16)(sign | (base + kept));
}
#endif

// The most warps of a block, wherever a kernel has memory of its own for each.
#define WARPS 4

// IEEE binary16 to binary32, the sign and the top of a NaN's payload kept, NaN made quiet.
FN float half_value(u16 half) {
    u32 sign = (u32)(half & 0x8000) << 16, exponent = half >> 10 & 31, mantissa = half & 0x3ff;
    if (exponent == 31) return float_of(sign | 0x7f800000 | mantissa << 13 | (mantissa ? 0x400000 : 0));
    if (exponent) return float_of(sign | (exponent + 112) << 23 | mantissa << 13);
    // A subnormal is a small whole number times 2^-24: exact in binary32.
    float magnitude = (float)mantissa * 5.9604644775390625e-8f;
    return float_of(sign | bits_of(magnitude));
}

// Numbers in the order of their keys; NaN is never given.
FN u32 key_of(float value) {
    u32 bits = bits_of(value);
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}
#define KEY_FIRST 0u
#define KEY_LAST 0xffffffffu
