//! Table functions over source code: `parse_source`, `code_context`, `code_stats`, `code_health`, `cache_info`, `cache_verify`.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion_catalog::streaming::StreamingTable;
use datafusion_common::{Result, ScalarValue, plan_err};
use datafusion_execution::{SendableRecordBatchStream, TaskContext};
use datafusion_expr::Expr;
use datafusion_physical_plan::stream::RecordBatchReceiverStreamBuilder;
use datafusion_physical_plan::streaming::PartitionStream;
use datafusion_session::{Session, TableFunctionArgs, TableFunctionImpl, TableProvider};
use ogive_codebase::{Language, PackOptions, PackedChunk, Scanned, pack, parse_source};

use futures::FutureExt;

use super::catalog::MAIN;
use super::checkout::CodeCheckout;
use super::error::codebase_error;
use super::schema::CodeTable;
use super::selection::selected_files;
use super::table::CodebaseTable;
use crate::arguments::text_argument;
use crate::options::OgiveOptions;

/// The functions by name.
pub fn code_table_functions() -> Vec<(&'static str, Arc<dyn TableFunctionImpl>)> {
    [
        CodeFunction::ParseSource,
        CodeFunction::Stats,
        CodeFunction::CacheInfo,
        CodeFunction::CacheVerify,
        CodeFunction::Health,
        CodeFunction::Context,
    ]
    .into_iter()
    .map(|function| {
        let function_impl: Arc<dyn TableFunctionImpl> = Arc::new(function);
        (function.name(), function_impl)
    })
    .collect()
}

#[derive(Debug, Clone, Copy)]
enum CodeFunction {
    /// The definitions in a text.
    ParseSource,
    /// What a scan of a checkout costs.
    Stats,
    /// What the cache of a checkout holds.
    CacheInfo,
    /// What of it is damaged.
    CacheVerify,
    /// What is wrong with a checkout's cache and its index of names.
    Health,
    /// A checkout packed for a context window.
    Context,
}

impl CodeFunction {
    fn name(self) -> &'static str {
        match self {
            Self::ParseSource => "parse_source",
            Self::Stats => "code_stats",
            Self::CacheInfo => "cache_info",
            Self::CacheVerify => "cache_verify",
            Self::Health => "code_health",
            Self::Context => "code_context",
        }
    }

    fn schema(self) -> SchemaRef {
        let text = |name: &str| Field::new(name, DataType::Utf8, true);
        let number = |name: &str| Field::new(name, DataType::Int64, true);
        let real = |name: &str| Field::new(name, DataType::Float64, true);
        Arc::new(Schema::new(match self {
            Self::ParseSource => vec![
                text("name"),
                text("qualified_name"),
                text("kind"),
                text("signature"),
                text("doc"),
                number("start_line"),
                number("end_line"),
                number("complexity"),
            ],
            Self::Stats => vec![
                number("files"),
                number("bytes"),
                number("cached"),
                number("binary"),
                number("errors"),
                real("seconds"),
                real("walk_seconds"),
                real("read_seconds"),
                real("parse_seconds"),
                real("token_seconds"),
                real("cache_seconds"),
            ],
            Self::CacheInfo => vec![text("path"), number("entries"), number("bytes")],
            Self::Health => vec![
                text("subject"),
                Field::new("healthy", DataType::Boolean, true),
                text("message"),
            ],
            Self::Context => vec![number("chunk"), number("tokens"), text("content")],
            Self::CacheVerify => vec![text("path"), Field::new("intact", DataType::Boolean, true)],
        }))
    }
}

impl TableFunctionImpl for CodeFunction {
    fn call_with_args(&self, args: TableFunctionArgs<'_, '_>) -> Result<Arc<dyn TableProvider>> {
        let name = self.name();
        let work = match (self, args.exprs()) {
            (Self::ParseSource, [content, language]) => {
                let language = text_argument(name, "a language", language)?;
                Work::Parse {
                    content: text_argument(name, "source code", content)?,
                    language: language.parse().map_err(codebase_error)?,
                }
            }
            (Self::ParseSource, others) => {
                return plan_err!(
                    "{name}: expected source code and its language, found {} arguments",
                    others.len()
                );
            }
            (Self::Context, [checkout, options @ ..]) if options.len() < 8 => {
                let checkout = text_argument(name, "an attached checkout or its path", checkout)?;
                context(args.session(), &checkout, options)?
            }
            (function, [checkout]) => Work::Checkout {
                function: *function,
                checkout: checkout_of(
                    args.session(),
                    &text_argument(name, "an attached checkout or its path", checkout)?,
                )?,
            },
            (_, others) => {
                return plan_err!(
                    "{name}: expected an attached checkout or its path, found {} arguments",
                    others.len()
                );
            }
        };
        let schema = self.schema();
        let rows = WorkRows {
            work,
            schema: Arc::clone(&schema),
        };
        Ok(Arc::new(StreamingTable::try_new(
            schema,
            vec![Arc::new(rows)],
        )?))
    }
}

