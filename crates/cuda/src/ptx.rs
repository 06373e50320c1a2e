//! The kernels as they are compiled: PTX, which the driver turns into machine code for the device at hand.

/// A file of kernels.
pub(crate) struct Module {
    /// The names of its kernels.
    pub(crate) kernels: &'static [&'static str],
    /// PTX, ending in a zero byte.
    pub(crate) ptx: &'static str,
}

macro_rules! ptx {
    ($name:literal) => {
        concat!(include_str!(concat!("../ptx/", $name, ".sm_75.ptx")), "\0")
    };
}

/// Every file. PTX for compute capability 7.5 serves all that came after.
pub(crate) const MODULES: &[Module] = &[
    Module {
        kernels: &["decode_fp16", "decode_int8", "decode_lossless"],
        ptx: ptx!("codecs"),
    },
    Module {
        kernels: &["distance_sums", "bit_counts"],
        ptx: ptx!("distances"),
    },
    Module {
        kernels: &["halve_vectors", "multiply_halves", "choose_rows"],
        ptx: ptx!("join"),
    },
    Module {
        kernels: &[
            "same_fill_detect",
            "lz4_compress",
            "gather_stored",
            "decompress_pages",
        ],
        ptx: ptx!("pages"),
    },
    Module {
        kernels: &[
            "screen_vectors",
            "screen_bits",
            "count_digits",
            "choose_digit",
            "take_candidates",
        ],
        ptx: ptx!("search"),
    },
];
