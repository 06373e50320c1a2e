//! What a search did.

/// Counts of one search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Statistics {
    /// Rows whose codes were scanned.
    pub codes_scanned: u64,
    /// Rows that the first stage excluded.
    pub decided_by_codes: u64,
    /// Rows that the second stage looked at.
    pub second_scanned: u64,
    /// Rows that the second stage excluded.
    pub decided_by_second: u64,
    /// Rows read exactly, by the last stage or by a scan of all rows; those read to see whether codes say anything are
    /// counted again.
    pub read_exactly: u64,
    /// Bytes of codes, of the second stage, and of exact rows.
    pub bytes_read: u64,
    /// Whether all rows were scanned exactly in the end.
    pub scanned_exactly: bool,
    /// Rows read exactly that lay under their bound: 0, or the proof is wrong.
    pub violations: u64,
}

impl Statistics {
    /// Adds what another search did.
    pub fn add(&mut self, other: &Statistics) {
        self.codes_scanned += other.codes_scanned;
        self.decided_by_codes += other.decided_by_codes;
        self.second_scanned += other.second_scanned;
        self.decided_by_second += other.decided_by_second;
        self.read_exactly += other.read_exactly;
        self.bytes_read += other.bytes_read;
        self.scanned_exactly |= other.scanned_exactly;
        self.violations += other.violations;
    }
}
