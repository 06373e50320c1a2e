// The k rows that come first, as candidates: decoding, distance and a proven bound in one pass over the rows, then the k-th
// best bound, then the rows that it cannot exclude. The processor answers those exactly.
//
// A row has two keys: no answer of it can be better than `lower`, nor worse than `upper`. Answers are compared as sums
// times `sign`, so that small is good. If k rows have an upper key of at most T, a row whose lower key is above T is out,
// even where answers are rounded and tie: both keys have room for that. A row of which nothing is known (a sum that is not
// finite, a cosine of a vector too short) has the keys KEY_FIRST and KEY_LAST: it is always a candidate and excludes none.
#include "element.cuh"

enum { SCREEN_L2 = 0, SCREEN_L1 = 1, SCREEN_DOT = 2, SCREEN_COSINE = 3 };

#define ROWS_AT_ONCE 4

// Room for what follows the sum: roundings of the answer to binary32, of the bound itself; 2^-21.
#define ROOM 4.76837158203125e-7f
#define TRUSTED_MAX 1e37f
#define COSINE_SQUARES_MIN 8.67e-19f
#define COSINE_SQUARES_MAX 1.26e30f
// Beside the errors of the sums: what roundings take from a cosine.
#define COSINE_ROOM 1e-6f

FN void write_keys(u32 *lower, u32 *upper, u64 row, float least, float most, float sign) {
    float low = sign > 0 ? least : -most, high = sign > 0 ? most : -least;
    // Not true of a NaN either.
    bool known = low > -TRUSTED_MAX && high < TRUSTED_MAX && low <= high;
    lower[row] = known ? key_of(low) : KEY_FIRST;
    upper[row] = known ? key_of(high) : KEY_LAST;
}

// `relative` bounds the error of a sum relative to its terms' magnitudes, `absolute` what underflow adds; both with room.
FN void bound_sum(u32 screen, float sum, float squares, float query_norm, float relative, float absolute, float sign,
                  u32 *lower, u32 *upper, u64 row) {
    if (screen == SCREEN_COSINE) {
        float norms = sqrtf(squares) * query_norm, cosine = sum / norms;
        bool known = squares > COSINE_SQUARES_MIN && squares < COSINE_SQUARES_MAX;
        float error = known ? 4 * relative + COSINE_ROOM : float_of(0x7fc00000);
        write_keys(lower, upper, row, cosine - error, cosine + error, sign);
        return;
    }
    float magnitude = screen == SCREEN_DOT ? sqrtf(squares + absolute) * query_norm * 1.01f : sum;
    float error = relative * magnitude + absolute;
    float least = sum - error, most = sum + error;
    write_keys(lower, upper, row, least - fabsf(least) * ROOM, most + fabsf(most) * ROOM, sign);
}

FN void add_term(u32 screen, float x, float q, float &sum, float &squares) {
    if (screen == SCREEN_L2) {
        float difference = x - q;
        sum = fmaf(difference, difference, sum);
    } else if (screen == SCREEN_L1) {
        sum += fabsf(x - q);
    } else {
        sum = fmaf(x, q, sum);
        squares = fmaf(x, x, squares);
    }
}

