//! The folder that a file's relative paths mean, and the tables that DataFusion's runner makes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, BinaryArray, Float64Array, Int32Array, LargeBinaryArray, LargeStringArray,
    StringArray, TimestampNanosecondArray, UnionArray,
};
use datafusion::arrow::buffer::ScalarBuffer;
use datafusion::arrow::datatypes::{DataType, Field, Schema, UnionFields};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::catalog::{CatalogProvider, MemoryCatalogProvider, MemorySchemaProvider};
use datafusion::common::cast::as_float64_array;
use datafusion::datasource::MemTable;
use datafusion::logical_expr::{ColumnarValue, Volatility, create_udf};
use datafusion::prelude::{CsvReadOptions, SessionContext};
use tempfile::TempDir;

/// Stands for a checkout of DataFusion whose `datafusion/sqllogictest` is the current folder.
pub struct Workspace {
    #[expect(dead_code, reason = "removed with the workspace")]
    folder: TempDir,
    root: String,
}

impl Workspace {
    pub fn new(file: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().canonicalize().unwrap();
        let stem = file.file_stem().unwrap();
        let home = path.join("datafusion/sqllogictest");
        std::fs::create_dir_all(home.join("test_files/scratch").join(stem)).unwrap();
        std::fs::create_dir(home.join("data")).unwrap();
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/datafusion/data");
        for entry in std::fs::read_dir(data).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), home.join("data").join(entry.file_name())).unwrap();
        }
        for (name, text) in stand_ins() {
            let place = path.join(name);
            std::fs::create_dir_all(place.parent().unwrap()).unwrap();
            std::fs::write(place, text).unwrap();
        }
        Self {
            folder,
            root: path.to_str().unwrap().to_string(),
        }
    }

    /// The text with the files' relative paths as they are here.
    pub fn resolve(&self, sql: &str) -> String {
        let root = &self.root;
        sql.replace("'../../", &format!("'{root}/"))
            .replace("'../", &format!("'{root}/datafusion/"))
            .replace(
                "'test_files/",
                &format!("'{root}/datafusion/sqllogictest/test_files/"),
            )
            .replace("'data/", &format!("'{root}/datafusion/sqllogictest/data/"))
    }

    /// DataFusion prints paths with and without the leading slash.
    pub fn hide(&self, text: &str) -> String {
        text.replace(&self.root, "WORKSPACE_ROOT")
            .replace(self.root.trim_start_matches('/'), "WORKSPACE_ROOT")
    }

    fn path(&self, name: &str) -> PathBuf {
        Path::new(&self.root).join(name)
    }

    /// The tables that DataFusion's runner makes for some of the files.
    pub async fn register_tables(&self, file: &Path, context: &SessionContext) {
        match file.file_name().unwrap().to_str().unwrap() {
            "joins.slt" => {
                register_example(context);
                self.register_partitions(context).await;
                register_many_types(context);
            }
            "aggregate.slt" => register_union(context),
            "array_all.slt" => self.write_fixed_size_lists().await,
            _ => {}
        }
    }

    async fn write_fixed_size_lists(&self) {
        let file = self.path("datafusion/core/tests/data/fixed_size_list_array.parquet");
        let copy = format!(
            "COPY (SELECT arrow_cast(column1, 'FixedSizeList(2, Int64)') AS f0
             FROM VALUES ([1, 2]), ([3, 4])) TO '{}'",
            file.display()
        );
        let frame = SessionContext::new().sql(&copy).await.unwrap();
        frame.collect().await.unwrap();
    }

    async fn register_partitions(&self, context: &SessionContext) {
        let folder = self.path("test_partition_table");
        std::fs::create_dir(&folder).unwrap();
        let rows: String = (0..=10)
            .map(|row| format!("0,{row},{}\n", row % 2 == 0))
            .collect();
        std::fs::write(folder.join("partition-0.csv"), rows).unwrap();
        let schema = Schema::new(vec![
            Field::new("c1", DataType::UInt32, false),
            Field::new("c2", DataType::UInt64, false),
            Field::new("c3", DataType::Boolean, false),
        ]);
        let options = CsvReadOptions::new().schema(&schema);
        context
            .register_csv("test_partition_table", folder.to_str().unwrap(), options)
            .await
            .unwrap();
    }
}

/// `example(a, b)` adds two columns.
fn register_example(context: &SessionContext) {
    let add = Arc::new(|arguments: &[ColumnarValue]| {
        let arrays = ColumnarValue::values_to_arrays(arguments)?;
        let (left, right) = (as_float64_array(&arrays[0])?, as_float64_array(&arrays[1])?);
        let sums: Float64Array = left
            .iter()
            .zip(right)
            .map(|(left, right)| Some(left? + right?))
            .collect();
        Ok(ColumnarValue::Array(Arc::new(sums)))
    });
    let double = DataType::Float64;
    context.register_udf(create_udf(
        "example",
        vec![double.clone(), double.clone()],
        double,
        Volatility::Immutable,
        add,
    ));
}