/// The packing that `code_context` is asked for: a budget of tokens, a level, chunks, a format, an encoding, a path or symbol to
/// focus on, the files that a query chose; NULL where one is not given.
fn context(session: &dyn Session, checkout: &str, options: &[Expr]) -> Result<Work> {
    let name = CodeFunction::Context.name();
    let word = |place: usize, what: &str| match options.get(place) {
        None => Ok(None),
        Some(Expr::Literal(value, _)) if value.is_null() => Ok(None),
        Some(expr) => text_argument(name, what, expr).map(Some),
    };
    let budget = match options.first() {
        None => None,
        Some(Expr::Literal(value, _)) if value.is_null() => None,
        Some(Expr::Literal(ScalarValue::Int64(Some(tokens)), _)) if *tokens > 0 => {
            Some(tokens.unsigned_abs())
        }
        Some(other) => {
            return plan_err!("{name}: expected a budget of tokens above 0, found {other}");
        }
    };
    let mut packing = PackOptions {
        budget,
        ..PackOptions::default()
    };
    if let Some(level) = word(1, "a level")? {
        packing.level = level.parse().map_err(codebase_error)?;
    }
    if let Some(chunks) = word(2, "a way of chunking")? {
        packing.chunks = Some(chunks.parse().map_err(codebase_error)?);
    }
    if let Some(format) = word(3, "a format")? {
        packing.format = format.parse().map_err(codebase_error)?;
    }
    packing.focus.extend(word(5, "a path or symbol")?);
    if let Some(chosen) = word(6, "a query")? {
        packing.selection = Some(selected_files(&chosen)?);
    }
    let mut checkout = checkout_of(session, checkout)?;
    if let Some(encoding) = word(4, "an encoding")? {
        checkout = checkout.with_encoding(encoding.parse().map_err(codebase_error)?);
    }
    Ok(Work::Context {
        checkout,
        packing: Box::new(packing),
    })
}

/// The checkout that a name or a path means.
fn checkout_of(session: &dyn Session, name: &str) -> Result<CodeCheckout> {
    if let Some(attached) = session.catalog_list().catalog(name) {
        // A session may have put a catalogue of its own around it; its tables come through. They are there at once.
        let table = attached.schema(MAIN).and_then(|schema| {
            let table = schema.table(CodeTable::Files.name()).now_or_never()?;
            table.ok().flatten()
        });
        return match table
            .as_ref()
            .and_then(|table| table.downcast_ref::<CodebaseTable>())
        {
            Some(table) => Ok(table.checkout().clone()),
            None => plan_err!("{name} is attached, and is no checkout of source code"),
        };
    }
    let options = session.config_options().extensions.get::<OgiveOptions>();
    let cache = options.map_or("", |options| options.code_cache.as_str());
    CodeCheckout::open(Path::new(name), cache)
}

/// What is done when the rows are asked for.
#[derive(Debug, Clone)]
enum Work {
    Parse {
        content: String,
        language: Language,
    },
    Context {
        checkout: CodeCheckout,
        packing: Box<PackOptions>,
    },
    Checkout {
        function: CodeFunction,
        checkout: CodeCheckout,
    },
}

#[derive(Debug, Clone)]
struct WorkRows {
    work: Work,
    schema: SchemaRef,
}

impl PartitionStream for WorkRows {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let rows = self.clone();
        let mut builder = RecordBatchReceiverStreamBuilder::new(Arc::clone(&self.schema), 1);
        let sender = builder.tx();
        builder.spawn_blocking(move || {
            let columns = rows.work.run()?;
            let batch = RecordBatch::try_new(rows.schema, columns)?;
            // Nobody receives any more when the query is over.
            let _ = sender.blocking_send(Ok(batch));
            Ok(())
        });
        builder.build()
    }
}

impl Work {
    fn run(self) -> Result<Vec<ArrayRef>> {
        match self {
            Self::Parse { content, language } => Ok(parse(&content, language)),
            Self::Context { checkout, packing } => pack_rows(&checkout, &packing),
            Self::Checkout { function, checkout } => match function {
                CodeFunction::CacheInfo => cache_info(&checkout),
                CodeFunction::CacheVerify => cache_verify(&checkout),
                CodeFunction::Health => health(&checkout),
                _ => stats(&checkout),
            },
        }
    }
}

fn parse(content: &str, language: Language) -> Vec<ArrayRef> {
    let symbols = parse_source(content, language).symbols;
    let numbers = |of: fn(&ogive_codebase::Symbol) -> Option<u32>| -> ArrayRef {
        let numbers = symbols.iter().map(|symbol| of(symbol).map(i64::from));
        Arc::new(numbers.collect::<Int64Array>())
    };
    let texts = |of: fn(&ogive_codebase::Symbol) -> Option<&str>| -> ArrayRef {
        Arc::new(symbols.iter().map(of).collect::<StringArray>())
    };
    vec![
        texts(|symbol| Some(&symbol.name)),
        texts(|symbol| Some(&symbol.qualified_name)),
        texts(|symbol| Some(symbol.kind.name())),
        texts(|symbol| Some(&symbol.signature)),
        texts(|symbol| symbol.doc.as_deref()),
        numbers(|symbol| Some(symbol.start_line)),
        numbers(|symbol| Some(symbol.end_line)),
        numbers(|symbol| symbol.complexity),
    ]
}

