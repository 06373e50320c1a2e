//! `EXECUTE` with texts and arrays for parameters of pgvector's types.
//!
//! DataFusion casts a parameter to the type that planning found for it, which Arrow cannot do from a text.

use std::collections::HashMap;

use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::logical_expr::{Execute, LogicalPlan, Statement};
use ogive_udfs::SqlVectorType;

use crate::casts::to_type;

/// The types of the parameters of a session's prepared statements.
#[derive(Debug, Default)]
pub struct PreparedTypes {
    by_name: HashMap<String, Vec<FieldRef>>,
}

impl PreparedTypes {
    /// Remembers a `PREPARE`, casts the parameters of an `EXECUTE`; other plans stay as they are.
    pub fn convert_parameters(&mut self, plan: LogicalPlan) -> LogicalPlan {
        match plan {
            LogicalPlan::Statement(Statement::Prepare(prepare)) => {
                self.by_name
                    .insert(prepare.name.clone(), prepare.fields.clone());
                LogicalPlan::Statement(Statement::Prepare(prepare))
            }
            LogicalPlan::Statement(Statement::Execute(execute)) => {
                LogicalPlan::Statement(Statement::Execute(self.cast(execute)))
            }
            other => other,
        }
    }

    fn cast(&self, mut execute: Execute) -> Execute {
        let Some(fields) = self.by_name.get(&execute.name) else {
            return execute;
        };
        execute.parameters = execute
            .parameters
            .into_iter()
            .enumerate()
            .map(|(index, parameter)| {
                let field = fields.get(index);
                match field.and_then(|field| Some((kind_of(field)?, field))) {
                    Some((kind, field)) => to_type(kind, kind.length_of(field), parameter),
                    None => parameter,
                }
            })
            .collect();
        execute
    }
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
