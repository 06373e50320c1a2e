//! `columns_table('notes', 'a', 'b', ..)`: typed columns of equal length, lined up row by row.

use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion_common::{Result, ScalarValue, exec_datafusion_err, plan_err, project_schema};
use datafusion_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion_physical_plan::ExecutionPlan;
use datafusion_session::{
    SchemaProvider, Session, TableFunctionArgs, TableFunctionImpl, TableProvider,
};
use ogive_vault::{Column, OpenOptions, Place, Store};

use crate::vault::catalog::VaultCatalog;
use crate::vault::exec::{VaultScan, VaultScanExec};
use crate::vault::filters::{self, Ranges};
use crate::vault::plan::rows_of_ranges;
use crate::vault::read::Source;
use crate::vault::search::SearchRequests;
use crate::vault::table::VaultTable;

/// The name of the function.
pub(super) const NAME: &str = "columns_table";

/// The column of row numbers.
const INDEX: &str = "idx";

/// The schema of a vault's typed columns.
const COLUMNS: &str = "columns";

/// The function `columns_table`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ColumnsTableFunction;

impl TableFunctionImpl for ColumnsTableFunction {
    fn call_with_args(&self, args: TableFunctionArgs<'_, '_>) -> Result<Arc<dyn TableProvider>> {
        let texts: Vec<String> = args.exprs().iter().map(text).collect::<Result<_>>()?;
        let [vault, names @ ..] = texts.as_slice() else {
            return plan_err!(
                "{NAME}: expected an attached vault or its path, and the names of columns"
            );
        };
        if names.is_empty() {
            return plan_err!("{NAME}: expected the name of one column of {vault} at least");
        }
        let mut columns: Vec<VaultTable> = Vec::with_capacity(names.len());
        let opened = match args.session().catalog_list().catalog(vault) {
            Some(attached) => attached,
            None => {
                let options = OpenOptions {
                    read_only: true,
                    ..OpenOptions::default()
                };
                VaultCatalog::open(vault, options)?
            }
        };
        let Some(schema) = opened.schema(COLUMNS) else {
            return plan_err!("{NAME}: {vault} is attached, and is no vault");
        };
        for (index, name) in names.iter().enumerate() {
            if names.iter().take(index).any(|before| before == name) || name == INDEX {
                return plan_err!("{NAME}: the name {name} would be there twice");
            }
        }
        for (name, found) in names.iter().zip(look_up(schema.as_ref(), names)?) {
            let column = found.and_then(|table| table.downcast_ref::<VaultTable>().cloned());
            let Some(column) = column else {
                return plan_err!("{NAME}: {vault} has no typed column '{name}'");
            };
            columns.push(column);
        }
        Ok(Arc::new(ColumnsTable::try_new(columns)?))
    }
}

fn text(expr: &Expr) -> Result<String> {
    match expr {
        Expr::Literal(
            ScalarValue::Utf8(Some(text))
            | ScalarValue::Utf8View(Some(text))
            | ScalarValue::LargeUtf8(Some(text)),
            _,
        ) => Ok(text.clone()),
        other => plan_err!("{NAME}: its arguments are constant texts, found {other}"),
    }
}

/// Tables by their names. A table function is asked outside of any task, and looking a name up is one: it gets a thread.
fn look_up(
    schema: &dyn SchemaProvider,
    names: &[String],
) -> Result<Vec<Option<Arc<dyn TableProvider>>>> {
    std::thread::scope(|scope| {
        let looking = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().build()?;
            runtime.block_on(async {
                let mut found = Vec::with_capacity(names.len());
                for name in names {
                    found.push(schema.table(name).await?);
                }
                Ok(found)
            })
        });
        looking
            .join()
            .map_err(|_| exec_datafusion_err!("{NAME}: looking names up has failed"))?
    })
}

/// Columns of one file, as they were when their names were looked up.
#[derive(Debug)]
struct ColumnsTable {
    /// The first of them: all are of its file.
    first: VaultTable,
    columns: Vec<Column>,
    schema: SchemaRef,
    place: Place,
}

impl ColumnsTable {
    fn try_new(tables: Vec<VaultTable>) -> Result<Self> {
        let mut fields = vec![Field::new(INDEX, arrow::datatypes::DataType::Int64, false)];
        let mut columns = Vec::with_capacity(tables.len());
        for table in &tables {
            let Store::Column(column) = table.store() else {
                return plan_err!("{NAME}: {} is no typed column", table.place());
            };
            let value = table.schema().field_with_name("value")?.clone();
            fields.push(value.with_name(&column.name));
            columns.push(column.clone());
        }
        let Some(first) = tables.first().cloned() else {
            return plan_err!("{NAME}: no columns");
        };
        let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        Ok(Self {
            place: Place::table(first.vault().file(), COLUMNS, &names.join(", ")),
            first,
            columns,
            schema: Arc::new(Schema::new(fields)),
        })
    }
}

#[async_trait]
impl TableProvider for ColumnsTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    async fn scan(
        &self,
        _state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let mut indexes: Ranges = vec![i64::MIN..=i64::MAX];
        for filter in filters {
            if let Some(ranges) = filters::ranges(filter, INDEX) {
                indexes = filters::intersect(&indexes, &ranges);
            }
        }
        let wanted = match projection {
            Some(projection) => projection.clone(),
            None => (0..self.schema.fields().len()).collect(),
        };
        let scan = VaultScan {
            vault: self.first.vault().clone(),
            statements: Arc::clone(self.first.statements()),
            block: Arc::clone(self.first.block()),
            place: self.place.clone(),
            schema: project_schema(&self.schema, projection)?,
            sources: vec![Source::Columns {
                columns: self.columns.clone(),
                rows: rows_of_ranges(&indexes),
                outputs: wanted.iter().map(|column| column.checked_sub(1)).collect(),
                limit,
            }],
            whole: None,
            requests: SearchRequests::default(),
            sort_keys: Vec::new(),
            ordered_by: wanted.iter().position(|column| *column == 0),
            text_columns: None,
        };
        Ok(Arc::new(VaultScanExec::new(scan)))
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(filters
            .iter()
            .map(|filter| match filters::ranges(filter, INDEX) {
                Some(_) => TableProviderFilterPushDown::Exact,
                None => TableProviderFilterPushDown::Unsupported,
            })
            .collect())
    }
}