template <int E>
FN void screen_rows(const u8 *rows, u64 row_bytes, u64 count, u32 dimension, const float *query, u32 screen, float scale,
                    float min, float query_norm, float relative, float absolute, float sign, const u8 *selected,
                    u32 *lower, u32 *upper) {
    const u32 each = 4 / element_width<E>();
    // Words of four bytes can be read only where every row starts at one.
    const bool aligned = row_bytes % 4 == 0 && ((u64)rows & 3) == 0;
    const u32 words = aligned ? dimension / each : 0;
    EACH_WARP(group, (count + ROWS_AT_ONCE - 1) / ROWS_AT_ONCE) {
        Lanes<float> sum[ROWS_AT_ONCE], squares[ROWS_AT_ONCE];
        LANES(lane) {
            float kept[ROWS_AT_ONCE], kept_squares[ROWS_AT_ONCE];
            for (u32 r = 0; r < ROWS_AT_ONCE; ++r) kept[r] = kept_squares[r] = 0;
            const u8 *first = rows + group * ROWS_AT_ONCE * row_bytes;
            const u64 here = count - group * ROWS_AT_ONCE;
            for (u32 word = lane; word < words; word += 32) {
                u32 found[ROWS_AT_ONCE];
                // Loads first, so that all are on their way.
                for (u32 r = 0; r < ROWS_AT_ONCE; ++r)
                    found[r] = r < here ? *(const u32 *)(first + r * row_bytes + (u64)word * 4) : 0;
                for (u32 r = 0; r < ROWS_AT_ONCE; ++r) {
                    float x[4];
                    word_elements<E>(found[r], x, scale, min);
                    for (u32 i = 0; i < each; ++i)
                        add_term(screen, x[i], query[word * each + i], kept[r], kept_squares[r]);
                }
            }
            for (u32 i = words * each + lane; i < dimension; i += 32) {
                for (u32 r = 0; r < ROWS_AT_ONCE; ++r) {
                    if (r < here)
                        add_term(screen, element<E>(first + r * row_bytes, i, scale, min), query[i], kept[r], kept_squares[r]);
                }
            }
            for (u32 r = 0; r < ROWS_AT_ONCE; ++r) {
                sum[r][lane] = kept[r];
                squares[r][lane] = kept_squares[r];
            }
        }
        for (u32 r = 0; r < ROWS_AT_ONCE; ++r) {
            fold(sum[r], 32);
            fold(squares[r], 32);
            const u64 row = group * ROWS_AT_ONCE + r;
            LANES(lane) {
                if (lane == 0 && row < count) {
                    if (selected && !selected[row]) {
                        lower[row] = upper[row] = KEY_LAST;
                    } else {
                        bound_sum(screen, sum[r][lane], squares[r][lane], query_norm, relative, absolute, sign, lower, upper, row);
                    }
                }
            }
        }
    }
}

KERNEL screen_vectors(const u8 *__restrict__ rows, u64 row_bytes, u64 count, u32 dimension, const float *__restrict__ query,
                      u32 encoding, u32 screen, float scale, float min, float query_norm, float relative, float absolute,
                      float sign, const u8 *__restrict__ selected, u32 *__restrict__ lower, u32 *__restrict__ upper) {
#define SCREEN_AS(E)                                                                                                  \
    screen_rows<E>(rows, row_bytes, count, dimension, query, screen, scale, min, query_norm, relative, absolute, sign, \
                   selected, lower, upper)
    switch (encoding) {
    case ENCODING_F32:
        SCREEN_AS(ENCODING_F32);
        break;
    case ENCODING_F16:
        SCREEN_AS(ENCODING_F16);
        break;
    case ENCODING_I8:
        SCREEN_AS(ENCODING_I8);
        break;
    case ENCODING_U8:
        SCREEN_AS(ENCODING_U8);
        break;
    default:
        SCREEN_AS(ENCODING_CODES);
    }
#undef SCREEN_AS
}

// The same for bits: hamming (`jaccard` 0) or jaccard.
KERNEL screen_bits(const u8 *__restrict__ rows, u64 row_bytes, u64 count, const u8 *__restrict__ query, u32 jaccard,
                   float sign, const u8 *__restrict__ selected, u32 *__restrict__ lower, u32 *__restrict__ upper) {
    EACH_WARP(row, count) {
        const u8 *bytes = rows + row * row_bytes;
        Lanes<u32> one, other;
        LANES(lane) {
            u32 found = 0, either = 0;
            for (u64 at = lane; at < row_bytes; at += 32) {
                u32 x = bytes[at], q = query[at];
                found += count_bits(jaccard ? x & q : x ^ q);
                either += count_bits(x | q);
            }
            one[lane] = found;
            other[lane] = either;
        }
        fold(one, 32);
        fold(other, 32);
        LANES(lane) {
            if (lane == 0) {
                if (selected && !selected[row]) {
                    lower[row] = upper[row] = KEY_LAST;
                } else {
                    float answer = (float)one[lane];
                    if (jaccard) answer = one[lane] == 0 ? 1.0f : 1.0f - (float)one[lane] / (float)other[lane];
                    float error = fabsf(answer) * ROOM + (jaccard ? COSINE_ROOM : 0.0f);
                    write_keys(lower, upper, row, answer - error, answer + error, sign);
                }
            }
        }
    }
}

