//! `cvc_info`, `cvc_chunks`, `cvc_sections` and `cvc_verify`: what is inside CVC files, as rows.

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use datafusion_catalog::streaming::StreamingTable;
use datafusion_common::{DataFusionError, Result, ScalarValue, plan_err};
use datafusion_datasource::ListingTableUrl;
use datafusion_execution::{SendableRecordBatchStream, TaskContext};
use datafusion_expr::Expr;
use datafusion_physical_plan::stream::RecordBatchStreamAdapter;
use datafusion_physical_plan::streaming::PartitionStream;
use datafusion_session::{TableFunctionArgs, TableFunctionImpl, TableProvider};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use ogive_cvc::Layout;

use crate::cvc::file::CvcFile;
use crate::listing::{list_files, listing_url};
use crate::scan::{ArrayFile, FileBytes, MemoryMap};

/// The functions by name.
pub fn cvc_table_functions() -> Vec<(&'static str, Arc<dyn TableFunctionImpl>)> {
    CvcTableFunction::ALL
        .into_iter()
        .map(|function| {
            (
                function.name(),
                Arc::new(function) as Arc<dyn TableFunctionImpl>,
            )
        })
        .collect()
}

/// A table function over one path: a file, a directory or a glob, local or in a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CvcTableFunction {
    /// A row for each column of each file.
    Info,
    /// A row for each column of each chunk.
    Chunks,
    /// A row for each section.
    Sections,
    /// A row for each chunk, with whether its bytes are those that were written.
    Verify,
}

impl CvcTableFunction {
    /// Every function.
    pub const ALL: [Self; 4] = [Self::Info, Self::Chunks, Self::Sections, Self::Verify];

    /// The name in SQL.
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "cvc_info",
            Self::Chunks => "cvc_chunks",
            Self::Sections => "cvc_sections",
            Self::Verify => "cvc_verify",
        }
    }

    fn schema(self) -> SchemaRef {
        let text = |name: &str| Field::new(name, DataType::Utf8, true);
        let int = |name: &str| Field::new(name, DataType::Int64, true);
        let real = |name: &str| Field::new(name, DataType::Float64, true);
        let fields = match self {
            Self::Info => vec![
                text("file"),
                text("version"),
                text("layout"),
                int("rows"),
                int("chunks"),
                int("sections"),
                int("file_bytes"),
                int("header_bytes"),
                Field::new("mmap_optimized", DataType::Boolean, true),
                text("column"),
                text("dtype"),
                int("dimension"),
                text("compression"),
            ],
            Self::Chunks => vec![
                text("file"),
                int("chunk"),
                int("first_row"),
                int("rows"),
                int("record_offset"),
                int("record_bytes"),
                text("column"),
                text("compression"),
                int("column_offset"),
                int("column_bytes"),
                real("min"),
                real("scale"),
                text("metadata"),
            ],
            Self::Sections => vec![
                text("file"),
                int("section"),
                int("first_row"),
                int("rows"),
                text("metadata"),
            ],
            Self::Verify => vec![
                text("file"),
                int("chunk"),
                int("first_row"),
                int("rows"),
                text("status"),
                text("error"),
            ],
        };
        Arc::new(Schema::new(fields))
    }
}

impl TableFunctionImpl for CvcTableFunction {
    fn call_with_args(&self, args: TableFunctionArgs<'_, '_>) -> Result<Arc<dyn TableProvider>> {
        let name = self.name();
        let path = match args.exprs() {
            [Expr::Literal(ScalarValue::Utf8(Some(path)), _)]
            | [Expr::Literal(ScalarValue::Utf8View(Some(path)), _)]
            | [Expr::Literal(ScalarValue::LargeUtf8(Some(path)), _)] => path.clone(),
            [_] => return plan_err!("{name}: expected the path of a CVC file as text"),
            other => {
                return plan_err!(
                    "{name}: expected one argument, the path of a CVC file; found {}",
                    other.len()
                );
            }
        };
        let url = listing_url(&path)?;
        let schema = self.schema();
        let inspection = Inspection {
            function: *self,
            url,
            path,
            schema: Arc::clone(&schema),
        };
        Ok(Arc::new(StreamingTable::try_new(
            schema,
            vec![Arc::new(inspection)],
        )?))
    }
}

