//! What tests over generated cases share.

use datafusion::arrow::array::{Array, AsArray};
use datafusion::arrow::datatypes::{Float64Type, Int64Type};
use ogive::Session;

/// SplitMix64 (Steele, Lea, Flood 2014): small, seeded, the same everywhere.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len() as u64) as usize]
    }
}

/// The keys in the order of the answer, and the rows where they are decided by a second key.
pub async fn keys(session: &Session, sql: &str) -> Result<(Vec<Option<u64>>, Vec<i64>), String> {
    let batches = session
        .sql(sql)
        .await
        .map_err(|e| e.to_string())?
        .collect()
        .await
        .map_err(|e| e.to_string())?;
    let (mut keys, mut rows) = (Vec::new(), Vec::new());
    for batch in &batches {
        let key = datafusion::arrow::compute::cast(
            batch.column(2),
            &datafusion::arrow::datatypes::DataType::Float64,
        )
        .unwrap();
        let key = key.as_primitive::<Float64Type>();
        // -0 and 0 are one key; so are all NaNs of a sign.
        keys.extend((0..key.len()).map(|i| {
            key.is_valid(i).then(|| {
                let value = key.value(i);
                if value.is_nan() {
                    u64::MAX
                } else {
                    (value + 0.0).to_bits()
                }
            })
        }));
        rows.extend(
            batch
                .column(0)
                .as_primitive::<Int64Type>()
                .values()
                .iter()
                .copied(),
        );
    }
    Ok((keys, rows))
}
