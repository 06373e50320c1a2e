//! Bytes of values side by side: the first byte of every value, then the second of every one, and so on.
//!
//! Numbers of neighbouring values share their high bytes, which then stand together, where a compressor finds them. Bytes
//! after the last whole value stay at the end.

/// The widest value, in bytes.
pub const WIDTH_MAX: usize = 4096;

/// Values that are moved at a time: their bytes stay in the first-level cache while each plane gets its part.
const STRETCH: usize = 512;

/// Writes `bytes` in planes to `out`, which has as many bytes, for values of `width` bytes. A width of 0 is taken as 1.
pub fn shuffle(bytes: &[u8], width: usize, out: &mut [u8]) {
    match width {
        2 => shuffle_fixed::<2>(bytes, out),
        4 => shuffle_fixed::<4>(bytes, out),
        8 => shuffle_fixed::<8>(bytes, out),
        _ => shuffle_any(bytes, width, out),
    }
}

/// Takes back [`shuffle`].
pub fn unshuffle(bytes: &[u8], width: usize, out: &mut [u8]) {
    match width {
        2 => unshuffle_fixed::<2>(bytes, out),
        4 => unshuffle_fixed::<4>(bytes, out),
        8 => unshuffle_fixed::<8>(bytes, out),
        _ => unshuffle_any(bytes, width, out),
    }
}

fn copy_rest(bytes: &[u8], start: usize, out: &mut [u8]) {
    for (slot, byte) in out
        .iter_mut()
        .skip(start)
        .zip(bytes.get(start..).unwrap_or_default())
    {
        *slot = *byte;
    }
}

/// The slow twin: byte by byte.
pub(super) fn shuffle_any(bytes: &[u8], width: usize, out: &mut [u8]) {
    let width = width.max(1);
    let count = bytes.len() / width;
    for (plane, target) in out.chunks_mut(count.max(1)).take(width).enumerate() {
        for (slot, value) in target.iter_mut().zip(bytes.chunks_exact(width)) {
            *slot = value.get(plane).copied().unwrap_or_default();
        }
    }
    copy_rest(bytes, count * width, out);
}

/// The slow twin: byte by byte.
pub(super) fn unshuffle_any(bytes: &[u8], width: usize, out: &mut [u8]) {
    let width = width.max(1);
    let count = bytes.len() / width;
    for (plane, source) in bytes.chunks(count.max(1)).take(width).enumerate() {
        for (value, byte) in out.chunks_exact_mut(width).zip(source) {
            if let Some(slot) = value.get_mut(plane) {
                *slot = *byte;
            }
        }
    }
    copy_rest(bytes, count * width, out);
}

fn shuffle_fixed<const WIDTH: usize>(bytes: &[u8], out: &mut [u8]) {
    let (values, _) = bytes.as_chunks::<WIDTH>();
    let count = values.len();
    for (stretch, values) in values.chunks(STRETCH).enumerate() {
        for plane in 0..WIDTH {
            let start = plane * count + stretch * STRETCH;
            let target = out.get_mut(start..start + values.len()).unwrap_or_default();
            for (slot, value) in target.iter_mut().zip(values) {
                *slot = value[plane];
            }
        }
    }
    copy_rest(bytes, count * WIDTH, out);
}

fn unshuffle_fixed<const WIDTH: usize>(bytes: &[u8], out: &mut [u8]) {
    let count = bytes.len() / WIDTH;
    let (values, _) = out.as_chunks_mut::<WIDTH>();
    for (stretch, values) in values.chunks_mut(STRETCH).enumerate() {
        let planes: [&[u8]; WIDTH] = std::array::from_fn(|plane| {
            let start = plane * count + stretch * STRETCH;
            bytes.get(start..start + values.len()).unwrap_or_default()
        });
        for (index, value) in values.iter_mut().enumerate() {
            for (slot, plane) in value.iter_mut().zip(planes) {
                *slot = plane.get(index).copied().unwrap_or_default();
            }
        }
    }
    copy_rest(bytes, count * WIDTH, out);
}
