//! `pages`, `zram_devices` and `ogive_backends`: arguments in, a table out.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion_catalog::streaming::StreamingTable;
use datafusion_common::{Result, ScalarValue, plan_err};
use datafusion_execution::{SendableRecordBatchStream, TaskContext};
use datafusion_expr::Expr;
use datafusion_physical_plan::stream::RecordBatchStreamAdapter;
use datafusion_physical_plan::streaming::PartitionStream;
use datafusion_session::{TableFunctionArgs, TableFunctionImpl, TableProvider};

use super::source::PageSource;
use super::{backends, zram};
use crate::arguments::text_argument;

/// The functions by name.
pub fn page_table_functions() -> Vec<(&'static str, Arc<dyn TableFunctionImpl>)> {
    [
        PageTableFunction::Pages,
        PageTableFunction::ZramDevices,
        PageTableFunction::Backends,
    ]
    .into_iter()
    .map(|function| {
        (
            function.name(),
            Arc::new(function) as Arc<dyn TableFunctionImpl>,
        )
    })
    .collect()
}

/// The page size where none is given, in bytes.
const PAGE_BYTES_DEFAULT: i64 = 4096;
/// The largest page, in bytes.
const PAGE_BYTES_MAX: i64 = 16 * 1024 * 1024;

#[derive(Debug, Clone, Copy)]
enum PageTableFunction {
    /// A row for each page of a file or block device.
    Pages,
    /// A row for each zram device of the kernel.
    ZramDevices,
    /// A row for each back end.
    Backends,
}

impl PageTableFunction {
    fn name(self) -> &'static str {
        match self {
            Self::Pages => "pages",
            Self::ZramDevices => "zram_devices",
            Self::Backends => "ogive_backends",
        }
    }
}

impl TableFunctionImpl for PageTableFunction {
    fn call_with_args(&self, args: TableFunctionArgs<'_, '_>) -> Result<Arc<dyn TableProvider>> {
        let name = self.name();
        let partition: Arc<dyn PartitionStream> = match (self, args.exprs()) {
            (Self::Pages, [path, rest @ ..]) if rest.len() < 2 => {
                let page_bytes = match rest {
                    [bytes, ..] => page_bytes(name, bytes)?,
                    [] => PAGE_BYTES_DEFAULT,
                };
                let path = text_argument(name, "the path of a file or block device", path)?;
                Arc::new(PageSource::new(path, page_bytes as usize)?)
            }
            (Self::Pages, others) => {
                return plan_err!(
                    "{name}: expected the path of a file or block device and, if wanted, a page size; found {} arguments",
                    others.len()
                );
            }
            (Self::ZramDevices, []) => Arc::new(Rows::zram("/sys".to_string())),
            (Self::ZramDevices, [folder]) => Arc::new(Rows::zram(text_argument(
                name,
                "a folder that takes the place of /sys",
                folder,
            )?)),
            (Self::Backends, []) => Arc::new(Rows::backends()),
            (_, others) => {
                return plan_err!("{name}: found {} arguments too many", others.len());
            }
        };
        let schema = Arc::clone(partition.schema());
        Ok(Arc::new(StreamingTable::try_new(schema, vec![partition])?))
    }
}

fn page_bytes(name: &str, argument: &Expr) -> Result<i64> {
    let number = match argument {
        Expr::Literal(value, _) if value.data_type().is_integer() => {
            match value.cast_to(&arrow::datatypes::DataType::Int64) {
                Ok(ScalarValue::Int64(number)) => number,
                _ => None,
            }
        }
        _ => None,
    };
    match number {
        Some(number) if (1..=PAGE_BYTES_MAX).contains(&number) => Ok(number),
        _ => plan_err!("{name}: a page size is 1 to {PAGE_BYTES_MAX} bytes, not {argument}"),
    }
}

/// A table of few rows, made when it is read, so that `EXPLAIN` reads nothing.
#[derive(Debug, Clone)]
struct Rows {
    schema: SchemaRef,
    kind: RowsKind,
}

#[derive(Debug, Clone)]
enum RowsKind {
    Zram(PathBuf),
    Backends,
}

impl Rows {
    fn zram(folder: String) -> Self {
        Self {
            schema: zram::schema(),
            kind: RowsKind::Zram(folder.into()),
        }
    }

    fn backends() -> Self {
        Self {
            schema: backends::schema(),
            kind: RowsKind::Backends,
        }
    }

    fn batch(&self, context: &TaskContext) -> Result<RecordBatch> {
        match &self.kind {
            RowsKind::Zram(folder) => zram::devices(folder),
            RowsKind::Backends => backends::backends(context.session_config().options()),
        }
    }
}

impl PartitionStream for Rows {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let rows = self.clone();
        Box::pin(RecordBatchStreamAdapter::new(
            Arc::clone(&self.schema),
            futures::stream::once(async move { rows.batch(&context) }),
        ))
    }
}
