//! How one stored element becomes a number: the portable rule, and the same for sixteen at a time.

use half::f16;

use crate::simd::Simd;

/// Elements that vector code takes in one step, whatever the instruction set.
pub(crate) const STEP: usize = 16;

/// An element type: an [`Encoding`](crate::Encoding) at compile time.
pub(crate) trait Element: Copy {
    /// Bytes an element takes.
    const WIDTH: usize;

    /// The element as `f32`, from exactly [`Self::WIDTH`] bytes.
    fn single(self, bytes: &[u8]) -> f32;

    /// The element as `f64`, from exactly [`Self::WIDTH`] bytes.
    #[inline(always)]
    fn double(self, bytes: &[u8]) -> f64 {
        f64::from(self.single(bytes))
    }

    /// [`STEP`] elements as `f32`.
    ///
    /// # Safety
    /// `bytes` is valid for reads of `STEP * WIDTH` bytes; the processor has the instructions of `S`.
    unsafe fn load_narrow<S: Simd>(self, bytes: *const u8) -> S::Narrow;

    /// [`STEP`] elements as `f64`.
    ///
    /// # Safety
    /// As [`Element::load_narrow`].
    #[inline(always)]
    unsafe fn load_wide<S: Simd>(self, bytes: *const u8) -> S::Wide {
        // SAFETY: the caller's promise, passed on.
        unsafe { S::widen(self.load_narrow::<S>(bytes)) }
    }
}

/// The first `N` bytes; zeros where the caller broke the contract on lengths, which costs nothing to exclude.
#[inline(always)]
fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.first_chunk().copied().unwrap_or([0; N])
}

/// `Encoding::F64`.
#[derive(Clone, Copy)]
pub(crate) struct F64;

impl Element for F64 {
    const WIDTH: usize = 8;

    #[inline(always)]
    fn single(self, bytes: &[u8]) -> f32 {
        self.double(bytes) as f32
    }

    #[inline(always)]
    fn double(self, bytes: &[u8]) -> f64 {
        f64::from_le_bytes(array(bytes))
    }

    #[inline(always)]
    unsafe fn load_narrow<S: Simd>(self, bytes: *const u8) -> S::Narrow {
        // SAFETY: the caller's promise, passed on.
        unsafe { S::narrow_load_f64(bytes) }
    }

    #[inline(always)]
    unsafe fn load_wide<S: Simd>(self, bytes: *const u8) -> S::Wide {
        // SAFETY: the caller's promise, passed on.
        unsafe { S::wide_load(bytes) }
    }
}

/// `Encoding::F32`.
#[derive(Clone, Copy)]
pub(crate) struct F32;

impl Element for F32 {
    const WIDTH: usize = 4;

    #[inline(always)]
    fn single(self, bytes: &[u8]) -> f32 {
        f32::from_le_bytes(array(bytes))
    }

    #[inline(always)]
    unsafe fn load_narrow<S: Simd>(self, bytes: *const u8) -> S::Narrow {
        // SAFETY: the caller's promise, passed on.
        unsafe { S::narrow_load_f32(bytes) }
    }
}

/// `Encoding::F16`.
#[derive(Clone, Copy)]
pub(crate) struct F16;

impl Element for F16 {
    const WIDTH: usize = 2;

    #[inline(always)]
    fn single(self, bytes: &[u8]) -> f32 {
        f16::from_le_bytes(array(bytes)).to_f32()
    }

    #[inline(always)]
    unsafe fn load_narrow<S: Simd>(self, bytes: *const u8) -> S::Narrow {
        // SAFETY: the caller's promise, passed on.
        unsafe { S::narrow_load_f16(bytes) }
    }
}

/// `Encoding::I8`.
#[derive(Clone, Copy)]
pub(crate) struct I8;

impl Element for I8 {
    const WIDTH: usize = 1;

    #[inline(always)]
    fn single(self, bytes: &[u8]) -> f32 {
        f32::from(i8::from_le_bytes(array(bytes)))
    }

    #[inline(always)]
    unsafe fn load_narrow<S: Simd>(self, bytes: *const u8) -> S::Narrow {
        // SAFETY: the caller's promise, passed on.
        unsafe { S::narrow_load_i8(bytes) }
    }
}

/// `Encoding::U8`.
#[derive(Clone, Copy)]
pub(crate) struct U8;

impl Element for U8 {
    const WIDTH: usize = 1;

    #[inline(always)]
    fn single(self, bytes: &[u8]) -> f32 {
        f32::from(u8::from_le_bytes(array(bytes)))
    }

    #[inline(always)]
    unsafe fn load_narrow<S: Simd>(self, bytes: *const u8) -> S::Narrow {
        // SAFETY: the caller's promise, passed on.
        unsafe { S::narrow_load_u8(bytes) }
    }
}

/// `Encoding::Codes`: rounds after the product and again after the sum, so it must never become a fused operation.
#[derive(Clone, Copy)]
pub(crate) struct Codes {
    pub(crate) scale: f32,
    pub(crate) min: f32,
}

impl Element for Codes {
    const WIDTH: usize = 1;

    #[inline(always)]
    fn single(self, bytes: &[u8]) -> f32 {
        U8.single(bytes) * self.scale + self.min
    }

    #[inline(always)]
    unsafe fn load_narrow<S: Simd>(self, bytes: *const u8) -> S::Narrow {
        // SAFETY: the caller's promise, passed on.
        unsafe {
            let scaled = S::narrow_mul(S::narrow_load_u8(bytes), S::narrow_splat(self.scale));
            S::narrow_add(scaled, S::narrow_splat(self.min))
        }
    }
}
