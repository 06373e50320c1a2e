//! A table of a vault.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion_common::{Result, ScalarValue, not_impl_err, plan_err};
use datafusion_expr::dml::InsertOp;
use datafusion_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion_physical_plan::ExecutionPlan;
use datafusion_session::{Session, TableProvider};
use ogive_vault::{
    MainKind, MainTable, OnConflict, Place, SqlType, SqlValue, Store, Vault, Vec0Role, quoted,
};

use crate::scan::is_plain;
use crate::vault::block::Block;
use crate::vault::exec::VaultScanExec;
use crate::vault::filters::{self, Ranges, SqlColumn, SqlColumns, SqlKind};
use crate::vault::schema::{
    ROWID_COLUMN, SqliteTypes, VEC0_ROWID, arrow_type, read_as, schema_of, shows_rowid,
};
use crate::vault::shared::SharedVault;
use crate::vault::sink::VaultSink;
use crate::vault::snapshot::Statements;
use crate::vault::target::VaultTarget;

/// A table of a vault, as it was when its name was looked up; its rows are those of the moment at which a statement runs.
#[derive(Debug, Clone)]
pub struct VaultTable {
    pub(super) target: VaultTarget,
    pub(super) statements: Arc<Statements>,
    pub(super) block: Arc<Block>,
    /// Found when they are first asked for: queries need none.
    defaults: Arc<OnceLock<HashMap<String, Expr>>>,
    pub(super) types: SqliteTypes,
}

impl Deref for VaultTable {
    type Target = VaultTarget;

    fn deref(&self) -> &VaultTarget {
        &self.target
    }
}

impl VaultTable {
    pub(super) fn try_new(shared: &SharedVault, store: Store) -> Result<Self> {
        let types = *shared.types.lock();
        let file = shared.vault.file();
        let place = match &store {
            Store::Kv(table) => Place::table(file, "kv", &table.name),
            Store::Column(column) => Place::table(file, "columns", &column.name),
            Store::Vectors(table) => Place::table(file, "vectors", &table.name),
            Store::Text(table) => Place::table(file, "text", &table.name),
            Store::Main(table) => Place::table(file, "main", &table.name),
        };
        Ok(Self {
            statements: Arc::clone(&shared.statements),
            block: Arc::clone(&shared.block),
            defaults: Arc::default(),
            types,
            target: VaultTarget {
                vault: shared.vault.clone(),
                schema: schema_of(&store, file, types, false)?,
                store,
                place,
                on_conflict: OnConflict::default(),
            },
        })
    }

    /// The same table with a last column [`ROWID_COLUMN`](crate::ROWID_COLUMN): the number by which
    /// [`VaultTransaction`](crate::VaultTransaction) deletes and updates a row. An error where rows have none.
    pub fn with_rowid(&self) -> Result<Self> {
        match &self.store {
            Store::Main(MainTable {
                kind:
                    MainKind::Table {
                        has_rowid: true, ..
                    }
                    | MainKind::Fts5 { .. },
                ..
            }) => {}
            Store::Main(MainTable { kind, .. }) => {
                let kind = match kind {
                    MainKind::Table { .. } => "table WITHOUT ROWID",
                    other => other.name(),
                };
                return plan_err!(
                    "{}: rows of a {kind} have no numbers by which they could be named to be changed",
                    self.place
                );
            }
            _ => {}
        }
        let mut table = self.clone();
        table.target.schema = schema_of(&self.store, self.vault.file(), self.types, true)?;
        Ok(table)
    }

    /// The same table, whose INSERT does this about keys that are there already. The default replaces values of key-value
    /// tables, as the package does; elsewhere only ids and primary keys can conflict, and they are an error.
    #[must_use]
    pub fn with_conflict(&self, on_conflict: OnConflict) -> Self {
        let mut table = self.clone();
        table.target.on_conflict = on_conflict;
        table
    }

    pub(super) fn block(&self) -> &Arc<Block> {
        &self.block
    }

    pub(super) fn statements(&self) -> &Arc<Statements> {
        &self.statements
    }

    /// Columns that SQLite can compare.
    pub(super) fn sql_columns(&self) -> SqlColumns {
        let column = |name: &str, sql: &str, kind| SqlColumn {
            name: name.to_owned(),
            sql: sql.to_owned(),
            kind,
        };
        let mut found = SqlColumns::default();
        match &self.store {
            Store::Kv(_) => {
                found.columns.push(column("key", "key", SqlKind::Key));
                found
                    .columns
                    .push(column(ROWID_COLUMN, "_rowid_", SqlKind::RowNumber));
            }
            Store::Text(table) => {
                found
                    .columns
                    .push(column("id", "t.rowid", SqlKind::RowNumber));
                found
                    .columns
                    .push(column(ROWID_COLUMN, "t.rowid", SqlKind::RowNumber));
                found.texts = Some((format!("t.{}", quoted(&table.name)), table.columns.clone()));
            }
            Store::Main(table) => match &table.kind {
                MainKind::Table {
                    columns, has_rowid, ..
                } => {
                    if *has_rowid {
                        found
                            .columns
                            .push(column(ROWID_COLUMN, "_rowid_", SqlKind::RowNumber));
                    }
                    let alias = self.rowid_alias();
                    for declared in columns {
                        let kind = match declared.sql_type {
                            _ if Some(declared.name.as_str()) == alias => SqlKind::RowNumber,
                            _ if self.types == SqliteTypes::Text => continue,
                            SqlType::Integer => SqlKind::Integer,
                            SqlType::Real => SqlKind::Float,
                            SqlType::Text => SqlKind::Text,
                            _ => continue,
                        };
                        found
                            .columns
                            .push(column(&declared.name, &quoted(&declared.name), kind));
                    }
                }
                MainKind::Fts5 { columns } => {
                    found
                        .columns
                        .push(column("rowid", "t.rowid", SqlKind::RowNumber));
                    found
                        .columns
                        .push(column(ROWID_COLUMN, "t.rowid", SqlKind::RowNumber));
                    found.texts = Some((format!("t.{}", quoted(&table.name)), columns.clone()));
                }
                _ => {}
            },
            Store::Column(_) | Store::Vectors(_) => {}
        }
        if self.types == SqliteTypes::Text && matches!(self.store, Store::Main(_)) {
            // There the alias of the row number is a text, which is compared as texts are.
            found
                .columns
                .retain(|column| column.name == ROWID_COLUMN || column.name == "rowid");
        }
        found
    }

