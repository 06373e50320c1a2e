// How one stored element becomes a number: `Encoding` of the kernels for the processor, the same to the last bit.
#pragma once
#include "warp.cuh"

enum { ENCODING_F32 = 0, ENCODING_F16 = 1, ENCODING_I8 = 2, ENCODING_U8 = 3, ENCODING_CODES = 4 };

FN u32 load_u16(const u8 *bytes) { return bytes[0] | (u32)bytes[1] << 8; }
FN u32 load_u32(const u8 *bytes) { return load_u16(bytes) | load_u16(bytes + 2) << 16; }

template <int E> FN u32 element_width() { return E == ENCODING_F32 ? 4 : E == ENCODING_F16 ? 2 : 1; }

template <int E> FN float element(const u8 *row, u64 index, float scale, float min) {
    if (E == ENCODING_F32) return float_of(load_u32(row + index * 4));
    if (E == ENCODING_F16) return half_value((u16)load_u16(row + index * 2));
    if (E == ENCODING_I8) return (float)(signed char)row[index];
    if (E == ENCODING_U8) return (float)row[index];
    return (float)row[index] * scale + min;
}

// The elements of one aligned word of four bytes: 1, 2 or 4 of them.
template <int E> FN void word_elements(u32 word, float *out, float scale, float min) {
    if (E == ENCODING_F32) {
        out[0] = float_of(word);
    } else if (E == ENCODING_F16) {
        out[0] = half_value((u16)word);
        out[1] = half_value((u16)(word >> 16));
    } else {
        for (u32 i = 0; i < 4; ++i) {
            u32 byte = word >> (8 * i) & 255;
            float value = E == ENCODING_I8 ? (float)(signed char)byte : (float)byte;
            out[i] = E == ENCODING_CODES ? value * scale + min : value;
        }
    }
}
