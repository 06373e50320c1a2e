//! `vector(n)`, `halfvec(n)`, `bit(n)` and `sparsevec(n)` as SQL types.

use std::sync::Arc;

use datafusion::arrow::datatypes::FieldRef;
use datafusion::common::{DataFusionError, Result};
use datafusion::logical_expr::planner::TypePlanner;
use datafusion::sql::sqlparser::ast::DataType as SqlDataType;
use ogive_udfs::SqlVectorType;
use ogive_vectors::{VectorError, VectorType, bit_type_modifier};

/// Plans the types; all others are DataFusion's.
#[derive(Debug)]
pub struct VectorTypes;

impl TypePlanner for VectorTypes {
    fn plan_type_field(&self, sql_type: &SqlDataType) -> Result<Option<FieldRef>> {
        Ok(vector_type(sql_type)?.map(|(kind, length)| Arc::new(kind.field("", length))))
    }
}

/// The type among pgvector's that a SQL type names, with its modifier.
///
/// # Errors
/// PostgreSQL's, about the modifier.
pub fn vector_type(sql_type: &SqlDataType) -> Result<Option<(SqlVectorType, Option<usize>)>> {
    let external = |error: VectorError| DataFusionError::External(Box::new(error));
    match sql_type {
        // PostgreSQL: bit without a length is bit(1).
        SqlDataType::Bit(length) => {
            let text = length.unwrap_or(1).to_string();
            let length = bit_type_modifier(&[text.as_str()]).map_err(external)?;
            Ok(Some((SqlVectorType::Bit, Some(length))))
        }
        SqlDataType::BitVarying(_) | SqlDataType::VarBit(_) => Ok(Some((SqlVectorType::Bit, None))),
        SqlDataType::Custom(name, modifiers) => {
            let Some(name) = name.0.last().and_then(|part| part.as_ident()) else {
                return Ok(None);
            };
            let (kind, checked) = match name.value.to_ascii_lowercase().as_str() {
                "vector" => (SqlVectorType::Vector, VectorType::Vector),
                "halfvec" => (SqlVectorType::Halfvec, VectorType::Halfvec),
                "sparsevec" => (SqlVectorType::Sparsevec, VectorType::Sparsevec),
                _ => return Ok(None),
            };
            if modifiers.is_empty() {
                return Ok(Some((kind, None)));
            }
            let texts: Vec<&str> = modifiers.iter().map(String::as_str).collect();
            let length = checked.type_modifier(&texts).map_err(external)?;
            Ok(Some((kind, Some(length))))
        }
        _ => Ok(None),
    }
}
