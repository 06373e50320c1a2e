// Many queries at once: products of half-precision vectors by tensor cores, with the error of every vector measured, and
// for every query the rows that the k best bounds cannot exclude. The processor answers those exactly.
//
// A vector x is scaled by a power of two so that its greatest element lies in 1 to 2, and rounded to binary16, h. With the
// residual r = |x - h / s| measured,
//
//     |x q - (h / s)(h' / s')| <= r |q| + |h / s| r' <= r |q| + (|x| + r) r'
//
// and the products of halves are exact in binary32; adding d of them in any order, even cut off instead of rounded, loses
// less than (d + 64) 2^-21 of |h / s||h' / s'|.
#include "element.cuh"

#define TILE 16
#define TILES_A_SIDE 4
#define SIDE (TILE * TILES_A_SIDE)

// What is known of a vector beside its half: four numbers.
#define FACTS 4
#define FACT_UNSCALE 0
#define FACT_SQUARES 1
#define FACT_NORM 2
#define FACT_RESIDUAL 3

template <int E>
FN void halve(const u8 *rows, u64 row_bytes, u64 count, u64 padded, u32 dimension, u32 stride, float scale, float min,
              u16 *halves, float *facts) {
    EACH_WARP(row, padded) {
        u16 *out = halves + row * stride;
        if (row >= count) {
            LANES(lane) {
                for (u32 i = lane; i < stride; i += 32) out[i] = 0;
                if (lane < FACTS) facts[row * FACTS + lane] = 0;
            }
            continue;
        }
        const u8 *bytes = rows + row * row_bytes;
        // As bits, whose order is that of sizes, with what is no number last.
        Lanes<u32> greatest;
        LANES(lane) {
            u32 most = 0;
            for (u32 i = lane; i < dimension; i += 32) {
                u32 size = bits_of(fabsf(element<E>(bytes, i, scale, min)));
                most = size > most ? size : most;
            }
            greatest[lane] = most;
        }
        const u32 most = greatest_of(greatest);
        // The power of two: that of the greatest element. A vector whose greatest element is below 2^-31, above 2^31 or no number
        // has no half; its residual is NaN, which makes everything about it unknown. Squares of residuals that underflow are
        // those of less than 2^-74, and 65,536 of them lose less than 1e-10 of the norm.
        const u32 exponent = most >> 23;
        const bool usable = exponent >= 96 && exponent <= 158;
        const float up = usable ? float_of((254 - exponent) << 23) : 0.0f, down = usable ? float_of(exponent << 23) : 0.0f;
        Lanes<float> squares, residual;
        LANES(lane) {
            float kept = 0, lost = 0;
            for (u32 i = lane; i < stride; i += 32) {
                float x = i < dimension ? element<E>(bytes, i, scale, min) : 0.0f;
                u16 half = usable ? half_bits(x * up) : (u16)0;
                float rest = x - half_value(half) * down;
                out[i] = half;
                kept = fmaf(x, x, kept);
                lost = fmaf(rest, rest, lost);
            }
            squares[lane] = kept;
            residual[lane] = lost;
        }
        fold(squares, 32);
        fold(residual, 32);
        LANES(lane) {
            if (lane == 0) {
                // Sums of squares of at most 65,536 terms are within 2^-7; a hundredth covers their roots.
                float norm = sqrtf(squares[lane]);
                float *fact = facts + row * FACTS;
                fact[FACT_UNSCALE] = down;
                fact[FACT_SQUARES] = squares[lane];
                fact[FACT_NORM] = norm * 1.01f;
                fact[FACT_RESIDUAL] = usable || most == 0 ? sqrtf(residual[lane]) * 1.01f + norm * 1e-10f : float_of(0x7fc00000);
            }
        }
    }
}

// Halves of `count` vectors with their facts, padded with zeros to `padded` vectors of `stride` elements.
KERNEL halve_vectors(const u8 *__restrict__ rows, u64 row_bytes, u64 count, u64 padded, u32 dimension, u32 stride, u32 encoding,
                     float scale, float min, u16 *__restrict__ halves, float *__restrict__ facts) {
#define HALVE_AS(E) halve<E>(rows, row_bytes, count, padded, dimension, stride, scale, min, halves, facts)
    switch (encoding) {
    case ENCODING_F32:
        HALVE_AS(ENCODING_F32);
        break;
    case ENCODING_F16:
        HALVE_AS(ENCODING_F16);
        break;
    case ENCODING_I8:
        HALVE_AS(ENCODING_I8);
        break;
    case ENCODING_U8:
        HALVE_AS(ENCODING_U8);
        break;
    default:
        HALVE_AS(ENCODING_CODES);
    }
#undef HALVE_AS
}

