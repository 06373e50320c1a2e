//! Widening stored elements to `f32`.

use crate::bits;
use crate::element::{Codes, Element, F16, F32, F64, I8, STEP, U8};
use crate::simd::{Simd, Task, run};
use crate::{Encoding, InstructionSet, Rows};

/// Decodes every element of `rows` into `out`, row-major.
pub(crate) fn decode_f32(set: InstructionSet, rows: &Rows<'_>, out: &mut [f32]) {
    assert_eq!(
        Some(out.len()),
        rows.len().checked_mul(rows.dimension()),
        "one number for each element"
    );
    let bytes = rows.bytes();
    match rows.encoding() {
        Encoding::F64 => decode(set, F64, bytes, out),
        Encoding::F32 => decode(set, F32, bytes, out),
        Encoding::F16 => decode(set, F16, bytes, out),
        Encoding::I8 => decode(set, I8, bytes, out),
        Encoding::U8 => decode(set, U8, bytes, out),
        Encoding::Codes { scale, min } => decode(set, Codes { scale, min }, bytes, out),
        Encoding::Bits => {
            for (out, bit) in out.iter_mut().zip(bits::elements(bytes)) {
                *out = f32::from(bit);
            }
        }
    }
}

fn decode<E: Element>(set: InstructionSet, element: E, bytes: &[u8], out: &mut [f32]) {
    run(
        set,
        Decode {
            element,
            bytes,
            out,
        },
    );
}

struct Decode<'a, E> {
    element: E,
    bytes: &'a [u8],
    out: &'a mut [f32],
}

impl<E: Element> Task for Decode<'_, E> {
    type Output = ();

    fn scalar(self) {
        for (out, bytes) in self.out.iter_mut().zip(self.bytes.chunks_exact(E::WIDTH)) {
            *out = self.element.single(bytes);
        }
    }

    #[inline(always)]
    unsafe fn vector<S: Simd>(self) {
        let mut steps = self.out.chunks_exact_mut(STEP);
        let mut blocks = self.bytes.chunks_exact(STEP * E::WIDTH);
        for (out, bytes) in steps.by_ref().zip(blocks.by_ref()) {
            // SAFETY: both chunks hold `STEP` elements; the caller vouches for the instructions.
            unsafe {
                let lanes = self.element.load_narrow::<S>(bytes.as_ptr());
                S::narrow_store(lanes, out.as_mut_ptr());
            }
        }
        let rest = steps.into_remainder().iter_mut();
        for (out, bytes) in rest.zip(blocks.remainder().chunks_exact(E::WIDTH)) {
            *out = self.element.single(bytes);
        }
    }
}
