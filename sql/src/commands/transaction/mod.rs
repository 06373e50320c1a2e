//! Transaction blocks: `BEGIN`, `COMMIT`, `ROLLBACK`.
//!
//! PostgreSQL's rules: `ROLLBACK` undoes what the block did to tables in memory, to names and to settings;
//! `SET LOCAL` ends with the block; a statement that fails fails the block, and until `ROLLBACK` every other is
//! refused (25P02). What cannot be undone, as an `INSERT` into files, is refused inside a block (25001). `COPY .. TO` is
//! let through, as PostgreSQL does: its file is a copy for others. Numbers of sequences are not given back.

mod guard;

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::common::{DataFusionError, Result, TableReference};
use datafusion::dataframe::DataFrame;
use datafusion::datasource::source_as_provider;
use datafusion::logical_expr::{DdlStatement, LogicalPlan, WriteOp};
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::Statement as DfStatement;
use datafusion::sql::sqlparser::ast::Statement as SqlStatement;
use ogive_table_providers::{Attachment, RestorePoint, RowStore, Warnings, row_store};
use ogive_vectors::VectorError;
use parking_lot::Mutex;

use crate::commands::settings::{self, SettingBefore, SettingsBlock};
use crate::dml::changed_stores;

/// The transaction block of a session, if one is open.
#[derive(Debug, Default)]
pub(crate) struct Transaction {
    block: Mutex<Option<Block>>,
}

#[derive(Debug, Default)]
struct Block {
    /// What settings were, newest last.
    settings: Vec<SettingBefore>,
    /// What tables and names were, newest last.
    undo: Vec<Undo>,
    failed: bool,
}

#[derive(Debug)]
enum Undo {
    /// The rows of a table before the block changed them.
    Rows {
        identity: usize,
        before: Box<dyn RestorePoint>,
    },
    /// The table that a name stood for.
    Name {
        name: TableReference,
        before: Option<Arc<dyn TableProvider>>,
    },
}

impl SettingsBlock for Transaction {
    fn is_open(&self) -> bool {
        self.block.lock().is_some()
    }

    fn note_setting(&self, before: SettingBefore) {
        if let Some(block) = self.block.lock().as_mut() {
            block.settings.push(before);
        }
    }
}

impl Transaction {
    /// Ends the block's work: only `ROLLBACK` is left.
    pub(crate) fn fail(&self) {
        if let Some(block) = self.block.lock().as_mut() {
            block.failed = true;
        }
    }

    /// PostgreSQL's refusal of statements in a block that has failed.
    ///
    /// # Errors
    /// 25P02.
    pub(crate) fn refuse_if_failed(&self, statement: &DfStatement) -> Result<()> {
        let ends = matches!(statement, DfStatement::Statement(sql)
            if matches!(sql.as_ref(), SqlStatement::Commit { .. } | SqlStatement::Rollback { .. }));
        match self.block.lock().as_ref() {
            Some(block) if block.failed && !ends => Err(error(VectorError::new(
                "25P02",
                "current transaction is aborted, commands ignored until end of transaction block",
            )
            .with_hint("ROLLBACK ends the block."))),
            _ => Ok(()),
        }
    }

    /// Runs `BEGIN`, `COMMIT` and `ROLLBACK`; `None` for other statements.
    ///
    /// # Errors
    /// A setting that cannot be put back.
    pub(crate) async fn run(
        &self,
        context: &SessionContext,
        warnings: &Warnings,
        statement: &SqlStatement,
    ) -> Result<Option<DataFrame>> {
        match statement {
            SqlStatement::StartTransaction { .. } => {
                let mut block = self.block.lock();
                if block.is_some() {
                    warnings.push("there is already a transaction in progress".to_string());
                } else {
                    *block = Some(Block::default());
                }
            }
            SqlStatement::Commit { .. } => match self.take() {
                None => warnings.push("there is no transaction in progress".to_string()),
                Some(block) if block.failed => {
                    warnings.push(
                        "the transaction had failed: it was rolled back, nothing is committed"
                            .to_string(),
                    );
                    block.roll_back(context).await?;
                }
                Some(block) => block.commit(context).await?,
            },
            SqlStatement::Rollback { .. } => match self.take() {
                None => warnings.push("there is no transaction in progress".to_string()),
                Some(block) => block.roll_back(context).await?,
            },
            _ => return Ok(None),
        }
        settings::empty(context).map(Some)
    }

    fn take(&self) -> Option<Block> {
        self.block.lock().take()
    }