// products[query * rows + row] = sum of halves' products; `queries` and `rows` are multiples of SIDE, `stride` of TILE. A warp
// makes a square of SIDE by SIDE.
KERNEL multiply_halves(const u16 *__restrict__ queries_halves, const u16 *__restrict__ rows_halves, u32 queries, u32 rows,
                       u32 stride, float *__restrict__ products) {
    EACH_WARP(square, (u64)(queries / SIDE) * (rows / SIDE)) {
        // Neighbouring warps share rows, which are many, and take all queries in turn.
        const u32 query = (u32)(square % (queries / SIDE)) * SIDE, row = (u32)(square / (queries / SIDE)) * SIDE;
#ifdef __CUDACC__
        using namespace nvcuda;
        wmma::fragment<wmma::accumulator, TILE, TILE, TILE, float> sums[TILES_A_SIDE][TILES_A_SIDE];
#pragma unroll
        for (u32 i = 0; i < TILES_A_SIDE; ++i)
#pragma unroll
            for (u32 j = 0; j < TILES_A_SIDE; ++j) wmma::fill_fragment(sums[i][j], 0.0f);
        for (u32 at = 0; at < stride; at += TILE) {
            wmma::fragment<wmma::matrix_a, TILE, TILE, TILE, half, wmma::row_major> left[TILES_A_SIDE];
            wmma::fragment<wmma::matrix_b, TILE, TILE, TILE, half, wmma::col_major> right[TILES_A_SIDE];
#pragma unroll
            for (u32 i = 0; i < TILES_A_SIDE; ++i) {
                wmma::load_matrix_sync(left[i], (const half *)queries_halves + (u64)(query + i * TILE) * stride + at, stride);
                wmma::load_matrix_sync(right[i], (const half *)rows_halves + (u64)(row + i * TILE) * stride + at, stride);
            }
#pragma unroll
            for (u32 i = 0; i < TILES_A_SIDE; ++i)
#pragma unroll
                for (u32 j = 0; j < TILES_A_SIDE; ++j) wmma::mma_sync(sums[i][j], left[i], right[j], sums[i][j]);
        }
#pragma unroll
        for (u32 i = 0; i < TILES_A_SIDE; ++i)
#pragma unroll
            for (u32 j = 0; j < TILES_A_SIDE; ++j)
                wmma::store_matrix_sync(products + (u64)(query + i * TILE) * rows + row + j * TILE, sums[i][j], rows,
                                        wmma::mem_row_major);
#else
        for (u32 i = 0; i < SIDE; ++i)
            for (u32 j = 0; j < SIDE; ++j) {
                float sum = 0;
                for (u32 at = 0; at < stride; ++at)
                    sum += half_value(queries_halves[(u64)(query + i) * stride + at]) *
                           half_value(rows_halves[(u64)(row + j) * stride + at]);
                products[(u64)(query + i) * rows + row + j] = sum;
            }
#endif
    }
}

enum { JOIN_L2 = 0, JOIN_DOT = 1, JOIN_COSINE = 2 };

#define BEST_MAX 256
#define ROOM 4.76837158203125e-7f
#define TRUSTED_MAX 1e37f
#define COSINE_SQUARES_MIN 8.67e-19f
#define COSINE_SQUARES_MAX 1.26e30f
#define COSINE_ROOM 1e-6f

