//! `ogive_backends()`: what distances and codecs can run on here, and what they do.

use std::sync::Arc;

use arrow::array::{BooleanArray, Int64Array, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use datafusion_common::Result;
use ogive_codecs::pages::Backend;

pub(super) fn schema() -> SchemaRef {
    let text = |name: &str| Field::new(name, DataType::Utf8, true);
    let flag = |name: &str| Field::new(name, DataType::Boolean, true);
    Arc::new(Schema::new(vec![
        text("name"),
        text("kind"),
        flag("available"),
        flag("chosen"),
        text("why_not"),
        text("device"),
        Field::new("memory_bytes", DataType::Int64, true),
        text("driver"),
    ]))
}

/// A back end, and why it is not used.
struct Row {
    name: &'static str,
    kind: &'static str,
    available: bool,
    chosen: bool,
    why_not: Option<String>,
}

fn row(backend: Backend) -> Row {
    let available = backend.is_available();
    let best = Backend::best();
    let is_of_this_machine = match backend {
        Backend::Scalar => true,
        Backend::Neon => cfg!(target_arch = "aarch64"),
        Backend::Avx2 | Backend::Avx512 => cfg!(target_arch = "x86_64"),
    };
    let why_not = match (is_of_this_machine, available) {
        (false, _) => Some(format!(
            "not of this architecture, {}",
            std::env::consts::ARCH
        )),
        (true, false) => Some("not in this processor".to_string()),
        (true, true) if backend == best => None,
        (true, true) => Some(format!("{best} is chosen; OGIVE_SIMD chooses another")),
    };
    Row {
        name: backend.name(),
        kind: "cpu",
        available,
        chosen: backend == best,
        why_not,
    }
}

pub(super) fn backends() -> Result<RecordBatch> {
    let mut rows: Vec<Row> = Backend::ALL.into_iter().map(row).collect();
    rows.push(Row {
        name: "cuda",
        kind: "gpu",
        available: false,
        chosen: false,
        why_not: Some("built without CUDA".to_string()),
    });
    let nothing: StringArray = rows.iter().map(|_| None::<&str>).collect();
    let flags =
        |of: fn(&Row) -> bool| -> BooleanArray { rows.iter().map(|row| Some(of(row))).collect() };
    Ok(RecordBatch::try_new(
        schema(),
        vec![
            Arc::new(
                rows.iter()
                    .map(|row| Some(row.name))
                    .collect::<StringArray>(),
            ),
            Arc::new(
                rows.iter()
                    .map(|row| Some(row.kind))
                    .collect::<StringArray>(),
            ),
            Arc::new(flags(|row| row.available)),
            Arc::new(flags(|row| row.chosen)),
            Arc::new(
                rows.iter()
                    .map(|row| row.why_not.as_deref())
                    .collect::<StringArray>(),
            ),
            Arc::new(nothing.clone()),
            Arc::new(rows.iter().map(|_| None).collect::<Int64Array>()),
            Arc::new(nothing),
        ],
    )?)
}