/// Runs when polled, so that `EXPLAIN` reads nothing.
#[derive(Debug, Clone)]
struct Inspection {
    function: CvcTableFunction,
    url: ListingTableUrl,
    path: String,
    schema: SchemaRef,
}

impl PartitionStream for Inspection {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let inspection = self.clone();
        let batches = stream::once(async move { inspection.run(context).await }).try_flatten();
        Box::pin(RecordBatchStreamAdapter::new(
            Arc::clone(&self.schema),
            batches,
        ))
    }
}

impl Inspection {
    async fn run(
        self,
        context: Arc<TaskContext>,
    ) -> Result<BoxStream<'static, Result<RecordBatch>>> {
        let store = context
            .runtime_env()
            .object_store(self.url.object_store())?;
        let files = self.files(&store).await?;
        if files.is_empty() {
            return Err(DataFusionError::Execution(format!(
                "{}: no .cvc file there",
                self.path
            )));
        }
        Ok(stream::iter(files)
            .then(move |meta| {
                let (inspection, store) = (self.clone(), Arc::clone(&store));
                async move { inspection.inspect(&store, meta).await }
            })
            .boxed())
    }

    async fn files(&self, store: &Arc<dyn ObjectStore>) -> Result<Vec<ObjectMeta>> {
        if !self.url.is_collection() && self.url.get_glob().is_none() {
            let meta = store.head(self.url.prefix()).await.map_err(|source| {
                DataFusionError::ObjectStore(Box::new(source))
                    .context(format!("opening {}", self.path))
            })?;
            return Ok(vec![meta]);
        }
        let mut files = list_files(store, &self.url).await?;
        files.retain(|file| {
            let extension = file.location.extension();
            extension.is_some_and(|extension| extension.eq_ignore_ascii_case("cvc"))
        });
        Ok(files)
    }

    async fn inspect(&self, store: &Arc<dyn ObjectStore>, meta: ObjectMeta) -> Result<RecordBatch> {
        let root = store.to_string();
        let is_local = root.starts_with("LocalFileSystem");
        let name = if is_local {
            format!("/{}", meta.location)
        } else {
            format!("{root}/{}", meta.location)
        };
        let bytes = FileBytes::open(store, is_local, &meta, &name, MemoryMap::Auto)?;
        let file = match CvcFile::read(&name, meta.size, &bytes).await {
            Ok((file, _)) => file,
            Err(error) if self.function == CvcTableFunction::Verify => {
                let message = plain(&error);
                return self.batch(vec![
                    texts([Some(name)]),
                    ints([None]),
                    ints([None]),
                    ints([None]),
                    texts([Some("unreadable".to_string())]),
                    texts([Some(message)]),
                ]);
            }
            Err(error) => return Err(error),
        };
        match self.function {
            CvcTableFunction::Info => self.info(&name, file.layout()),
            CvcTableFunction::Chunks => self.chunks(&name, file.layout()),
            CvcTableFunction::Sections => self.sections(&name, file.layout()),
            CvcTableFunction::Verify => self.verify(&name, &file, &bytes).await,
        }
    }

    fn batch(&self, columns: Vec<ArrayRef>) -> Result<RecordBatch> {
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }

    fn info(&self, name: &str, layout: &Layout) -> Result<RecordBatch> {
        let columns = layout.columns();
        let each = |value: u64| ints(columns.iter().map(|_| Some(value)));
        let word = |value: &str| texts(columns.iter().map(|_| Some(value.to_string())));
        self.batch(vec![
            word(name),
            word(&layout.version().to_string()),
            word(if layout.is_columnar() {
                "columnar"
            } else {
                "single"
            }),
            each(layout.rows()),
            each(layout.chunks().len() as u64),
            each(layout.sections().len() as u64),
            each(layout.file_bytes()),
            each(layout.header_bytes()),
            Arc::new(BooleanArray::from(vec![
                layout.mmap_optimized();
                columns.len()
            ])),
            texts(columns.iter().map(|column| Some(column.name.clone()))),
            texts(columns.iter().map(|column| Some(column.dtype.to_string()))),
            ints(columns.iter().map(|column| Some(column.dimension as u64))),
            texts(
                columns
                    .iter()
                    .map(|column| Some(column.compression.to_string())),
            ),
        ])
    }

    fn chunks(&self, name: &str, layout: &Layout) -> Result<RecordBatch> {
        let parts: Vec<_> = layout
            .chunks()
            .iter()
            .enumerate()
            .flat_map(|(index, chunk)| {
                chunk
                    .columns
                    .iter()
                    .enumerate()
                    .map(move |(column, part)| (index, chunk, column, part))
            })
            .collect();
        let record = |chunk: usize| layout.record_range(chunk);
        self.batch(vec![
            texts(parts.iter().map(|_| Some(name.to_string()))),
            ints(parts.iter().map(|(chunk, ..)| Some(*chunk as u64))),
            ints(parts.iter().map(|(_, chunk, ..)| Some(chunk.first_row))),
            ints(parts.iter().map(|(_, chunk, ..)| Some(chunk.rows))),
            ints(
                parts
                    .iter()
                    .map(|(chunk, ..)| record(*chunk).map(|r| r.start)),
            ),
            ints(
                parts
                    .iter()
                    .map(|(chunk, ..)| record(*chunk).map(|r| r.end - r.start)),
            ),
            texts(parts.iter().map(|(_, _, column, _)| {
                layout
                    .columns()
                    .get(*column)
                    .map(|column| column.name.clone())
            })),
            texts(
                parts
                    .iter()
                    .map(|(.., part)| Some(part.compression.to_string())),
            ),
            ints(parts.iter().map(|(chunk, _, column, _)| {
                layout.column_range(*chunk, *column).map(|r| r.start)
            })),
            ints(parts.iter().map(|(.., part)| part.size)),
            Arc::new(
                parts
                    .iter()
                    .map(|(.., part)| part.min)
                    .collect::<Float64Array>(),
            ),
            Arc::new(
                parts
                    .iter()
                    .map(|(.., part)| part.scale)
                    .collect::<Float64Array>(),
            ),
            texts(parts.iter().map(|(_, chunk, ..)| {
                chunk
                    .metadata
                    .as_ref()
                    .map(|metadata| metadata.to_sorted_text())
            })),
        ])
    }

    fn sections(&self, name: &str, layout: &Layout) -> Result<RecordBatch> {
        let sections = layout.sections();
        self.batch(vec![
            texts(sections.iter().map(|_| Some(name.to_string()))),
            ints((0..sections.len()).map(|section| Some(section as u64))),
            ints(sections.iter().map(|section| Some(section.start))),
            ints(
                sections
                    .iter()
                    .map(|section| Some(section.end - section.start)),
            ),
            texts(
                sections
                    .iter()
                    .map(|section| Some(section.metadata.to_sorted_text())),
            ),
        ])
    }

    async fn verify(&self, name: &str, file: &CvcFile, bytes: &FileBytes) -> Result<RecordBatch> {
        let layout = file.layout();
        let mut errors = Vec::with_capacity(layout.chunks().len());
        for chunk in 0..layout.chunks().len() {
            let Some(range) = layout.record_range(chunk) else {
                errors.push(Some("the record has no known place".to_string()));
                continue;
            };
            let (parts, _) = bytes.read(std::slice::from_ref(&range)).await?;
            let record = parts.first().map_or(&[][..], |part| part.as_ref());
            errors.push(file.verify(chunk, record).err().map(|error| plain(&error)));
            tokio::task::yield_now().await;
        }
        let unchecked = !layout.version().has_checksums();
        self.batch(vec![
            texts(errors.iter().map(|_| Some(name.to_string()))),
            ints((0..errors.len()).map(|chunk| Some(chunk as u64))),
            ints(layout.chunks().iter().map(|chunk| Some(chunk.first_row))),
            ints(layout.chunks().iter().map(|chunk| Some(chunk.rows))),
            texts(errors.iter().map(|error| {
                let status = match error {
                    Some(_) => "damaged",
                    None if unchecked => "no checksum",
                    None => "ok",
                };
                Some(status.to_string())
            })),
            texts(errors.iter().cloned()),
        ])
    }
}

impl fmt::Display for CvcTableFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The message as the engine worded it.
fn plain(error: &DataFusionError) -> String {
    match error {
        DataFusionError::External(source) => source.to_string(),
        other => other.strip_backtrace(),
    }
}

fn ints(values: impl IntoIterator<Item = Option<u64>>) -> ArrayRef {
    Arc::new(
        values
            .into_iter()
            .map(|value| value.map(u64::cast_signed))
            .collect::<Int64Array>(),
    )
}

fn texts(values: impl IntoIterator<Item = Option<String>>) -> ArrayRef {
    Arc::new(values.into_iter().collect::<StringArray>())
}
