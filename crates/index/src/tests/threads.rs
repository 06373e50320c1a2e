//! The same bytes, whatever the number of threads.

use ogive_kernels::Encoding;

use super::data::{Flavour, Random, table, values};
use crate::Bitmap;
use crate::flat::{BuildOptions, FlatIndex, Measure};

#[test]
fn files_do_not_depend_on_threads() {
    let mut random = Random(3);
    for flavour in [Flavour::Falling, Flavour::Odd] {
        let rows = values(flavour, 9_000, 20, &mut random);
        let nulls = Bitmap::from_fn(9_000, |row| row % 1000 == 1);
        let table = table(&rows, 20, Encoding::F32, Some(nulls));
        let build = |threads| {
            let options = BuildOptions {
                threads,
                ..BuildOptions::new(Measure::L2)
            };
            let index = FlatIndex::build(&table.rows(), &options).unwrap();
            index.source().clone()
        };
        let one = build(1);
        assert!(build(2) == one && build(8) == one);
    }
}

#[test]
fn a_build_can_be_stopped() {
    let mut random = Random(4);
    let rows = values(Flavour::Falling, 5_000, 4, &mut random);
    let table = table(&rows, 4, Encoding::F32, None);
    let progress = |rows: u64| rows < 2_000;
    let options = BuildOptions {
        progress: Some(&progress),
        ..BuildOptions::new(Measure::L2)
    };
    let stopped = FlatIndex::build(&table.rows(), &options);
    assert!(matches!(stopped, Err(crate::BuildError::Cancelled)));
}
