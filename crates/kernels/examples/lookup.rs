//! How fast codes are scanned, for every instruction set.
//!
//! `cargo run --release -p ogive-kernels --example lookup [ROWS] [BITS]`
//!
//! Best of twenty scans of ROWS (100,000) rows of BITS (768) bits, in milliseconds and GB of codes a second.

use std::time::Instant;

use ogive_kernels::{
    InstructionSet, LOOKUP_ROWS, LOOKUP_SEGMENT, Lookup, LookupShape, LookupTerms,
    available_instruction_sets,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let rows: usize = arguments.next().map_or(Ok(100_000), |s| s.parse())?;
    let bits: usize = arguments.next().map_or(Ok(768), |s| s.parse())?;
    let shape = LookupShape {
        columns: bits / 8,
        norms: true,
    };
    let terms = LookupTerms {
        unit: 1e-6,
        base: -1.0,
        error: 0.01,
        factor: 0.5,
        norms: true,
    };
    let mut state = 1_u32;
    let mut byte = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    let tables: Vec<[u8; 16]> = (0..2 * shape.columns)
        .map(|_| std::array::from_fn(|_| byte()))
        .collect();
    let weights = vec![1000; shape.columns.div_ceil(LOOKUP_SEGMENT)];
    let blocks = rows.div_ceil(LOOKUP_ROWS);
    let codes: Vec<u8> = (0..blocks * shape.block_bytes()).map(|_| byte()).collect();
    let lookup = Lookup::new(shape, terms, tables, weights);
    let mut first = None;
    for set in available_instruction_sets() {
        let lookup = lookup.clone().with_instruction_set(set);
        let mut estimates = vec![0.0; blocks * LOOKUP_ROWS];
        let mut bounds = estimates.clone();
        let repeats = if set == InstructionSet::Scalar { 2 } else { 20 };
        let mut best = f64::INFINITY;
        for _ in 0..repeats {
            let start = Instant::now();
            lookup.scan(&codes, &mut estimates, &mut bounds);
            best = best.min(start.elapsed().as_secs_f64());
        }
        // Random bytes make some headers NaN, whose bits are nobody's business.
        let bits: Vec<u32> = bounds
            .iter()
            .map(|bound| if bound.is_nan() { 0 } else { bound.to_bits() })
            .collect();
        assert!(first.get_or_insert_with(|| bits.clone()) == &bits, "{set}");
        let speed = codes.len() as f64 / best / 1e9;
        println!("{set:8} {:.3} ms {speed:.1} GB/s", best * 1e3);
    }
    Ok(())
}