    /// The column of an ordinary table that is SQLite's number of the row.
    pub(super) fn rowid_alias(&self) -> Option<&str> {
        let Store::Main(MainTable {
            kind:
                MainKind::Table {
                    columns,
                    has_rowid: true,
                    ..
                },
            ..
        }) = &self.store
        else {
            return None;
        };
        let mut keys = columns.iter().filter(|column| column.key_part > 0);
        match (keys.next(), keys.next()) {
            (Some(key), None) if key.declared.eq_ignore_ascii_case("INTEGER") => Some(&key.name),
            _ => None,
        }
    }

    /// The integer column by which rows that are not of a SELECT are chosen.
    pub(super) fn ranged_column(&self) -> Option<&str> {
        match &self.store {
            Store::Column(_) => Some("idx"),
            Store::Vectors(_) => Some("id"),
            Store::Main(MainTable {
                kind: MainKind::Vec0(table),
                ..
            }) if shows_rowid(table) => Some(VEC0_ROWID),
            Store::Main(MainTable {
                kind: MainKind::Vec0(table),
                ..
            }) => table.columns.iter().find_map(|column| match column.role {
                Vec0Role::PrimaryKey(ogive_vault::ScalarType::Integer) => {
                    Some(column.name.as_str())
                }
                _ => None,
            }),
            _ => None,
        }
    }

    pub(super) fn ranges(&self, filter: &Expr) -> Option<Ranges> {
        filters::ranges(filter, self.ranged_column()?)
            .or_else(|| filters::ranges(filter, ROWID_COLUMN))
    }
}

/// What columns of an ordinary table are in rows that are inserted without them: SQLite says what their expressions
/// are now.
fn defaults(vault: &Vault, store: &Store, types: SqliteTypes) -> HashMap<String, Expr> {
    let Store::Main(MainTable {
        kind: MainKind::Table { columns, .. },
        ..
    }) = store
    else {
        return HashMap::new();
    };
    let declared: Vec<_> = columns
        .iter()
        .filter_map(|column| Some((column, column.default.as_ref()?)))
        .collect();
    if declared.is_empty() {
        return HashMap::new();
    }
    let Ok(reader) = vault.reader() else {
        // The statement itself says what is the matter when it opens the file.
        return HashMap::new();
    };
    let defaults = declared.into_iter().filter_map(|(column, sql)| {
        // One that is no constant has no value here, and SQLite says so when a row is inserted.
        let value = reader
            .query_row(&format!("SELECT {sql}"), [], |row| row.get(0))
            .ok()?;
        let value = match value {
            SqlValue::Null => ScalarValue::Null,
            SqlValue::Integer(value) => ScalarValue::Int64(Some(value)),
            SqlValue::Real(value) => ScalarValue::Float64(Some(value)),
            SqlValue::Text(value) => ScalarValue::Utf8(Some(value)),
            SqlValue::Blob(value) => ScalarValue::Binary(Some(value)),
        };
        let data_type = arrow_type(read_as(column.sql_type, types));
        let value = value.cast_to(&data_type).ok()?;
        Some((column.name.clone(), Expr::Literal(value, None)))
    });
    defaults.collect()
}

#[async_trait]
impl TableProvider for VaultTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn get_column_default(&self, column: &str) -> Option<&Expr> {
        let found = self
            .defaults
            .get_or_init(|| defaults(&self.vault, &self.store, self.types));
        found.get(column)
    }

    fn table_type(&self) -> TableType {
        match &self.store {
            Store::Main(MainTable {
                kind: MainKind::View { .. },
                ..
            }) => TableType::View,
            _ => TableType::Base,
        }
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let scan = self.plan_scan(state, projection, filters, limit).await?;
        Ok(Arc::new(VaultScanExec::new(scan)))
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        let columns = self.sql_columns();
        let searched = self.is_searched();
        Ok(filters
            .iter()
            .map(|filter| {
                let taken = searched && is_plain(filter) && !filter.column_refs().is_empty();
                if taken || self.ranges(filter).is_some() || columns.condition(filter).is_some() {
                    TableProviderFilterPushDown::Exact
                } else {
                    TableProviderFilterPushDown::Unsupported
                }
            })
            .collect())
    }

    async fn insert_into(
        &self,
        _state: &dyn Session,
        input: Arc<dyn ExecutionPlan>,
        insert_op: InsertOp,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        VaultSink::plan(self, &self.block, input, insert_op)
    }

    async fn delete_from(
        &self,
        _state: &dyn Session,
        _filters: Vec<Expr>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        // The filters that come here are not all that the statement says.
        not_impl_err!(
            "{}: DELETE needs a planner that names the rows to be deleted",
            self.place
        )
    }

    async fn update(
        &self,
        _state: &dyn Session,
        _assignments: Vec<(String, Expr)>,
        _filters: Vec<Expr>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        not_impl_err!(
            "{}: UPDATE needs a planner that names the rows to be updated",
            self.place
        )
    }
}
