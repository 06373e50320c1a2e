//! A session: the front end that every door uses.

use std::path::Path;
use std::sync::Arc;

use datafusion::common::plan_err;
use datafusion::dataframe::DataFrame;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion::sql::parser::{ResetStatement, Statement as DfStatement};
use futures::FutureExt;
use futures::future::BoxFuture;
use ogive_table_providers::{BuildProgress, Indexes, Warnings, WriteOptions};
use parking_lot::Mutex;
use url::Url;

use crate::catalog::{Catalogs, enable_paths, open};
use crate::commands::recall::{RunsQueries, measure_calls};
use crate::commands::selections::choose_files;
use crate::commands::settings::{self, SettingsBlock};
use crate::commands::transaction::Transaction;
use crate::commands::{attach, attached_tables, index, prepared};
use crate::dml;
use crate::explain::explain_frame;
use crate::object_stores::{LazyObjectStores, listed_urls, take_store_options, written_url};
use crate::parser::{Statement, parse_as};
use crate::rules::vectors_as_texts;
use crate::session::register::register_all;
use crate::statement::{OrderByArrays, begin_sequence, prepare_write, rewrite_statement};
use crate::types::{PreparedTypes, declares_types};

/// Settings of a session to be built.
#[derive(Debug, Default)]
pub struct SessionBuilder {
    config: Option<SessionConfig>,
    memory_limit: Option<usize>,
    target_partitions: Option<usize>,
}

impl SessionBuilder {
    /// A session with as many partitions as there are cores and no memory limit.
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts from a configuration of the caller's.
    pub fn with_config(mut self, config: SessionConfig) -> Self {
        self.config = Some(config);
        self
    }

    /// Bounds what operators may hold, in bytes; sorts and aggregations spill to disk beyond it.
    pub fn with_memory_limit(mut self, bytes: usize) -> Self {
        self.memory_limit = Some(bytes);
        self
    }

    /// Cores a query uses at most.
    pub fn with_target_partitions(mut self, partitions: usize) -> Self {
        self.target_partitions = Some(partitions);
        self
    }

    /// Builds the session.
    ///
    /// # Errors
    /// When the runtime's temporary folder cannot be made.
    pub fn build(self) -> Result<Session> {
        let stores = Arc::new(LazyObjectStores::new());
        let warnings = Arc::new(Warnings::default());
        let mut config = self
            .config
            .unwrap_or_default()
            .with_information_schema(true)
            .with_extension(Arc::clone(&warnings));
        // The mark of a vector type is metadata of a column.
        config.options_mut().execution.parquet.skip_metadata = false;
        if let Some(partitions) = self.target_partitions {
            config = config.with_target_partitions(partitions.max(1));
        }
        // A listing that is kept would hide files that are added or replaced: nothing is
        // imported, so what is on disk now is the table.
        let mut runtime = RuntimeEnvBuilder::new()
            .with_object_store_registry(Arc::clone(&stores) as _)
            .with_object_list_cache_limit(0);
        if let Some(bytes) = self.memory_limit {
            runtime = runtime.with_memory_limit(bytes, 1.0);
        }
        let catalogs = Arc::new(Catalogs::default());
        let mut builder = SessionStateBuilder::new()
            .with_catalog_list(Arc::clone(&catalogs) as _)
            .with_config(config)
            .with_runtime_env(runtime.build_arc()?)
            .with_default_features();
        register_all(&mut builder);
        let context = enable_paths(SessionContext::new_with_state(builder.build()));
        Ok(Session {
            context,
            catalogs,
            stores,
            warnings,
            transaction: Arc::default(),
            prepared: Arc::default(),
        })
    }
}

/// A session: parses, plans and runs SQL. Cheap to clone; clones share tables and settings.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> datafusion::error::Result<()> {
/// let session = ogive_sql::SessionBuilder::new().build()?;
/// let batches = session.sql("SELECT l2_distance([1.0, 2.0], [1.0, 4.0]) AS d").await?.collect().await?;
/// assert_eq!(batches[0].num_rows(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Session {
    context: SessionContext,
    catalogs: Arc<Catalogs>,
    stores: Arc<LazyObjectStores>,
    warnings: Arc<Warnings>,
    transaction: Arc<Transaction>,
    prepared: Arc<Mutex<PreparedTypes>>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}

impl Session {
    /// The statements of a script, read in the dialect that `datafusion.sql_parser.dialect` names
    /// as the script begins.
    ///
    /// # Errors
    /// A syntax error with its place.
    pub fn parse(&self, sql: &str) -> Result<Vec<Statement>> {
        let state = self.context.state_ref();
        let dialect = state.read().config().options().sql_parser.dialect;
        parse_as(sql, dialect).inspect_err(|_| self.transaction.fail())
    }

