//! `index_stats('name')` and `index_verify('name')`: a row for each file of an index.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::{Session, TableFunctionArgs, TableFunctionImpl, TableProvider};
use datafusion::common::{Result, ScalarValue, internal_err, plan_err};
use datafusion::datasource::TableType;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::execution::SessionState;
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::ExecutionPlan;
use ogive_table_providers::Indexes;

use super::build::indexes;
use super::known::{IndexedFile, known};
use super::names::unknown;

/// The functions by name.
pub(crate) fn index_table_functions() -> Vec<(&'static str, Arc<dyn TableFunctionImpl>)> {
    vec![
        ("index_stats", Arc::new(IndexFunction::Stats)),
        ("index_verify", Arc::new(IndexFunction::Verify)),
    ]
}

#[derive(Debug, Clone, Copy)]
enum IndexFunction {
    /// What an index is, and what searches through it did in this session.
    Stats,
    /// Whether it is whole, and of what the files are now.
    Verify,
}

impl IndexFunction {
    fn schema(self) -> SchemaRef {
        let text = |name: &str| Field::new(name, DataType::Utf8, true);
        let number = |name: &str| Field::new(name, DataType::Int64, true);
        Arc::new(Schema::new(match self {
            Self::Stats => vec![
                text("name"),
                text("file"),
                text("column_name"),
                text("method"),
                text("metric"),
                number("rows"),
                number("bits"),
                number("bytes"),
                Field::new("build_seconds", DataType::Float64, true),
                number("searches"),
                number("codes_scanned"),
                number("decided_by_codes"),
                number("decided_by_second_stage"),
                number("read_exactly"),
                number("bytes_read"),
            ],
            Self::Verify => vec![text("name"), text("file"), text("state"), text("message")],
        }))
    }

    fn rows(self, indexes: &Indexes, name: &str, files: &[IndexedFile]) -> Result<RecordBatch> {
        match self {
            Self::Stats => self.stats(indexes, name, files),
            Self::Verify => self.verify(indexes, name, files),
        }
    }

    fn stats(self, indexes: &Indexes, name: &str, files: &[IndexedFile]) -> Result<RecordBatch> {
        let manifests = || files.iter().map(|file| &file.sidecar.manifest);
        let texts = |of: &dyn Fn(&IndexedFile) -> String| -> ArrayRef {
            Arc::new(
                files
                    .iter()
                    .map(|file| Some(of(file)))
                    .collect::<StringArray>(),
            )
        };
        let numbers = |of: &dyn Fn(&IndexedFile) -> u64| -> ArrayRef {
            let numbers = files.iter().map(|file| i64::try_from(of(file)).ok());
            Arc::new(numbers.collect::<Int64Array>())
        };
        let seconds: Float64Array = manifests()
            .map(|manifest| Some(manifest.build_milliseconds as f64 / 1000.0))
            .collect();
        let totals = |file: &IndexedFile| indexes.totals(&file.sidecar);
        let columns = vec![
            texts(&|_| name.to_string()),
            texts(&|file| file.sidecar.manifest.source.path.clone()),
            texts(&|file| file.sidecar.manifest.column.clone()),
            texts(&|file| file.sidecar.manifest.method.clone()),
            texts(&|file| file.sidecar.manifest.measure.name().to_string()),
            numbers(&|file| file.sidecar.manifest.source.rows),
            numbers(&|file| file.sidecar.bits()),
            numbers(&|file| file.sidecar.manifest.file_bytes),
            Arc::new(seconds),
            numbers(&|file| totals(file).searches),
            numbers(&|file| totals(file).sum.codes_scanned),
            numbers(&|file| totals(file).sum.decided_by_codes),
            numbers(&|file| totals(file).sum.decided_by_second),
            numbers(&|file| totals(file).sum.read_exactly),
            numbers(&|file| totals(file).sum.bytes_read),
        ];
        Ok(RecordBatch::try_new(self.schema(), columns)?)
    }

    fn verify(self, indexes: &Indexes, name: &str, files: &[IndexedFile]) -> Result<RecordBatch> {
        let found: Vec<(&str, Option<String>)> = files
            .iter()
            .map(|file| match (file.state(), indexes.verify(&file.sidecar)) {
                (_, Err(damage)) => ("damaged", Some(damage)),
                (Err(stale), Ok(())) => ("stale", Some(stale)),
                (Ok(()), Ok(())) => ("ok", None),
            })
            .collect();
        let columns: Vec<ArrayRef> = vec![
            Arc::new(files.iter().map(|_| Some(name)).collect::<StringArray>()),
            Arc::new(
                files
                    .iter()
                    .map(|file| Some(file.sidecar.manifest.source.path.as_str()))
                    .collect::<StringArray>(),
            ),
            Arc::new(
                found
                    .iter()
                    .map(|(state, _)| Some(*state))
                    .collect::<StringArray>(),
            ),
            Arc::new(
                found
                    .iter()
                    .map(|(_, why)| why.as_deref())
                    .collect::<StringArray>(),
            ),
        ];
        Ok(RecordBatch::try_new(self.schema(), columns)?)
    }
}

impl TableFunctionImpl for IndexFunction {
    fn call_with_args(&self, args: TableFunctionArgs<'_, '_>) -> Result<Arc<dyn TableProvider>> {
        let function = match self {
            Self::Stats => "index_stats",
            Self::Verify => "index_verify",
        };
        match args.exprs() {
            [Expr::Literal(ScalarValue::Utf8(Some(name)), _)] => Ok(Arc::new(IndexRows {
                function: *self,
                name: name.clone(),
            })),
            _ => {
                plan_err!("{function} takes the name of an index: {function}('docs_embedding_idx')")
            }
        }
    }
}

/// What such a function returns, read when the query is planned.
#[derive(Debug)]
struct IndexRows {
    function: IndexFunction,
    name: String,
}

#[async_trait]
impl TableProvider for IndexRows {
    fn schema(&self) -> SchemaRef {
        self.function.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Temporary
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Some(session) = state.as_any().downcast_ref::<SessionState>() else {
            return internal_err!("indexes are known to a session of DataFusion");
        };
        let indexes = indexes(session);
        let found = known(session).await?;
        let files: Vec<IndexedFile> = found
            .iter()
            .filter(|index| index.name == self.name)
            .flat_map(|index| index.files().to_vec())
            .collect();
        if files.is_empty() {
            return Err(unknown(&self.name));
        }
        let rows = self.function.rows(&indexes, &self.name, &files)?;
        let plan = MemorySourceConfig::try_new_exec(
            &[vec![rows]],
            self.function.schema(),
            projection.cloned(),
        )?;
        Ok(plan)
    }
}
