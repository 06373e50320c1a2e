//! `EXECUTE` with texts and arrays for parameters of pgvector's types.
//!
//! DataFusion casts a parameter to the type that planning found for it, which Arrow cannot do from a text.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use datafusion::arrow::array::{RecordBatch, RecordBatchOptions};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::metadata::FieldMetadata;
use datafusion::common::tree_node::{TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::execution::SessionState;
use datafusion::logical_expr::{ColumnarValue, Execute, Expr, LogicalPlan, Prepare, Statement};
use datafusion::sql::parser::Statement as DfStatement;
use datafusion::sql::sqlparser::ast::Statement as SqlStatement;
use ogive_udfs::{SqlVectorType, field_of};

use crate::types::casts::{cast_vectors, to_type};
use crate::types::has_subquery;

/// The types of the parameters of a session's prepared statements.
#[derive(Debug, Default)]
pub struct PreparedTypes {
    by_name: HashMap<String, Vec<FieldRef>>,
}

impl PreparedTypes {
    /// Gives the parameters of a `PREPARE` that declares none the types that planning did not find, and remembers them;
    /// casts those of an `EXECUTE`. Other plans stay as they are.
    ///
    /// # Errors
    /// A parameter is no value of its type.
    pub fn convert_parameters(
        &mut self,
        state: &SessionState,
        plan: LogicalPlan,
        declared: bool,
    ) -> Result<LogicalPlan> {
        Ok(match plan {
            LogicalPlan::Statement(Statement::Prepare(mut prepare)) => {
                if !declared {
                    prepare.fields = fields(&prepare)?;
                }
                self.by_name
                    .insert(prepare.name.clone(), prepare.fields.clone());
                LogicalPlan::Statement(Statement::Prepare(prepare))
            }
            LogicalPlan::Statement(Statement::Execute(execute)) => {
                LogicalPlan::Statement(Statement::Execute(self.cast(state, execute)?))
            }
            other => other,
        })
    }

    fn cast(&self, state: &SessionState, mut execute: Execute) -> Result<Execute> {
        let Some(fields) = self.by_name.get(&execute.name) else {
            return Ok(execute);
        };
        execute.parameters = execute
            .parameters
            .into_iter()
            .enumerate()
            .map(|(index, parameter)| {
                let kind = fields
                    .get(index)
                    .and_then(|field| Some((kind_of(field)?, field)));
                let is_constant = parameter.column_refs().is_empty() && !has_subquery(&parameter);
                match (kind, &parameter) {
                    (Some((kind, field)), _) if is_constant => {
                        let cast = to_type(kind, kind.length_of(field), parameter);
                        value_of(state, cast)
                    }
                    // DataFusion evaluates it, but knows nothing of the casts.
                    (None, _) if is_constant => with_casts(state, parameter),
                    // DataFusion's error says what a parameter may be.
                    _ => Ok(parameter),
                }
            })
            .collect::<Result<_>>()?;
        Ok(execute)
    }
}

/// Whether a statement is a `PREPARE` that declares the types of its parameters.
pub(crate) fn declares_types(statement: &DfStatement) -> bool {
    matches!(statement, DfStatement::Statement(sql)
        if matches!(sql.as_ref(), SqlStatement::Prepare { data_types, .. } if !data_types.is_empty()))
}

/// One field for each parameter, if planning found any: that, a number of rows in `LIMIT` and `OFFSET`, else a text, as
/// in PostgreSQL.
fn fields(prepare: &Prepare) -> Result<Vec<FieldRef>> {
    let known = prepare.input.get_parameter_fields()?;
    // Without any, parameters have the types of the values that they are given.
    if known.values().all(Option::is_none) {
        return Ok(Vec::new());
    }
    let mut counts = HashSet::new();
    prepare.input.apply_with_subqueries(|node| {
        if let LogicalPlan::Limit(limit) = node {
            for expr in [&limit.skip, &limit.fetch].into_iter().flatten() {
                expr.apply(|part| {
                    if let Expr::Placeholder(placeholder) = part {
                        counts.insert(placeholder.id.clone());
                    }
                    Ok(TreeNodeRecursion::Continue)
                })?;
            }
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    let number = |id: &String| id.trim_start_matches('$').parse::<usize>().ok();
    let last = known.keys().filter_map(number).max().unwrap_or(0);
    Ok((1..=last)
        .map(|index| {
            let id = format!("${index}");
            let unknown = match counts.contains(&id) {
                true => DataType::Int64,
                false => DataType::Utf8,
            };
            let found = known.get(&id).cloned().flatten();
            found.unwrap_or_else(|| Arc::new(Field::new("", unknown, true)))
        })
        .collect())
}

/// An expression without columns with the casts to and from pgvector's types as calls.
fn with_casts(state: &SessionState, expr: Expr) -> Result<Expr> {
    let (schema, options) = (DFSchema::empty(), state.config_options());
    expr.transform_up(|part| cast_vectors(part, &schema, options))
        .data()
}

/// The value of an expression without columns, with the mark of its type.
fn value_of(state: &SessionState, expr: Expr) -> Result<Expr> {
    let schema = DFSchema::empty();
    let row = RecordBatch::try_new_with_options(
        Arc::clone(schema.inner()),
        Vec::new(),
        &RecordBatchOptions::new().with_row_count(Some(1)),
    )?;
    let expr = with_casts(state, expr)?;
    let field = field_of(&expr, &schema)?;
    let physical = state.create_physical_expr(expr, &schema)?;
    let value = match physical.evaluate(&row)? {
        ColumnarValue::Scalar(value) => value,
        ColumnarValue::Array(values) => ScalarValue::try_from_array(&values, 0)?,
    };
    Ok(Expr::Literal(
        value,
        Some(FieldMetadata::from(field.as_ref())),
    ))
}

/// The type of a parameter: by its mark, or by how it is stored, since planning a `PREPARE` drops marks.
fn kind_of(field: &Field) -> Option<SqlVectorType> {
    SqlVectorType::of(field).or_else(|| match field.data_type() {
        DataType::FixedSizeList(element, _) | DataType::List(element) => {
            match element.data_type() {
                DataType::Float32 => Some(SqlVectorType::Vector),
                DataType::Float16 => Some(SqlVectorType::Halfvec),
                DataType::Boolean => Some(SqlVectorType::Bit),
                _ => None,
            }
        }
        _ => None,
    })
}
