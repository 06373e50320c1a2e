//! Choices that follow from the input.

/// SplitMix64, seeded with a hash of the input: an input that fails once fails again, and needs no bytes for choices.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// The choices that belong to these bytes.
    pub fn of(bytes: &[u8]) -> Random {
        let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        Random(hash)
    }

    /// 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to `most`.
    pub fn up_to(&mut self, most: usize) -> usize {
        (self.bits() % (most as u64).saturating_add(1)) as usize
    }
}
