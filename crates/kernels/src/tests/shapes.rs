//! Blocks, orders and names.

use crate::{
    Encoding, InstructionSet, Metric, Order, Rank, Rows, active_instruction_set,
    available_instruction_sets,
};

#[test]
fn blocks_are_whole_rows() {
    let bytes = [0_u8; 24];
    let rows = Rows::new(&bytes, 3, Encoding::F32).unwrap();
    assert_eq!((rows.len(), rows.dimension()), (2, 3));
    assert_eq!(rows.slice(1..2).len(), 1);
    assert!(rows.slice(2..2).is_empty());
    let error = Rows::new(&bytes, 5, Encoding::F32).unwrap_err();
    assert_eq!(
        error.to_string(),
        "24 bytes are not 1 rows of dimension 5 with elements of 4 bytes"
    );
    assert!(Rows::new(&bytes, 0, Encoding::F32).is_err());
    assert!(Rows::new(&[], 0, Encoding::F32).unwrap().is_empty());
    assert_eq!(Rows::with_rows(&[], 7, 0, Encoding::F64).unwrap().len(), 7);
    assert!(Rows::with_rows(&bytes, 3, 2, Encoding::F32).is_ok());
    assert!(Rows::with_rows(&bytes, 2, 2, Encoding::F32).is_err());
}

#[test]
fn sizes_that_overflow_are_errors() {
    for dimension in [usize::MAX, usize::MAX / 2, usize::MAX / 4 + 1] {
        assert!(Rows::new(&[0; 8], dimension, Encoding::F64).is_err());
        assert!(Rows::with_rows(&[0; 8], 2, dimension, Encoding::F32).is_err());
        assert!(Rows::with_rows(&[0; 8], dimension, dimension, Encoding::U8).is_err());
        let none = Rows::with_rows(&[], 0, dimension, Encoding::F64).unwrap();
        assert!(none.slice(0..0).is_empty());
        none.decode_f32(&mut []);
    }
}

#[test]
fn rows_of_bits_are_whole_bytes() {
    let bytes = [0b1011_0001_u8, 0x80, 0, 1, 2, 3];
    let rows = Rows::new(&bytes, 16, Encoding::Bits).unwrap();
    assert_eq!((rows.len(), rows.dimension()), (3, 16));
    assert_eq!(rows.slice(1..3).bytes(), &bytes[2..]);
    let mut decoded = [0.0; 48];
    rows.decode_f32(&mut decoded);
    assert_eq!(decoded[..8], [1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0]);
    assert_eq!(decoded[8..16], [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
    let error = Rows::new(&bytes, 12, Encoding::Bits).unwrap_err();
    assert_eq!(
        error.to_string(),
        "6 bytes are not 0 rows of 12 bits in whole bytes"
    );
    assert!(Rows::new(&bytes, 32, Encoding::Bits).is_err());
    assert!(Rows::new(&bytes, 0, Encoding::Bits).is_err());
    assert!(Rows::new(&[], 0, Encoding::Bits).unwrap().is_empty());
    assert_eq!(Rows::with_rows(&[], 7, 0, Encoding::Bits).unwrap().len(), 7);
    assert!(Rows::with_rows(&bytes, 6, 8, Encoding::Bits).is_ok());
    for dimension in [1, 7, 9, usize::MAX] {
        assert!(Rows::with_rows(&[], 0, dimension, Encoding::Bits).is_err());
    }
    assert!(Rows::with_rows(&bytes, usize::MAX, usize::MAX - 7, Encoding::Bits).is_err());
    assert_eq!(Encoding::F32.row_bytes(3), Some(12));
    assert_eq!(Encoding::F32.row_bytes(usize::MAX), None);
}

#[test]
fn ranks_sort_as_sql_does() {
    let ascending = [
        Some(f64::NEG_INFINITY),
        Some(-1.0),
        Some(-f64::MIN_POSITIVE),
        Some(0.0),
        Some(5e-324),
        Some(1.0),
        Some(f64::MAX),
        Some(f64::INFINITY),
        Some(f64::NAN),
    ];
    for descending in [false, true] {
        for nulls_first in [false, true] {
            let order = Order {
                descending,
                nulls_first,
            };
            let mut values = ascending.to_vec();
            if descending {
                values.reverse();
            }
            values.insert(if nulls_first { 0 } else { values.len() }, None);
            let ranks: Vec<Rank> = values.iter().map(|v| Rank::new(order, *v)).collect();
            assert!(ranks.is_sorted_by(|a, b| a < b), "{order:?}");
            for (rank, value) in ranks.iter().zip(&values) {
                let back = rank.value(order);
                assert_eq!(back.map(f64::to_bits), value.map(f64::to_bits));
            }
            let nan = Rank::new(order, Some(f64::NAN));
            assert_eq!(Rank::new(order, Some(-0.0)), Rank::new(order, Some(0.0)));
            assert_eq!(nan, Rank::new(order, Some(-f64::NAN)));
            assert_eq!(nan, Rank::new(order, Some(f64::from_bits(u64::MAX))));
        }
    }
}

#[test]
fn names_are_unique() {
    let mut metrics = super::answers::METRICS.to_vec();
    metrics.extend([Metric::Hamming, Metric::Jaccard]);
    for (index, a) in metrics.iter().enumerate() {
        for b in &metrics[index + 1..] {
            assert_ne!(a.function_name(), b.function_name());
            assert_ne!(a.short_name(), b.short_name());
        }
    }
    assert_eq!(Metric::Hamming.function_name(), "hamming_distance");
    assert_eq!(Metric::Jaccard.function_name(), "jaccard_distance");
    for metric in metrics {
        let of_bits = matches!(metric, Metric::Hamming | Metric::Jaccard);
        assert_eq!(metric.takes(Encoding::Bits), of_bits);
        assert_eq!(metric.takes(Encoding::F32), !of_bits);
    }
    assert_eq!(Metric::CosineDistance.to_string(), "cosine");
    assert_eq!(InstructionSet::Avx512.to_string(), "avx512");
}

#[test]
fn the_active_set_is_available() {
    let available = available_instruction_sets();
    assert_eq!(available.first(), Some(&InstructionSet::Scalar));
    assert!(available.contains(&active_instruction_set()));
}