    /// Takes down what a plan is about to change, if a block is open.
    ///
    /// # Errors
    /// It changes what cannot be put back (25001).
    pub(crate) async fn note(&self, context: &SessionContext, plan: &LogicalPlan) -> Result<()> {
        if !self.is_open() || matches!(plan, LogicalPlan::Explain(_)) {
            return Ok(());
        }
        let mut stores = changed_stores(plan)?;
        match plan {
            LogicalPlan::Ddl(ddl) => self.note_name(context, ddl).await?,
            LogicalPlan::Analyze(analyze) => stores.extend(inserted(&analyze.input)?),
            _ => stores.extend(inserted(plan)?),
        }
        for store in stores {
            let identity = store.identity();
            let noted = |undo: &Undo| matches!(undo, Undo::Rows { identity: other, .. } if *other == identity);
            if !self.has(noted) {
                let before = store.restore_point().await?;
                self.push_rows(identity, before)?;
            }
        }
        Ok(())
    }

    async fn note_name(&self, context: &SessionContext, ddl: &DdlStatement) -> Result<()> {
        let name = match ddl {
            DdlStatement::CreateExternalTable(create) => &create.name,
            DdlStatement::CreateMemoryTable(create) => &create.name,
            DdlStatement::CreateView(create) => &create.name,
            DdlStatement::DropTable(drop) => &drop.name,
            DdlStatement::DropView(drop) => &drop.name,
            other => {
                return Err(refused(other.name()));
            }
        };
        let before = context.table_provider(name.clone()).await.ok();
        self.push(Undo::Name {
            name: name.clone(),
            before,
        });
        Ok(())
    }

    /// Begins the block of an attached file that is about to be changed, if a block is open.
    ///
    /// # Errors
    /// The file has no blocks, or another one is being changed.
    pub(crate) async fn begin_in(&self, attachment: &dyn Attachment) -> Result<()> {
        let identity = attachment.identity();
        let noted =
            |undo: &Undo| matches!(undo, Undo::Rows { identity: other, .. } if *other == identity);
        if self.is_open() && !self.has(noted) {
            let before = attachment.begin_block().await?;
            self.push_rows(identity, before)?;
        }
        Ok(())
    }

    fn has(&self, noted: impl Fn(&Undo) -> bool) -> bool {
        let block = self.block.lock();
        block
            .as_ref()
            .is_none_or(|block| block.undo.iter().any(noted))
    }

    fn push_rows(&self, identity: usize, before: Box<dyn RestorePoint>) -> Result<()> {
        let is_file = |undo: &Undo| matches!(undo, Undo::Rows { before, .. } if before.is_file());
        if before.is_file() && self.has(is_file) {
            return Err(error(
                VectorError::new("25001", "a transaction block changes one database file")
                    .with_hint(
                        "Two could not be committed together: COMMIT, then change the other.",
                    ),
            ));
        }
        self.push(Undo::Rows { identity, before });
        Ok(())
    }

    fn push(&self, undo: Undo) {
        if let Some(block) = self.block.lock().as_mut() {
            block.undo.push(undo);
        }
    }
}

impl Block {
    /// Ends it. What cannot be made durable takes everything else back with it.
    async fn commit(self, context: &SessionContext) -> Result<()> {
        for undo in &self.undo {
            if let Undo::Rows { before, .. } = undo
                && let Err(error) = before.keep().await
            {
                self.roll_back(context).await?;
                return Err(error);
            }
        }
        let local = self.settings.into_iter().filter(|change| change.local);
        settings::put_back(context, local)
    }

    async fn roll_back(self, context: &SessionContext) -> Result<()> {
        for undo in self.undo.into_iter().rev() {
            match undo {
                Undo::Rows { before, .. } => before.restore().await,
                Undo::Name { name, before } => {
                    context.deregister_table(name.clone())?;
                    if let Some(table) = before {
                        context.register_table(name, table)?;
                    }
                }
            }
        }
        settings::put_back(context, self.settings)
    }
}

/// The table that a plan of DataFusion's inserts into.
fn inserted(plan: &LogicalPlan) -> Result<Option<Arc<dyn RowStore>>> {
    let LogicalPlan::Dml(dml) = plan else {
        return Ok(None);
    };
    let store = source_as_provider(&dml.target)
        .ok()
        .and_then(|table| row_store(&table));
    match store {
        Some(store) => Ok(Some(store)),
        None if matches!(dml.op, WriteOp::Insert(_)) => {
            Err(refused(&format!("INSERT INTO {}", dml.table_name)))
        }
        None => Err(refused(&format!("{} {}", dml.op, dml.table_name))),
    }
}

fn refused(statement: &str) -> DataFusionError {
    error(
        VectorError::new(
            "25001",
            format!("{statement} cannot run inside a transaction block"),
        )
        .with_hint("It could not be rolled back: end the block with COMMIT or ROLLBACK first."),
    )
}

fn error(error: VectorError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}