    /// Plans one statement. `CREATE`, `SET` and the like have been done when this returns; a
    /// query runs when its [`DataFrame`] is collected or streamed, and so does a change of rows.
    ///
    /// # Errors
    /// What is wrong with the statement.
    pub async fn execute(&self, statement: Statement) -> Result<DataFrame> {
        self.transaction.refuse_if_failed(&statement.0)?;
        if !self.transaction.is_open() {
            return self.run(statement.0).await;
        }
        let done = async {
            let frame = self.run(statement.0).await?;
            // Not so after COMMIT and ROLLBACK.
            if !self.transaction.is_open() {
                return Ok(frame);
            }
            self.transaction
                .note(&self.context, frame.logical_plan())
                .await?;
            self.transaction.guarded(self.context.state(), frame).await
        };
        done.await.inspect_err(|_| self.transaction.fail())
    }

    async fn run(&self, mut statement: DfStatement) -> Result<DataFrame> {
        if let DfStatement::Statement(sql) = &statement {
            let (context, warnings) = (&self.context, &self.warnings);
            if let Some(done) = self.transaction.run(context, warnings, sql).await? {
                return Ok(done);
            }
            if let Some(done) =
                settings::run(context, self.transaction.as_ref(), warnings, sql).await?
            {
                attach::tell_settings(context, &self.catalogs);
                return Ok(done);
            }
            if let Some(done) = attach::run(context, &self.catalogs, sql).await? {
                return Ok(done);
            }
            if let Some(done) = index::run(context, warnings, sql).await? {
                return Ok(done);
            }
            let transaction = self.transaction.as_ref();
            let done = attached_tables::run(context, &self.catalogs, transaction, sql).await?;
            if let Some(done) = done {
                return Ok(done);
            }
        }
        if let DfStatement::Reset(ResetStatement::Variable(name)) = &statement
            && let Some(done) = settings::reset(&self.context, name)?
        {
            return Ok(done);
        }
        let arrays = OrderByArrays::take(&self.context.state_ref().read(), &mut statement);
        let rewritten = rewrite_statement(&self.context, &mut statement)?;
        if !rewritten.recalls.is_empty() {
            measure_calls(self, &mut statement, rewritten.recalls).await?;
        }
        if !rewritten.selections.is_empty() {
            choose_files(self, &mut statement, rewritten.selections).await?;
        }
        let declared = declares_types(&statement);
        let state = self.context.state();
        let mut statement = prepare_write(&state, statement).await?;
        let change = dml::take(&state, &mut statement).await?;
        let statement = self.connect_stores(statement)?;
        let planning = change
            .as_ref()
            .map_or(&state, |change| change.planning(&state));
        let plan = planning.statement_to_plan(statement).await;
        let plan = arrays.put_back(plan.map_err(dml::without_row_id)?)?;
        let plan = match change {
            Some(change) => change.put_back(&state, plan)?,
            None => plan,
        };
        let plan = self
            .prepared
            .lock()
            .convert_parameters(&state, plan, declared)?;
        let plan = vectors_as_texts(plan)?;
        self.transaction.note(&self.context, &plan).await?;
        for sequence in rewritten.sequences {
            begin_sequence(&self.context, sequence)?;
        }
        match plan {
            LogicalPlan::Explain(_) | LogicalPlan::Analyze(_) => Ok(explain_frame(state, plan)),
            LogicalPlan::Ddl(_) | LogicalPlan::Statement(_) => {
                let plan = prepared::keep(plan)?;
                let frame = self.context.execute_logical_plan(plan).await?;
                Ok(prepared::release(frame))
            }
            // What DataFusion does too, with one copy of its tables of functions less.
            query => Ok(DataFrame::new(state, query)),
        }
    }

    /// Plans one statement given as text.
    ///
    /// # Errors
    /// As [`Self::parse`] and [`Self::execute`]; more or fewer statements than one.
    pub async fn sql(&self, sql: &str) -> Result<DataFrame> {
        let mut statements = self.parse(sql)?;
        match (statements.pop(), statements.len()) {
            (Some(statement), 0) => self.execute(statement).await,
            (None, _) => plan_err!("there is no statement in the text"),
            (_, more) => plan_err!("expected one statement, found {}", more + 1),
        }
    }

    /// DataFusion's context: tables, functions and settings of this session.
    pub fn context(&self) -> &SessionContext {
        &self.context
    }

    /// What queries warned of since the last call.
    pub fn take_warnings(&self) -> Vec<String> {
        self.warnings.take()
    }

