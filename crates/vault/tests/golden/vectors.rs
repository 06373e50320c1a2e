use ogive_vault::{Metric, Numbers, RowValues, Vec0Batch, Vec0BatchColumn, Vec0Scan, decode};

use crate::expected::{expected, npy, open, same_value};

#[test]
fn vectors_ids_values_and_neighbours() {
    let mut checked = 0;
    for name in crate::expected::FILES {
        let wanted = expected(name);
        let Some(tables) = wanted["vectors"].as_array() else {
            continue;
        };
        let file = open(name);
        assert_eq!(file.contents.vectors.len(), tables.len(), "{name}");
        for wanted in tables {
            let table_name = wanted["table"].as_str().unwrap();
            let table = file
                .contents
                .vectors
                .iter()
                .find(|table| table.name == table_name)
                .unwrap();
            let (_, dimensions, metric) = table.vector().unwrap();
            assert_eq!(dimensions as u64, wanted["dimensions"].as_u64().unwrap());
            assert_eq!(
                metric.name(),
                wanted["metric"].as_str().unwrap().to_lowercase()
            );
            let scan = Vec0Scan {
                table,
                columns: vec![1],
                values: true,
                ids: i64::MIN..=i64::MAX,
                chunks: i64::MIN..=i64::MAX,
            };
            let mut rows: Vec<(i64, Vec<f32>, Vec<u8>)> = Vec::new();
            let place = file.vault.place();
            scan.run(&file.reader, &place, |batch| {
                rows.extend(rows_of(&batch));
                true
            })
            .unwrap();
            rows.sort_by_key(|(id, ..)| *id);
            let ids: Vec<u64> = wanted["ids"]
                .as_array()
                .unwrap()
                .iter()
                .map(|id| id.as_u64().unwrap())
                .collect();
            assert_eq!(
                rows.iter().map(|(id, ..)| *id as u64).collect::<Vec<_>>(),
                ids,
                "{name}.{table_name}"
            );
            let stored = npy(wanted["stored_vectors"].as_str().unwrap());
            let found: Vec<u8> = rows
                .iter()
                .flat_map(|(_, vector, _)| vector.iter().flat_map(|x| x.to_le_bytes()))
                .collect();
            assert_eq!(found, stored, "{name}.{table_name}");
            for ((id, _, value), wanted) in rows
                .iter()
                .zip(wanted["values"].as_array().into_iter().flatten())
            {
                assert!(
                    same_value(&decode(value).unwrap(), wanted),
                    "{name}.{table_name} {id}: {wanted}"
                );
            }
            neighbours(&rows, metric, dimensions, wanted);
            // A range of ids.
            let (first, last) = (ids[ids.len() / 3] as i64, ids[ids.len() * 2 / 3] as i64);
            let mut some = Vec::new();
            Vec0Scan {
                columns: Vec::new(),
                values: false,
                ids: first..=last,
                ..scan
            }
            .run(&file.reader, &place, |batch| {
                some.extend(batch.ids);
                true
            })
            .unwrap();
            some.sort_unstable();
            assert_eq!(
                some,
                ids.iter()
                    .map(|id| *id as i64)
                    .filter(|id| (first..=last).contains(id))
                    .collect::<Vec<_>>()
            );
            checked += 1;
        }
    }
    assert!(checked >= 6, "{checked}");
}

fn rows_of(batch: &Vec0Batch) -> Vec<(i64, Vec<f32>, Vec<u8>)> {
    let [
        Vec0BatchColumn::Vectors {
            numbers: Numbers::F32(numbers),
            dimensions,
        },
    ] = batch.columns.as_slice()
    else {
        panic!("{batch:?}");
    };
    let RowValues::Bytes(values) = &batch.values.as_ref().unwrap().values else {
        panic!("{batch:?}");
    };
    batch
        .ids
        .iter()
        .enumerate()
        .map(|(row, id)| {
            (
                *id,
                numbers[row * dimensions..(row + 1) * dimensions].to_vec(),
                values.get(row).to_vec(),
            )
        })
        .collect()
}

fn neighbours(
    rows: &[(i64, Vec<f32>, Vec<u8>)],
    metric: Metric,
    dimensions: usize,
    wanted: &serde_json::Value,
) {
    let queries = npy(wanted["queries"].as_str().unwrap());
    let queries: Vec<f32> = queries
        .chunks_exact(4)
        .map(|x| f32::from_le_bytes(x.try_into().unwrap()))
        .collect();
    for (query, wanted) in queries
        .chunks_exact(dimensions)
        .zip(wanted["knn5_id_distance"].as_array().unwrap())
    {
        let mut distances: Vec<(f64, i64)> = rows
            .iter()
            .map(|(id, vector, _)| {
                let pairs = || {
                    vector
                        .iter()
                        .zip(query)
                        .map(|(a, b)| (f64::from(*a), f64::from(*b)))
                };
                let norm =
                    |of: &[f32]| of.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
                let distance = match metric {
                    Metric::L2 => pairs().map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt(),
                    Metric::L1 => pairs().map(|(a, b)| (a - b).abs()).sum(),
                    _ => {
                        1.0 - pairs().map(|(a, b)| a * b).sum::<f64>() / norm(vector) / norm(query)
                    }
                };
                (distance, *id)
            })
            .collect();
        distances.sort_by(|a, b| a.partial_cmp(b).unwrap());
        for ((found, _), wanted) in distances.iter().zip(wanted.as_array().unwrap()) {
            let wanted = wanted[1].as_f64().unwrap();
            assert!(
                (found - wanted).abs() < 1e-4 * wanted.abs().max(1.0),
                "{found} {wanted}"
            );
        }
    }
}