// For every query: the keys of the k best upper bounds so far (`best`, k a query, KEY_LAST at first) and the rows that could
// still be among the first k when they came by (`rows_found`, `keys_found`, `room` a query). `found` counts those that did not
// fit as well. `relative` bounds the error of adding products up.
KERNEL choose_rows(const float *__restrict__ products, const float *__restrict__ query_facts, const float *__restrict__ row_facts,
                   u32 queries, u64 count, u64 padded, u64 first_row, const u8 *__restrict__ selected, u32 measure, u32 k,
                   float relative, float sign, u32 room, u32 *__restrict__ best, u32 *__restrict__ rows_found,
                   u32 *__restrict__ keys_found, u32 *__restrict__ found) {
    SHARED(u32, kept, BEST_MAX, WARPS);
    EACH_WARP(query, queries) {
        LANES(lane) {
            for (u32 at = lane; at < k; at += 32) kept[at] = best[query * k + at];
        }
        SYNC;
        u32 worst = 0, worst_at = 0;
        for (u32 at = 0; at < k; ++at) {
            if (kept[at] >= worst) {
                worst = kept[at];
                worst_at = at;
            }
        }
        u32 number = found[query];
        const float *facts = query_facts + query * FACTS;
        const float query_norm = facts[FACT_NORM], query_residual = facts[FACT_RESIDUAL];
        for (u64 start = 0; start < count; start += 32) {
            Lanes<u32> lower, upper;
            Lanes<bool> taken, improves;
            LANES(lane) {
                u64 row = start + lane;
                u32 low = KEY_LAST, high = KEY_LAST;
                if (row < count && !(selected && !selected[row])) {
                    const float *fact = row_facts + row * FACTS;
                    float dot = products[query * padded + row] * facts[FACT_UNSCALE] * fact[FACT_UNSCALE];
                    float error = fact[FACT_RESIDUAL] * query_norm + (fact[FACT_NORM] + fact[FACT_RESIDUAL]) * query_residual +
                                  relative * (fact[FACT_NORM] + fact[FACT_RESIDUAL]) * (query_norm + query_residual);
                    error *= 1.01f;
                    float value, off;
                    if (measure == JOIN_DOT) {
                        value = dot;
                        off = error;
                    } else if (measure == JOIN_L2) {
                        value = fact[FACT_SQUARES] + facts[FACT_SQUARES] - 2 * dot;
                        off = 2 * error + (fact[FACT_SQUARES] + facts[FACT_SQUARES]) * (relative + 4 * ROOM);
                    } else {
                        float norms = sqrtf(fact[FACT_SQUARES]) * sqrtf(facts[FACT_SQUARES]);
                        bool known = fact[FACT_SQUARES] > COSINE_SQUARES_MIN && fact[FACT_SQUARES] < COSINE_SQUARES_MAX &&
                                     facts[FACT_SQUARES] > COSINE_SQUARES_MIN && facts[FACT_SQUARES] < COSINE_SQUARES_MAX;
                        value = dot / norms;
                        off = known ? error / norms * 1.01f + 2 * relative + COSINE_ROOM : float_of(0x7fc00000);
                    }
                    off += fabsf(value) * ROOM;
                    float least = sign > 0 ? value - off : -value - off, most = sign > 0 ? value + off : -value + off;
                    bool known = least > -TRUSTED_MAX && most < TRUSTED_MAX && least <= most;
                    low = known ? key_of(least) : KEY_FIRST;
                    high = known ? key_of(most) : KEY_LAST;
                    taken[lane] = low <= worst;
                    improves[lane] = high < worst;
                } else {
                    taken[lane] = improves[lane] = false;
                }
                lower[lane] = low;
                upper[lane] = high;
            }
            u32 mask = ballot(taken);
            if (!mask) continue;
            LANES(lane) {
                if (taken[lane]) {
                    u32 slot = number + count_bits(mask & ((1u << lane) - 1));
                    if (slot < room) {
                        rows_found[query * room + slot] = (u32)(first_row + start + lane);
                        keys_found[query * room + slot] = lower[lane];
                    }
                }
            }
            number += count_bits(mask);
            u32 better = ballot(improves);
            while (better) {
                u32 key = from_lane(upper, lowest_bit(better));
                better &= better - 1;
                if (key >= worst) continue;
                SYNC;
                LANES(lane) {
                    if (lane == 0) kept[worst_at] = key;
                }
                SYNC;
                // The worst that is left, and where: found by all lanes alike.
                worst = 0;
                for (u32 at = 0; at < k; ++at) {
                    if (kept[at] >= worst) {
                        worst = kept[at];
                        worst_at = at;
                    }
                }
            }
        }
        SYNC;
        LANES(lane) {
            for (u32 at = lane; at < k; at += 32) best[query * k + at] = kept[at];
            if (lane == 0) found[query] = number;
        }
        SYNC;
    }
}
