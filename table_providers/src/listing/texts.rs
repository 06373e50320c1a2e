//! Vectors in formats of text: a column that is declared `vector(3)` over a CSV file holds texts such as `[1,2,3]`.
//!
//! ```text
//! CREATE EXTERNAL TABLE t (id INT, v vector(3)) STORED AS CSV ..
//!     in the file:   id Int32, v Utf8
//!     read:          to_vector(v, 3) AS v
//!     inserted:      vector_to_text(v) AS v
//! ```

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use datafusion_common::{Column, DFSchema, Result};
use datafusion_datasource::file_format::FileFormat;
use datafusion_expr::{Expr, col, lit};
use datafusion_physical_plan::ExecutionPlan;
use datafusion_physical_plan::projection::{ProjectionExec, ProjectionExpr};
use datafusion_session::Session;
use ogive_udfs::{SqlVectorType, to_text_udf, to_type_udf};

/// Whether a format has no lists of its own.
pub(super) fn is_text(format: &dyn FileFormat) -> bool {
    matches!(format.get_ext().as_str(), "csv" | "tsv")
}

/// The columns as a format of text stores them.
pub(super) fn as_texts(fields: &[FieldRef]) -> Vec<FieldRef> {
    let stored = |field: &FieldRef| match SqlVectorType::of(field) {
        None => Arc::clone(field),
        Some(_) => Arc::new(Field::new(field.name(), DataType::Utf8, true)),
    };
    fields.iter().map(stored).collect()
}

/// Whether any column is stored as a text for want of lists.
pub(super) fn has_vectors(schema: &Schema) -> bool {
    let mut fields = schema.fields().iter();
    fields.any(|field| SqlVectorType::of(field).is_some())
}

/// The plan with texts made the values that `schema` declares.
pub(super) fn read_vectors(
    state: &dyn Session,
    plan: Arc<dyn ExecutionPlan>,
    schema: &SchemaRef,
) -> Result<Arc<dyn ExecutionPlan>> {
    project(state, plan, |column, field| {
        let declared = schema.field_with_name(field.name()).ok();
        let kind = declared.and_then(SqlVectorType::of);
        match (kind, declared) {
            (Some(kind), Some(declared)) => {
                let mut arguments = vec![column];
                if let Some(length) = kind.length_of(declared) {
                    arguments.push(lit(length as i64));
                }
                to_type_udf(kind).call(arguments)
            }
            _ => column,
        }
    })
}

/// The plan with vectors as their texts.
pub(super) fn write_texts(
    state: &dyn Session,
    plan: Arc<dyn ExecutionPlan>,
    schema: &SchemaRef,
) -> Result<Arc<dyn ExecutionPlan>> {
    project(state, plan, |column, field| {
        let declared = schema.field_with_name(field.name()).ok();
        match declared.and_then(SqlVectorType::of) {
            // The plan's columns may have lost their marks, and a list without one has no text.
            Some(kind @ (SqlVectorType::Vector | SqlVectorType::Halfvec)) => {
                to_text_udf().call(vec![to_type_udf(kind).call(vec![column])])
            }
            Some(_) => to_text_udf().call(vec![column]),
            None => column,
        }
    })
}

fn project(
    state: &dyn Session,
    plan: Arc<dyn ExecutionPlan>,
    of: impl Fn(Expr, &Field) -> Expr,
) -> Result<Arc<dyn ExecutionPlan>> {
    let input = plan.schema();
    let by_name = DFSchema::try_from(Arc::clone(&input))?;
    let columns = input
        .fields()
        .iter()
        .map(|field| {
            let column = col(Column::from_name(field.name()));
            Ok(ProjectionExpr {
                expr: state.create_physical_expr(of(column, field), &by_name)?,
                alias: field.name().clone(),
            })
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(Arc::new(ProjectionExec::try_new(columns, plan)?))
}
