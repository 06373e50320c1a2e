// The value codecs of CVC files: fp16, int8 and lossless, decoded to binary32.
#include "warp.cuh"
#include "element.cuh"

// Values that a warp decodes at a time.
#define STRIP 1024

KERNEL decode_fp16(const u8 *__restrict__ bytes, float *__restrict__ out, u64 values) {
    EACH_WARP(strip, (values + STRIP - 1) / STRIP) {
        LANES(lane) {
            u64 end = (strip + 1) * STRIP < values ? (strip + 1) * STRIP : values;
            for (u64 at = strip * STRIP + lane; at < end; at += 32) out[at] = element<ENCODING_F16>(bytes, at, 0, 0);
        }
    }
}

// Two roundings: after the product and after the sum.
KERNEL decode_int8(const u8 *__restrict__ bytes, float *__restrict__ out, u64 values, float scale, float min) {
    EACH_WARP(strip, (values + STRIP - 1) / STRIP) {
        LANES(lane) {
            u64 end = (strip + 1) * STRIP < values ? (strip + 1) * STRIP : values;
            for (u64 at = strip * STRIP + lane; at < end; at += 32)
                out[at] = element<ENCODING_CODES>(bytes, at, scale, min);
        }
    }
}

// Four byte planes, each with a dictionary of up to 256 bytes and codes of `bits` bits, the first in the most significant
// bits. `bytes` has a byte to spare after the codes. `bad` counts codes outside of their dictionaries; the processor finds which.
KERNEL decode_lossless(const u8 *__restrict__ bytes, u64 dictionary0, u64 dictionary1, u64 dictionary2, u64 dictionary3,
                       u32 entries0, u32 entries1, u32 entries2, u32 entries3, u64 codes0, u64 codes1, u64 codes2,
                       u64 codes3, u32 bits0, u32 bits1, u32 bits2, u32 bits3, u64 first, u64 values,
                       u32 *__restrict__ out, u32 *bad) {
    const u64 dictionaries[4] = {dictionary0, dictionary1, dictionary2, dictionary3};
    const u64 codes[4] = {codes0, codes1, codes2, codes3};
    const u32 entries[4] = {entries0, entries1, entries2, entries3};
    const u32 bits[4] = {bits0, bits1, bits2, bits3};
    EACH_WARP(strip, (values + STRIP - 1) / STRIP) {
        LANES(lane) {
            u64 end = (strip + 1) * STRIP < values ? (strip + 1) * STRIP : values;
            for (u64 at = strip * STRIP + lane; at < end; at += 32) {
                u32 word = 0, wrong = 0;
                for (u32 plane = 0; plane < 4; ++plane) {
                    u64 start = (first + at) * bits[plane];
                    const u8 *code = bytes + codes[plane] + start / 8;
                    u32 pair = (u32)code[0] << 8 | code[1];
                    u32 found = pair >> (16 - start % 8 - bits[plane]) & ((1u << bits[plane]) - 1);
                    if (found >= entries[plane]) {
                        wrong = 1;
                    } else {
                        word |= (u32)bytes[dictionaries[plane] + found] << (8 * plane);
                    }
                }
                if (wrong) add_to(bad, 1);
                out[at] = word;
            }
        }
    }
}
