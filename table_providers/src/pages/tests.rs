//! The tables, read as a plan reads them.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, Int64Type};
use datafusion_common::Result;
use datafusion_execution::TaskContext;
use datafusion_physical_plan::streaming::PartitionStream;
use futures::TryStreamExt;

use super::source::PageSource;
use super::{backends, zram};

async fn read(path: &str, page_bytes: usize) -> Result<Vec<RecordBatch>> {
    let source = PageSource::new(path.to_string(), page_bytes)?;
    source
        .execute(Arc::new(TaskContext::default()))
        .try_collect()
        .await
}

/// Page, start and bytes of every row.
fn rows(batches: &[RecordBatch]) -> Vec<(i64, i64, Vec<u8>)> {
    batches
        .iter()
        .flat_map(|batch| {
            let pages = batch.column(0).as_primitive::<Int64Type>();
            let starts = batch.column(1).as_primitive::<Int64Type>();
            let bytes = batch.column(2).as_binary::<i32>();
            (0..batch.num_rows())
                .map(|row| {
                    (
                        pages.value(row),
                        starts.value(row),
                        bytes.value(row).to_vec(),
                    )
                })
                .collect::<Vec<_>>()
        })
        .collect()
}

fn write(folder: &Path, name: &str, length: usize) -> Vec<u8> {
    let bytes: Vec<u8> = (0..length).map(|at| (at / 100 + at % 7) as u8).collect();
    std::fs::write(folder.join(name), &bytes).unwrap();
    bytes
}

#[tokio::test]
async fn pages_are_those_of_the_file_in_order() {
    let folder = tempfile::tempdir().unwrap();
    for length in [0, 1, 4095, 4096, 4097, 10_000, 9_000_000] {
        let bytes = write(folder.path(), "x.bin", length);
        let path = folder.path().join("x.bin");
        for page_bytes in [4096, 1000, 65_536, 16 * 1024 * 1024] {
            let found = rows(&read(path.to_str().unwrap(), page_bytes).await.unwrap());
            let expected: Vec<(i64, i64, Vec<u8>)> = bytes
                .chunks(page_bytes)
                .enumerate()
                .map(|(page, bytes)| (page as i64, (page * page_bytes) as i64, bytes.to_vec()))
                .collect();
            assert!(found == expected, "{length} bytes in pages of {page_bytes}");
        }
    }
}

#[tokio::test]
async fn a_pattern_is_its_files_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let second = write(folder.path(), "b.bin", 5000);
    let first = write(folder.path(), "a.bin", 100);
    write(folder.path(), "c.txt", 100);
    let pattern = format!("{}/*.bin", folder.path().display());
    let found = rows(&read(&pattern, 4096).await.unwrap());
    let expected = [
        (0, 0, first),
        (0, 0, second[..4096].to_vec()),
        (1, 4096, second[4096..].to_vec()),
    ];
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_file_that_is_not_there_is_an_error() {
    let error = read("/nowhere/x.bin", 4096).await.unwrap_err().to_string();
    assert!(error.contains("/nowhere/x.bin"), "{error}");
    let error = read("/nowhere/*.bin", 4096).await.unwrap_err().to_string();
    assert!(error.contains("/nowhere/*.bin"), "{error}");
}

#[test]
fn zram_devices_are_read_from_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(zram::devices(folder.path()).unwrap().num_rows(), 0);
    let put = |device: &str, file: &str, text: &str| {
        let folder = folder.path().join("block").join(device);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(file), text).unwrap();
    };
    put("zram10", "disksize", "0\n");
    put("sda", "size", "100\n");
    put("zram0", "disksize", "4294967296\n");
    put("zram0", "initstate", "1\n");
    put("zram0", "comp_algorithm", "lzo-rle lz4 [zstd] \n");
    put(
        "zram0",
        "mm_stat",
        " 8192000  2000000  2048000   0  2100000  55   3   7\n",
    );
    put("zram0", "io_stat", "0 0 0 12\n");
    let batch = zram::devices(folder.path()).unwrap();
    assert_eq!(batch.num_rows(), 2);
    let text = |name: &str| {
        batch
            .column_by_name(name)
            .unwrap()
            .as_string::<i32>()
            .clone()
    };
    let int = |name: &str| {
        let column = batch.column_by_name(name).unwrap();
        column.as_primitive::<Int64Type>().clone()
    };
    assert_eq!(text("device").value(0), "zram0");
    assert_eq!(text("device").value(1), "zram10");
    assert_eq!(text("algorithm").value(0), "zstd");
    assert_eq!(text("algorithms").value(0), "lzo-rle lz4 zstd");
    assert!(text("algorithm").is_null(1));
    for (name, expected) in [
        ("disk_bytes", 4_294_967_296),
        ("original_bytes", 8_192_000),
        ("compressed_bytes", 2_000_000),
        ("memory_bytes", 2_048_000),
        ("same_pages", 55),
        ("huge_pages", 7),
        ("freed_notifications", 12),
    ] {
        assert_eq!(int(name).value(0), expected, "{name}");
    }
    // An older kernel's file has fewer numbers.
    assert!(int("huge_pages_since").is_null(0));
    assert!(int("original_bytes").is_null(1));
    let ratio = batch.column_by_name("ratio").unwrap();
    assert_eq!(ratio.as_primitive::<Float64Type>().value(0), 4.0);
    put("zram0", "mm_stat", "8192000 many\n");
    let error = zram::devices(folder.path()).unwrap_err().to_string();
    assert!(
        error.contains("mm_stat says 'many', expected a number"),
        "{error}"
    );
}

#[test]
fn one_back_end_is_chosen_and_the_others_say_why_not() {
    let batch = backends::backends(&Default::default()).unwrap();
    let flag = |name: &str| batch.column_by_name(name).unwrap().as_boolean().clone();
    let why_not = batch.column_by_name("why_not").unwrap();
    // Beside the instructions of the processor, the last row: a device, where there is one.
    let processor = flag("chosen").slice(0, batch.num_rows() - 1);
    assert_eq!(processor.true_count(), 1);
    for row in 0..batch.num_rows() {
        assert_eq!(flag("chosen").value(row), why_not.is_null(row), "row {row}");
        assert!(flag("available").value(row) || !flag("chosen").value(row));
    }
}
