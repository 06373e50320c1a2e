//! The value codecs of CVC files on a device: bytes in, `f32` out, the same to the last bit as on the processor.

use ogive_codecs::{int8, lossless};

use crate::device::{Arguments, Device};
use crate::{Error, Result};

/// Values a warp decodes at a time; that of the kernels.
const STRIP: usize = 1024;

impl Device {
    /// Decodes as [`ogive_codecs::fp16::decode`].
    ///
    /// # Errors
    /// Those of the codec as [`Error::Bytes`], [`Error::Memory`], [`Error::Driver`].
    pub fn decode_fp16(&self, bytes: &[u8], out: &mut [f32]) -> Result<()> {
        check_length(bytes.len(), out.len() as u64 * 2)?;
        self.decode(bytes, out, |input, output, count| {
            let arguments = Arguments::new().address(input).address(output).long(count);
            ("decode_fp16", arguments)
        })
    }

    /// Decodes as [`ogive_codecs::int8::decode`].
    ///
    /// # Errors
    /// As [`Device::decode_fp16`].
    pub fn decode_int8(
        &self,
        bytes: &[u8],
        parameters: int8::Parameters,
        out: &mut [f32],
    ) -> Result<()> {
        check_length(bytes.len(), out.len() as u64)?;
        self.decode(bytes, out, |input, output, count| {
            let arguments = Arguments::new()
                .address(input)
                .address(output)
                .long(count)
                .float(parameters.scale as f32)
                .float(parameters.min as f32);
            ("decode_int8", arguments)
        })
    }

    /// Decodes as [`ogive_codecs::lossless::decode`]: all values of the payload.
    ///
    /// # Errors
    /// As [`Device::decode_fp16`].
    pub fn decode_lossless(&self, bytes: &[u8], out: &mut [f32]) -> Result<()> {
        let layout = lossless::layout(bytes)?;
        if layout.values != out.len() as u64 {
            // Which is an error.
            return Ok(lossless::decode(bytes, out)?);
        }
        let planes = layout.planes;
        let mut input = self.allocate_pinned::<u8>(bytes.len() + 1)?;
        input[..bytes.len()].copy_from_slice(bytes);
        let mut bad = self.allocate_pinned::<u32>(1)?;
        let mut words = self.allocate_pinned::<u32>(out.len())?;
        let device_input = self.allocate::<u8>(bytes.len() + 1)?;
        let device_bad = self.allocate::<u32>(1)?;
        let device_words = self.allocate::<u32>(out.len())?;
        let queue = self.open_queue()?;
        let mut arguments = Arguments::new().memory(&device_input);
        for plane in &planes {
            arguments = arguments.long(plane.dictionary_offset);
        }
        for plane in &planes {
            arguments = arguments.int(plane.entries as u32);
        }
        for plane in &planes {
            arguments = arguments.long(plane.codes_offset);
        }
        for plane in &planes {
            arguments = arguments.int(plane.bits);
        }
        let mut arguments = arguments
            .long(0)
            .long(out.len())
            .memory(&device_words)
            .memory(&device_bad);
        // SAFETY: the layout was checked against the bytes, so that every code of so many values lies in them, with a byte after the
        // last. The queue was opened after the memory was taken: whatever happens, it is waited for before the memory goes.
        unsafe {
            queue.upload(&input, &device_input, 0)?;
            queue.fill(&device_bad, 0, 1)?;
            queue.launch(
                "decode_lossless",
                out.len().div_ceil(STRIP) as u64,
                &mut arguments,
            )?;
            queue.download(&device_bad, 0, &mut bad)?;
            queue.download(&device_words, 0, &mut words)?;
        }
        queue.wait()?;
        if bad[0] > 0 {
            // Which code it was, the processor says.
            return Ok(lossless::decode(bytes, out)?);
        }
        for (value, word) in out.iter_mut().zip(words.iter()) {
            *value = f32::from_bits(*word);
        }
        Ok(())
    }

    fn decode(
        &self,
        bytes: &[u8],
        out: &mut [f32],
        kernel: impl FnOnce(u64, u64, usize) -> (&'static str, Arguments),
    ) -> Result<()> {
        let mut input = self.allocate_pinned::<u8>(bytes.len())?;
        input.copy_from_slice(bytes);
        let mut output = self.allocate_pinned::<f32>(out.len())?;
        let device_input = self.allocate::<u8>(bytes.len())?;
        let device_output = self.allocate::<f32>(out.len())?;
        let queue = self.open_queue()?;
        let (name, mut arguments) =
            kernel(device_input.address(), device_output.address(), out.len());
        // SAFETY: lengths were checked by the caller; see `decode_lossless`.
        unsafe {
            queue.upload(&input, &device_input, 0)?;
            queue.launch(name, out.len().div_ceil(STRIP) as u64, &mut arguments)?;
            queue.download(&device_output, 0, &mut output)?;
        }
        queue.wait()?;
        out.copy_from_slice(&output);
        Ok(())
    }
}

fn check_length(found: usize, expected: u64) -> Result<()> {
    if found as u64 == expected {
        return Ok(());
    }
    Err(Error::Bytes(ogive_codecs::Error::Length {
        found: found as u64,
        expected,
    }))
}
