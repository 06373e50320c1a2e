//! `[0.1, 0.2, ..]` as one constant.
//!
//! DataFusion plans an array literal as a call of `make_array` with an argument for each element,
//! and every rule then visits each of them: for a vector of some hundred dimensions that takes
//! longer than the search. A literal of numbers alone is a value already.
//!
//! An array of one of pgvector's types, and of texts beside them, is an array of that type:
//! `ARRAY['[1,2]'::vector, '[3,4]']` is `CAST(make_array(.., to_vector('[3,4]')) AS vector[])`.

use std::sync::Arc;

use datafusion::arrow::array::{Float64Array, Int64Array};
use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::common::utils::SingleRowListArrayBuilder;
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::functions_nested::make_array::make_array_udf;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult};
use datafusion::logical_expr::{Cast, Expr};
use ogive_udfs::{SqlVectorType, field_of, to_type_udf};

/// Fewer elements are left to DataFusion: nothing is won, and plans keep showing what was written.
const ELEMENTS_MIN: usize = 8;

/// Plans array literals of numbers as constants, with the types that `make_array` would give them.
#[derive(Debug)]
pub struct ConstantArrays;

impl ExprPlanner for ConstantArrays {
    fn plan_array_literal(
        &self,
        elements: Vec<Expr>,
        schema: &DFSchema,
    ) -> Result<PlannerResult<Vec<Expr>>> {
        if let Some(value) = constant(&elements) {
            return Ok(PlannerResult::Planned(Expr::Literal(value, None)));
        }
        Ok(match kind_of_elements(&elements, schema) {
            Some(kind) => PlannerResult::Planned(array_of(kind, elements)),
            None => PlannerResult::Original(elements),
        })
    }
}

/// The type among pgvector's of one element, where all others are of it, texts or NULL.
fn kind_of_elements(elements: &[Expr], schema: &DFSchema) -> Option<SqlVectorType> {
    if elements
        .iter()
        .all(|element| matches!(element, Expr::Literal(_, None)))
    {
        return None;
    }
    let mut kind = None;
    for element in elements {
        let field = field_of(element, schema).ok()?;
        match (SqlVectorType::of(&field), field.data_type()) {
            (Some(found), _) if kind.is_none_or(|kind| kind == found) => kind = Some(found),
            (None, found) if found.is_string() || found.is_null() => {}
            _ => return None,
        }
    }
    kind
}

fn array_of(kind: SqlVectorType, elements: Vec<Expr>) -> Expr {
    let elements = elements.into_iter();
    let elements = elements.map(|element| to_type_udf(kind).call(vec![element]));
    as_array_of(kind, make_array_udf().call(elements.collect()))
}

/// A list of one of pgvector's types with the mark on its elements, which DataFusion's functions drop.
pub(crate) fn as_array_of(kind: SqlVectorType, list: Expr) -> Expr {
    let element = kind.field(Field::LIST_FIELD_DEFAULT_NAME, None);
    let array = DataType::List(Arc::new(element));
    Expr::Cast(Cast::new(Box::new(list), array))
}

/// An element of an array.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Number {
    Integer(i64),
    Float(f64),
}

fn constant(elements: &[Expr]) -> Option<ScalarValue> {
    list(elements.iter().map(|element| match element {
        Expr::Literal(ScalarValue::Int64(Some(value)), _) => Some(Number::Integer(*value)),
        Expr::Literal(ScalarValue::Float64(Some(value)), _) => Some(Number::Float(*value)),
        _ => None,
    }))
}

/// A list of Int64 if all elements are, of Float64 if some are; `None` if there are few or anything else among them.
pub(crate) fn list(elements: impl ExactSizeIterator<Item = Option<Number>>) -> Option<ScalarValue> {
    let count = elements.len();
    if count < ELEMENTS_MIN {
        return None;
    }
    let mut integers = Vec::new();
    let mut floats = Vec::with_capacity(count);
    for element in elements {
        match element? {
            Number::Integer(value) => {
                integers.push(value);
                floats.push(value as f64);
            }
            Number::Float(value) => floats.push(value),
        }
    }
    let builder = if integers.len() == count {
        SingleRowListArrayBuilder::new(Arc::new(Int64Array::from(integers)))
    } else {
        SingleRowListArrayBuilder::new(Arc::new(Float64Array::from(floats)))
    };
    Some(builder.with_nullable(true).build_list_scalar())
}

#[cfg(test)]
mod tests {
    use datafusion::logical_expr::lit;

    use super::*;

    #[test]
    fn numbers_become_one_constant() {
        let floats: Vec<Expr> = (0..9).map(|v| lit(f64::from(v))).collect();
        let value = constant(&floats).unwrap();
        assert_eq!(
            value.data_type(),
            DataType::new_list(DataType::Float64, true)
        );
        let mut mixed = floats.clone();
        mixed[3] = lit(7_i64);
        assert_eq!(constant(&mixed).unwrap().data_type(), value.data_type());
        let integers: Vec<Expr> = (0..9_i64).map(lit).collect();
        let value = constant(&integers).unwrap();
        assert_eq!(value.data_type(), DataType::new_list(DataType::Int64, true));
    }

    #[test]
    fn anything_else_is_left_alone() {
        let floats: Vec<Expr> = (0..9).map(|v| lit(f64::from(v))).collect();
        assert!(constant(&floats[..3]).is_none());
        let mut odd = floats.clone();
        odd[0] = lit("x");
        assert!(constant(&odd).is_none());
        odd[0] = lit(ScalarValue::Float64(None));
        assert!(constant(&odd).is_none());
    }
}
