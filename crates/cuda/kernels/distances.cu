// Exact sums: element i in lane i % 16, products rounded before they are added, lanes folded upper half onto lower half, all
// in binary64. The same as the processor's to the last bit; what is made of the sums is made there.
#include "element.cuh"

enum { SUM_L2_SQUARED = 0, SUM_L1 = 1, SUM_DOT = 2 };

// Two rows a warp, one in each half. `squares` is the sum of x², and may be null.
template <int E>
FN void exact_sums(const u8 *rows, u64 row_bytes, u64 count, u32 dimension, const double *query, u32 sum, float scale,
                   float min, double *sums, double *squares) {
    EACH_WARP(pair, (count + 1) / 2) {
        Lanes<double> total, square;
        LANES(lane) {
            u64 row = pair * 2 + lane / 16;
            double kept = 0, kept_square = 0;
            if (row < count) {
                const u8 *bytes = rows + row * row_bytes;
                for (u32 i = lane % 16; i < dimension; i += 16) {
                    double x = (double)element<E>(bytes, i, scale, min), q = query[i], term;
                    if (sum == SUM_L2_SQUARED) {
                        term = (x - q) * (x - q);
                    } else if (sum == SUM_L1) {
                        term = fabs(x - q);
                    } else {
                        term = x * q;
                    }
                    kept += term;
                    kept_square += x * x;
                }
            }
            total[lane] = kept;
            square[lane] = kept_square;
        }
        fold(total, 16);
        fold(square, 16);
        LANES(lane) {
            u64 row = pair * 2 + lane / 16;
            if (lane % 16 == 0 && row < count) {
                sums[row] = total[lane];
                if (squares) squares[row] = square[lane];
            }
        }
    }
}

KERNEL distance_sums(const u8 *__restrict__ rows, u64 row_bytes, u64 count, u32 dimension, const double *__restrict__ query,
                     u32 encoding, u32 sum, float scale, float min, double *__restrict__ sums, double *__restrict__ squares) {
    switch (encoding) {
    case ENCODING_F32:
        exact_sums<ENCODING_F32>(rows, row_bytes, count, dimension, query, sum, scale, min, sums, squares);
        break;
    case ENCODING_F16:
        exact_sums<ENCODING_F16>(rows, row_bytes, count, dimension, query, sum, scale, min, sums, squares);
        break;
    case ENCODING_I8:
        exact_sums<ENCODING_I8>(rows, row_bytes, count, dimension, query, sum, scale, min, sums, squares);
        break;
    case ENCODING_U8:
        exact_sums<ENCODING_U8>(rows, row_bytes, count, dimension, query, sum, scale, min, sums, squares);
        break;
    default:
        exact_sums<ENCODING_CODES>(rows, row_bytes, count, dimension, query, sum, scale, min, sums, squares);
    }
}

// Bits that differ, that are set in both, and that are set in either, of each row: `counts[3 * row ..]`.
KERNEL bit_counts(const u8 *__restrict__ rows, u64 row_bytes, u64 count, const u8 *__restrict__ query,
                  u64 *__restrict__ counts) {
    EACH_WARP(row, count) {
        const u8 *bytes = rows + row * row_bytes;
        Lanes<u64> differing, both, either;
        LANES(lane) {
            u64 found[3] = {0, 0, 0};
            for (u64 at = lane; at < row_bytes; at += 32) {
                found[0] += count_bits(bytes[at] ^ query[at]);
                found[1] += count_bits(bytes[at] & query[at]);
                found[2] += count_bits(bytes[at] | query[at]);
            }
            differing[lane] = found[0];
            both[lane] = found[1];
            either[lane] = found[2];
        }
        fold(differing, 32);
        fold(both, 32);
        fold(either, 32);
        LANES(lane) {
            if (lane == 0) {
                counts[3 * row] = differing[lane];
                counts[3 * row + 1] = both[lane];
                counts[3 * row + 2] = either[lane];
            }
        }
    }
}
