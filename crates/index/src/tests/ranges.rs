//! Searches by distance.

use ogive_kernels::{Encoding, Metric, Query};

use super::data::{FLAVOURS, Random, table, values};
use super::{bits, exact};
use crate::Bitmap;
use crate::flat::{BuildOptions, FlatIndex, Measure, RangeSearch, Search};

#[test]
fn all_rows_within_a_distance_are_found() {
    let mut random = Random(12);
    for flavour in FLAVOURS {
        let (count, dimension) = (500, 33);
        let rows = values(flavour, count, dimension, &mut random);
        let table = table(&rows, dimension, Encoding::F32, None);
        for metric in [Metric::L2, Metric::InnerProduct, Metric::CosineDistance] {
            let measure = Measure::of(metric).unwrap();
            let index = FlatIndex::build(&table.rows(), &BuildOptions::new(measure)).unwrap();
            let query = Query::new(metric, &rows[dimension..2 * dimension]);
            let order = Search::new(&query, 1).order;
            let filter = Bitmap::from_fn(count as u64, |row| row % 3 != 0);
            for filter in [None, Some(&filter)] {
                let all = exact(&table, &query, count, order, filter);
                let numbers = all.iter().filter_map(|(_, value)| *value);
                let numbers: Vec<f64> = numbers.filter(|value| !value.is_nan()).collect();
                for at in [0, 1, 10, 100, usize::MAX] {
                    let last = numbers.len().saturating_sub(1);
                    let distance = numbers.get(at.min(last)).copied().unwrap_or(0.5);
                    let search = RangeSearch {
                        query: &query,
                        distance,
                        filter,
                    };
                    let found = index.search_range(&search, &table.rows()).unwrap();
                    let mut expected = all.clone();
                    expected.retain(|(_, value)| {
                        value.is_some_and(|value| match order.descending {
                            true => value >= distance || value.is_nan(),
                            false => value <= distance,
                        })
                    });
                    let what = format!("{flavour:?}, {metric}, {distance}");
                    assert_eq!(bits(&found.rows), bits(&expected), "{what}");
                    assert_eq!(found.statistics.violations, 0, "{what}");
                }
            }
        }
    }
}