// The k-th smallest upper key, eight bits at a time from the top. `state`: the bits found so far, how many are to be found
// among those that begin so; `counts` is 256 zeros before each pass. KEY_LAST where there are fewer than k.
#define STRIP 1024

KERNEL count_digits(const u32 *__restrict__ upper, u64 count, const u32 *__restrict__ state, u32 shift, u32 *counts) {
    SHARED(u32, seen, 256, WARPS);
    EACH_WARP(strip, (count + STRIP - 1) / STRIP) {
        LANES(lane) {
            for (u32 at = lane; at < 256; at += 32) seen[at] = 0;
        }
        SYNC;
        const u32 prefix = state[0];
        LANES(lane) {
            u64 end = (strip + 1) * STRIP < count ? (strip + 1) * STRIP : count;
            for (u64 at = strip * STRIP + lane; at < end; at += 32) {
                u32 key = upper[at];
                // A shift by 32 is none.
                bool begins = shift == 24 || key >> (shift + 8) == prefix >> (shift + 8);
                if (begins) add_to(seen + (key >> shift & 255), 1);
            }
        }
        SYNC;
        LANES(lane) {
            for (u32 at = lane; at < 256; at += 32) {
                if (seen[at]) add_to(counts + at, seen[at]);
            }
        }
        SYNC;
    }
}

// One warp. After the last pass (`shift` 0) `limit[0]` is lowered to the key that was found.
KERNEL choose_digit(u32 *state, u32 shift, u32 *counts, u32 *limit) {
    EACH_WARP(only, 1) {
        LANES(lane) {
            if (lane == 0) {
                u32 left = state[1], digit = 0;
                while (digit < 255 && counts[digit] < left) left -= counts[digit++];
                state[0] |= digit << shift;
                state[1] = left;
                if (shift == 0 && state[0] < limit[0]) limit[0] = state[0];
            }
        }
        SYNC;
        LANES(lane) {
            for (u32 at = lane; at < 256; at += 32) counts[at] = 0;
        }
        (void)only;
    }
}

// The rows whose lower key is not above the limit, in no order; `found[0]` counts those that did not fit as well.
KERNEL take_candidates(const u32 *__restrict__ lower, u64 count, const u32 *__restrict__ limit, u32 *__restrict__ rows,
                       u32 *__restrict__ keys, u32 room, u32 *found) {
    EACH_WARP(strip, (count + 31) / 32) {
        const u32 most = limit[0];
        Lanes<bool> taken;
        Lanes<u32> start;
        LANES(lane) {
            u64 row = strip * 32 + lane;
            taken[lane] = row < count && lower[row] <= most && lower[row] != KEY_LAST;
        }
        u32 mask = ballot(taken);
        if (!mask) continue;
        LANES(lane) {
            start[lane] = lane == 0 ? add_to(found, count_bits(mask)) : 0;
        }
        const u32 first = from_lane(start, 0);
        LANES(lane) {
            if (taken[lane]) {
                u32 slot = first + count_bits(mask & ((1u << lane) - 1));
                if (slot < room) {
                    rows[slot] = (u32)(strip * 32 + lane);
                    keys[slot] = lower[strip * 32 + lane];
                }
            }
        }
    }
}