    /// The builds of indexes that are under way, with how far they are.
    pub fn index_builds(&self) -> Vec<Arc<BuildProgress>> {
        let state = self.context.state_ref();
        let indexes = state.read().config().get_extension::<Indexes>();
        indexes
            .map(|indexes| indexes.building())
            .unwrap_or_default()
    }

    /// Registers a file, directory, glob or URL as a table called after its stem
    /// (`data/docs.cvc` becomes `docs`), a SQLite database as a catalogue (`notes.db` becomes `notes`), and returns the name.
    ///
    /// # Errors
    /// Nothing is there, or it cannot be read; the name is taken.
    pub async fn attach(&self, path: &str) -> Result<String> {
        if attach::is_attachable(path) {
            return attach::attach_path(&self.context, &self.catalogs, path).await;
        }
        let name = stem(path);
        self.attach_as(&name, path).await?;
        Ok(name)
    }

    /// As [`Self::attach`], under a name of the caller's.
    ///
    /// # Errors
    /// Nothing is there, or it cannot be read; the name is taken.
    pub async fn attach_as(&self, name: &str, path: &str) -> Result<()> {
        if attach::is_attachable(path) {
            let (path, name) = (path.replace('\'', "''"), name.replace('"', "\"\""));
            let attach = format!("ATTACH '{path}' AS \"{name}\"");
            self.sql(&attach).await?;
            return Ok(());
        }
        if self.context.table_exist(name)? {
            return plan_err!(
                "'{path}' would be table {name}, which is there already: give it another name, as with --as other={path}"
            );
        }
        let table = open(&self.context.state(), path).await?;
        self.context
            .register_table(datafusion::common::TableReference::bare(name), table)?;
        Ok(())
    }

    /// Credentials in `OPTIONS (..)` are for the statement's location; they go to its store, not
    /// to the file format.
    fn connect_stores(&self, mut statement: DfStatement) -> Result<DfStatement> {
        let (options, locations) = match &mut statement {
            DfStatement::CreateExternalTable(create) => {
                if create.file_type.eq_ignore_ascii_case("cvc") {
                    keep_compression(&mut create.options);
                }
                (&mut create.options, listed_urls(&create.locations)?)
            }
            DfStatement::CopyTo(copy) => (&mut copy.options, vec![written_url(&copy.target)?]),
            _ => return Ok(statement),
        };
        let mut by_name = options
            .iter()
            .map(|(key, value)| (key.clone(), value_text(value)))
            .collect::<std::collections::HashMap<_, _>>();
        let store_options = take_store_options(&mut by_name);
        if store_options.is_empty() {
            return Ok(statement);
        }
        options.retain(|(key, _)| by_name.contains_key(key));
        for location in locations {
            let url = Url::parse(&location).map_err(|error| {
                DataFusionError::Plan(format!(
                    "'{location}' has store options but is no URL: {error}"
                ))
            })?;
            self.stores.apply_options(&url, &store_options)?;
        }
        Ok(statement)
    }
}

impl RunsQueries for Session {
    fn parse(&self, sql: &str) -> Result<Vec<Statement>> {
        Self::parse(self, sql)
    }

    fn execute(&self, statement: Statement) -> BoxFuture<'_, Result<DataFrame>> {
        Self::execute(self, statement).boxed()
    }

    fn with_settings(&self, settings: &[(&str, &str)]) -> Result<Session> {
        let mut state = self.context.state();
        for (name, value) in settings {
            state.config_mut().options_mut().set(name, value)?;
        }
        Ok(Session {
            context: SessionContext::new_with_state(state),
            ..self.clone()
        })
    }
}

/// DataFusion takes `compression` of a table for gzip and its like before a format sees it, so
/// the option of CVC tables goes under a name of its own.
fn keep_compression(options: &mut [(String, datafusion::sql::sqlparser::ast::Value)]) {
    for (key, _) in options {
        if key.eq_ignore_ascii_case("compression") {
            *key = WriteOptions::COMPRESSION_OF_TABLE.to_string();
        }
    }
}

fn value_text(value: &datafusion::sql::sqlparser::ast::Value) -> String {
    match value {
        datafusion::sql::sqlparser::ast::Value::SingleQuotedString(text)
        | datafusion::sql::sqlparser::ast::Value::DoubleQuotedString(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The name under which a path is attached: its last part that is not a glob, without extension.
fn stem(path: &str) -> String {
    let named = path
        .trim_end_matches('/')
        .rsplit('/')
        .find(|part| !part.is_empty() && !part.contains(['*', '?', '[', '{']))
        .unwrap_or("table");
    Path::new(named).file_stem().map_or_else(
        || named.to_string(),
        |stem| stem.to_string_lossy().into_owned(),
    )
}