fn pack_rows(checkout: &CodeCheckout, packing: &PackOptions) -> Result<Vec<ArrayRef>> {
    let (chunks, _) = pack(checkout.checkout(), packing).map_err(codebase_error)?;
    let numbers = |of: fn(&PackedChunk) -> i64| -> ArrayRef {
        Arc::new(chunks.iter().map(of).map(Some).collect::<Int64Array>())
    };
    Ok(vec![
        numbers(|chunk| chunk.number.into()),
        numbers(|chunk| i64::try_from(chunk.tokens).unwrap_or(i64::MAX)),
        Arc::new(StringArray::from_iter_values(
            chunks.iter().map(|chunk| &chunk.content),
        )),
    ])
}

fn stats(checkout: &CodeCheckout) -> Result<Vec<ArrayRef>> {
    let started = Instant::now();
    let mut scan = checkout.checkout().scan().map_err(codebase_error)?;
    for _ in scan.by_ref() {}
    let (stats, seconds) = (scan.stats(), started.elapsed().as_secs_f64());
    let number = |value: u64| -> ArrayRef {
        let value = i64::try_from(value).unwrap_or(i64::MAX);
        Arc::new(Int64Array::from(vec![value]))
    };
    let real = |value: f64| -> ArrayRef { Arc::new(Float64Array::from(vec![value])) };
    let of_ns = |ns: u64| real(ns as f64 / 1e9);
    Ok(vec![
        number(stats.files),
        number(stats.bytes),
        number(stats.cached),
        number(stats.binary),
        number(stats.errors),
        real(seconds),
        of_ns(stats.walk_ns),
        of_ns(stats.read_ns),
        of_ns(stats.parse_ns),
        of_ns(stats.token_ns),
        of_ns(stats.cache_ns),
    ])
}

fn cache_info(checkout: &CodeCheckout) -> Result<Vec<ArrayRef>> {
    let Some(cache) = checkout.checkout().cache().map_err(codebase_error)? else {
        return Ok(vec![
            Arc::new(StringArray::from(Vec::<&str>::new())),
            Arc::new(Int64Array::from(Vec::<i64>::new())),
            Arc::new(Int64Array::from(Vec::<i64>::new())),
        ]);
    };
    let info = cache.info().map_err(codebase_error)?;
    let number = |value: u64| -> ArrayRef {
        let value = i64::try_from(value).unwrap_or(i64::MAX);
        Arc::new(Int64Array::from(vec![value]))
    };
    Ok(vec![
        Arc::new(StringArray::from(vec![info.path.display().to_string()])),
        number(info.entries),
        number(info.bytes),
    ])
}

/// A row for each thing that is looked at: whether it is well, and what is not.
fn health(checkout: &CodeCheckout) -> Result<Vec<ArrayRef>> {
    /// Names that are said of each.
    const NAMES_MAX: usize = 10;
    let mut rows: Vec<(&str, bool, Option<String>)> = Vec::new();
    let mut add = |subject, wrong: Vec<String>, what: &str| {
        let shown = wrong.get(..NAMES_MAX).unwrap_or(&wrong).join(", ");
        let message = format!("{} {what}: {shown}", wrong.len());
        rows.push((
            subject,
            wrong.is_empty(),
            (!wrong.is_empty()).then_some(message),
        ));
    };
    match checkout.checkout().cache().map_err(codebase_error)? {
        None => add("cache", Vec::new(), ""),
        Some(cache) => {
            let file = cache.check().map_err(codebase_error)?;
            add("cache file", file, "finding(s) of SQLite's integrity_check");
            let entries = cache.verify().map_err(codebase_error)?;
            add(
                "cache entries",
                entries,
                "damaged, and parsed again when they are needed",
            );
            let names = cache.check_names().map_err(codebase_error)?;
            add(
                "name index",
                names,
                "whose names are not those of their facts",
            );
        }
    }
    let mut failed = Vec::new();
    for scanned in checkout.checkout().scan().map_err(codebase_error)? {
        if let Scanned::Failed(error) = scanned {
            failed.push(error.path);
        }
    }
    add("files", failed, "that cannot be read");
    Ok(vec![
        Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.0))),
        Arc::new(BooleanArray::from_iter(rows.iter().map(|row| Some(row.1)))),
        Arc::new(
            rows.iter()
                .map(|row| row.2.as_deref())
                .collect::<StringArray>(),
        ),
    ])
}

/// The entries that are damaged, or one row that says that none is.
fn cache_verify(checkout: &CodeCheckout) -> Result<Vec<ArrayRef>> {
    let mut paths: Vec<Option<String>> = Vec::new();
    if let Some(cache) = checkout.checkout().cache().map_err(codebase_error)? {
        let damaged = cache.verify().map_err(codebase_error)?;
        paths.extend(damaged.into_iter().map(Some));
    }
    let is_intact = paths.is_empty();
    if is_intact {
        paths.push(None);
    }
    let intact = BooleanArray::from(vec![is_intact; paths.len()]);
    Ok(vec![Arc::new(StringArray::from(paths)), Arc::new(intact)])
}
