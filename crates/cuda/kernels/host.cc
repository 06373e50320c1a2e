// Every kernel for the processor, by its name, with arguments as the driver takes them.
#include "codecs.cu"
#include "distances.cu"
#include "join.cu"
#undef ROOM
#undef TRUSTED_MAX
#undef COSINE_SQUARES_MIN
#undef COSINE_SQUARES_MAX
#undef COSINE_ROOM
#undef STRIP
#include "pages.cu"
#include "search.cu"

#include <utility>

template <class... Args, std::size_t... I> static void call(void (*kernel)(Args...), void **args, std::index_sequence<I...>) {
    kernel(*static_cast<std::remove_reference_t<Args> *>(args[I])...);
}
template <class... Args> static void unpack(void (*kernel)(Args...), void **args) {
    call(kernel, args, std::index_sequence_for<Args...>());
}

// 0, or 1 where there is no kernel of that name.
extern "C" int ogive_run_kernel(const char *name, void **args) {
#define ONE(kernel)                         \
    if (std::strcmp(name, #kernel) == 0) {  \
        unpack(kernel, args);               \
        return 0;                           \
    }
    ONE(decode_fp16)
    ONE(decode_int8)
    ONE(decode_lossless)
    ONE(same_fill_detect)
    ONE(lz4_compress)
    ONE(gather_stored)
    ONE(decompress_pages)
    ONE(distance_sums)
    ONE(bit_counts)
    ONE(screen_vectors)
    ONE(screen_bits)
    ONE(count_digits)
    ONE(choose_digit)
    ONE(take_candidates)
    ONE(halve_vectors)
    ONE(multiply_halves)
    ONE(choose_rows)
    return 1;
}
