//! A table of a checkout.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion_common::{Result, project_schema};
use datafusion_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion_physical_plan::ExecutionPlan;
use datafusion_session::{Session, TableProvider};
use ogive_codebase::Lookup;

use super::checkout::CodeCheckout;
use super::lookup::lookup_of;
use super::scan::CodeScanExec;
use super::schema::CodeTable;

/// A table of a checkout, which is what is on disk when a statement runs.
#[derive(Debug, Clone)]
pub struct CodebaseTable {
    checkout: CodeCheckout,
    table: CodeTable,
    schema: SchemaRef,
}

impl CodebaseTable {
    /// One of a checkout's tables.
    pub fn new(checkout: CodeCheckout, table: CodeTable) -> Self {
        Self {
            checkout,
            table,
            schema: table.schema(),
        }
    }

    /// The checkout.
    pub fn checkout(&self) -> &CodeCheckout {
        &self.checkout
    }
}

#[async_trait]
impl TableProvider for CodebaseTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = project_schema(&self.schema, projection)?;
        let mut lookup = Lookup::default();
        for one in filters
            .iter()
            .filter_map(|filter| lookup_of(self.table, filter))
        {
            lookup.paths.extend(one.paths);
            lookup.names.extend(one.names);
        }
        Ok(Arc::new(CodeScanExec::new(
            self.checkout.checkout().clone(),
            self.table,
            schema,
            lookup,
            limit,
        )))
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        let pushdown = |filter: &&Expr| match lookup_of(self.table, filter) {
            Some(_) => TableProviderFilterPushDown::Inexact,
            None => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(pushdown).collect())
    }
}