fn register_many_types(context: &SessionContext) {
    let batch = RecordBatch::try_from_iter_with_nullable([
        (
            "int32_col",
            Arc::new(Int32Array::from(vec![1])) as ArrayRef,
            false,
        ),
        ("float64_col", Arc::new(Float64Array::from(vec![1.0])), true),
        ("utf8_col", Arc::new(StringArray::from(vec!["foo"])), true),
        (
            "large_utf8_col",
            Arc::new(LargeStringArray::from(vec!["bar"])),
            false,
        ),
        (
            "binary_col",
            Arc::new(BinaryArray::from(vec![b"foo" as &[u8]])),
            false,
        ),
        (
            "large_binary_col",
            Arc::new(LargeBinaryArray::from(vec![b"foo" as &[u8]])),
            false,
        ),
        (
            "timestamp_nanos",
            Arc::new(TimestampNanosecondArray::from(vec![123])),
            false,
        ),
    ])
    .unwrap();
    let table = MemTable::try_new(batch.schema(), vec![vec![batch]]).unwrap();
    let catalog = MemoryCatalogProvider::new();
    catalog
        .register_schema("my_schema", Arc::new(MemorySchemaProvider::new()))
        .unwrap();
    context.register_catalog("my_catalog", Arc::new(catalog));
    context
        .register_table(
            "my_catalog.my_schema.table_with_many_types",
            Arc::new(table),
        )
        .unwrap();
}

fn register_union(context: &SessionContext) {
    let fields = UnionFields::try_new(
        vec![0, 1],
        vec![
            Field::new("i", DataType::Int32, true),
            Field::new("s", DataType::Utf8, true),
        ],
    )
    .unwrap();
    let union = UnionArray::try_new(
        fields,
        ScalarBuffer::from(vec![0_i8, 0, 1, 1, 0, 0, 1, 0]),
        Some(ScalarBuffer::from(vec![0, 1, 0, 1, 2, 3, 2, 4])),
        vec![
            Arc::new(Int32Array::from(vec![
                Some(1),
                Some(1),
                None,
                None,
                Some(5),
            ])),
            Arc::new(StringArray::from(vec![Some("x"), Some("y"), None])),
        ],
    )
    .unwrap();
    let groups = Arc::new(Int32Array::from(vec![1, 1, 1, 2, 2, 3, 3, 4]));
    let batch = RecordBatch::try_from_iter_with_nullable([
        ("g", groups as ArrayRef, false),
        ("u", Arc::new(union), false),
    ])
    .unwrap();
    context
        .register_batch("approx_distinct_union_test", batch)
        .unwrap();
}

/// Data files of DataFusion's repository have other rows here: the columns and the orders that
/// the statements declare, and values of our own.
fn stand_ins() -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut add = |name: &str, text: String| files.push((name.to_string(), text));
    for (name, dated) in [("", false), ("_with_dates", true)] {
        add(
            &format!("testing/data/csv/aggregate_test_100{name}.csv"),
            hundred_rows(dated),
        );
    }
    let data = "datafusion/core/tests/data";
    add(&format!("{data}/window_2.csv"), ordered_rows());
    for partition in 0..4 {
        let rows: String = (0..=10)
            .map(|row| format!("{partition},{row},{}\n", row % 2 == 0))
            .collect();
        add(
            &format!("{data}/partitioned_csv/partition-{partition}.csv"),
            rows,
        );
    }
    files
}

/// Numbers that look drawn and are always the same.
fn drawn(row: u64, column: u64) -> u64 {
    let mut z = (row * 31 + column + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn hundred_rows(dated: bool) -> String {
    let names: Vec<String> = (1..=13).map(|column| format!("c{column}")).collect();
    let mut text = names.join(",");
    text += if dated { ",c14,c15\n" } else { "\n" };
    for row in 0..100 {
        let cells = [
            ["a", "b", "c", "d", "e"][(drawn(row, 1) % 5) as usize].to_string(),
            (drawn(row, 2) % 5 + 1).to_string(),
            (drawn(row, 3) as i8).to_string(),
            (drawn(row, 4) as i16).to_string(),
            (drawn(row, 5) as i32).to_string(),
            (drawn(row, 6) as i64).to_string(),
            (drawn(row, 7) as u8).to_string(),
            (drawn(row, 8) as u16).to_string(),
            (drawn(row, 9) as u32).to_string(),
            drawn(row, 10).to_string(),
            ((drawn(row, 11) >> 40) as f32 / 16_777_216.0).to_string(),
            ((drawn(row, 12) >> 11) as f64 / 9_007_199_254_740_992.0).to_string(),
            format!("{:016x}{:014x}", drawn(row, 13), drawn(row, 14) >> 8),
        ];
        text += &cells.join(",");
        if dated {
            let day = |column| {
                let (month, day) = (drawn(row, column) % 12 + 1, drawn(row, column + 1) % 28 + 1);
                format!("2023-{month:02}-{day:02}")
            };
            text += &format!(",{},{}T{:02}:00:00", day(15), day(17), drawn(row, 19) % 24);
        }
        text += "\n";
    }
    text
}

/// Ordered by `a`, `b` and `c`.
fn ordered_rows() -> String {
    let mut text = "a0,a,b,c,d\n".to_string();
    for row in 0..100 {
        text += &format!("0,{},{},{row},{}\n", row / 50, row / 25, drawn(row, 1) % 5);
    }
    text
}
