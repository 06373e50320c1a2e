//! The page codecs against their slow twins, each other and other people's libraries.

mod corpora;

mod compressors;
mod frames;
mod lz4;
mod same_fill;
mod shuffle;
mod zstd;
