//! Names for NULL in partition columns that are written: DataFusion's writers would leave their names empty.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion_common::{DFSchema, Result, ScalarValue};
use datafusion_expr::execution_props::ExecutionProps;
use datafusion_expr::{Expr, cast, col, lit, when};
use datafusion_physical_plan::ExecutionPlan;
use datafusion_physical_plan::projection::{ProjectionExec, ProjectionExpr};

use super::partitions::NULL_PARTITION;

/// A partition column as the text that names its directories.
///
/// ```text
/// p   =>   CASE WHEN p IS NULL THEN '__HIVE_DEFAULT_PARTITION__' ELSE CAST(p AS text) END
/// ```
///
/// # Errors
/// A type that is no text.
pub fn partition_name(column: Expr) -> Result<Expr> {
    let name = lit(ScalarValue::Utf8(Some(NULL_PARTITION.to_string())));
    when(column.clone().is_null(), name).otherwise(cast(column, DataType::Utf8))
}

/// The plan with texts in place of the partition columns, where they may be NULL.
pub(super) fn named_partitions(
    input: Arc<dyn ExecutionPlan>,
    partitions: &[(String, DataType)],
) -> Result<Arc<dyn ExecutionPlan>> {
    let schema = input.schema();
    let is_partition = |name: &String| partitions.iter().any(|(column, _)| column == name);
    let may_be_null =
        |field: &arrow::datatypes::FieldRef| field.is_nullable() && is_partition(field.name());
    if !schema.fields().iter().any(may_be_null) {
        return Ok(input);
    }
    let by_name = DFSchema::try_from(Arc::clone(&schema))?;
    let columns = schema
        .fields()
        .iter()
        .map(|field| {
            let column = col(datafusion_common::Column::from_name(field.name()));
            let expr = match may_be_null(field) {
                true => partition_name(column)?,
                false => column,
            };
            let expr = datafusion_physical_expr::create_physical_expr(
                &expr,
                &by_name,
                &ExecutionProps::new(),
                &Default::default(),
            )?;
            Ok(ProjectionExpr {
                expr,
                alias: field.name().clone(),
            })
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(Arc::new(ProjectionExec::try_new(columns, input)?))
}
