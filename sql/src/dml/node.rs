//! A change of rows in a logical plan.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{DFSchema, DFSchemaRef, Result, TableReference, internal_err};
use datafusion::logical_expr::{Expr, LogicalPlan, UserDefinedLogicalNodeCore};
use ogive_table_providers::{ROW_ID, RowStore};

use super::changed_rows::ChangedRows;
use super::conflict::{Conflict, ConflictUpdate};

/// What is done to the rows of the first input.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Operation {
    /// The input's columns are the table's. With a conflict there is a second input, the table with row ids.
    Insert(Option<Conflict>),
    /// The input's first column is the row id.
    Delete,
    /// The input's first column is the row id, the next are the new values of these columns.
    Update(Vec<usize>),
}

impl Operation {
    /// Columns of the first input before those that are returned.
    pub(super) fn columns_before(&self) -> usize {
        match self {
            Self::Insert(_) => 0,
            Self::Delete => 1,
            Self::Update(columns) => 1 + columns.len(),
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Insert(_) => "Insert",
            Self::Delete => "Delete",
            Self::Update(_) => "Update",
        }
    }

    /// The columns that `RETURNING` sees: the table's, then those of the other tables of the statement.
    pub(super) fn changed_columns(
        &self,
        store: &Arc<dyn RowStore>,
        input: &LogicalPlan,
        alias: &TableReference,
    ) -> Vec<(Option<TableReference>, FieldRef)> {
        match self {
            Self::Insert(_) => store
                .schema()
                .fields()
                .iter()
                .map(|field| (Some(alias.clone()), Arc::clone(field)))
                .collect(),
            _ => input
                .schema()
                .iter()
                .skip(self.columns_before())
                .filter(|(_, field)| field.name() != ROW_ID)
                .map(|(qualifier, field)| (qualifier.cloned(), Arc::clone(field)))
                .collect(),
        }
    }

    /// As EXPLAIN has it.
    pub(super) fn describe(&self, name: &TableReference) -> String {
        let conflict = match self {
            Self::Insert(Some(Conflict { update: None, .. })) => " on conflict=[nothing]",
            Self::Insert(Some(_)) => " on conflict=[update]",
            _ => "",
        };
        format!("op=[{}] table=[{name}]{conflict}", self.name())
    }
}

/// Changes the rows that its input names. Returns one row `count`, or what its last input makes of the changed rows.
#[derive(Debug, Clone)]
pub(crate) struct DmlNode {
    operation: Operation,
    name: TableReference,
    store: Arc<dyn RowStore>,
    inputs: Vec<Arc<LogicalPlan>>,
    /// The table that the last input reads, where there is a `RETURNING`.
    changed: Option<Arc<ChangedRows>>,
    schema: DFSchemaRef,
}

impl DmlNode {
    pub(super) fn try_new(
        operation: Operation,
        name: TableReference,
        store: Arc<dyn RowStore>,
        inputs: Vec<Arc<LogicalPlan>>,
        changed: Option<Arc<ChangedRows>>,
    ) -> Result<Self> {
        let schema = match (&changed, inputs.last()) {
            (Some(_), Some(returning)) => Arc::clone(returning.schema()),
            _ => Arc::new(DFSchema::from_unqualified_fields(
                vec![Field::new("count", DataType::UInt64, false)].into(),
                Default::default(),
            )?),
        };
        Ok(Self {
            operation,
            name,
            store,
            inputs,
            changed,
            schema,
        })
    }

    pub(super) fn operation(&self) -> &Operation {
        &self.operation
    }

    pub(super) fn table(&self) -> &TableReference {
        &self.name
    }

    pub(crate) fn store(&self) -> &Arc<dyn RowStore> {
        &self.store
    }

    pub(super) fn changed(&self) -> Option<Arc<ChangedRows>> {
        self.changed.clone()
    }

    fn identity(&self) -> impl Hash + PartialEq + '_ {
        (
            &self.operation,
            &self.name,
            self.store.identity(),
            &self.inputs,
            self.changed.as_ref().map(Arc::as_ptr),
        )
    }
}

impl PartialEq for DmlNode {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl Eq for DmlNode {}

impl PartialOrd for DmlNode {
    /// Changes have no order.
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        (self == other).then_some(Ordering::Equal)
    }
}

impl Hash for DmlNode {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.identity().hash(state);
    }
}

impl UserDefinedLogicalNodeCore for DmlNode {
    fn name(&self) -> &str {
        "Dml"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        self.inputs.iter().map(AsRef::as_ref).collect()
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        match &self.operation {
            Operation::Insert(Some(Conflict {
                update: Some(update),
                ..
            })) => update
                .values
                .iter()
                .chain(&update.filter)
                .cloned()
                .collect(),
            _ => Vec::new(),
        }
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "Dml: {}", self.operation.describe(&self.name))
    }

    fn with_exprs_and_inputs(&self, exprs: Vec<Expr>, inputs: Vec<LogicalPlan>) -> Result<Self> {
        let mut node = self.clone();
        if inputs.len() != node.inputs.len() {
            return internal_err!("a change of rows has {} inputs", node.inputs.len());
        }
        node.inputs = inputs.into_iter().map(Arc::new).collect();
        if let (Some(_), Some(returning)) = (&node.changed, node.inputs.last()) {
            node.schema = Arc::clone(returning.schema());
        }
        if let Operation::Insert(Some(Conflict {
            update: Some(ConflictUpdate { values, filter, .. }),
            ..
        })) = &mut node.operation
        {
            let mut exprs = exprs.into_iter().map(|expr| expr.unalias_nested().data);
            *values = exprs.by_ref().take(values.len()).collect();
            *filter = exprs.next();
        }
        Ok(node)
    }
}
