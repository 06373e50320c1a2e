//! `[0.1, 0.2, ..]` as one constant.
//!
//! DataFusion plans an array literal as a call of `make_array` with an argument for each element,
//! and every rule then visits each of them: for a vector of some hundred dimensions that takes
//! longer than the search. A literal of numbers alone is a value already.

use std::sync::Arc;

use datafusion::arrow::array::{Float64Array, Int64Array};
use datafusion::common::utils::SingleRowListArrayBuilder;
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult};

/// Fewer elements are left to DataFusion: nothing is won, and plans keep showing what was written.
const ELEMENTS_MIN: usize = 8;

/// Plans array literals of numbers as constants, with the types that `make_array` would give them.
#[derive(Debug)]
pub struct ConstantArrays;

impl ExprPlanner for ConstantArrays {
    fn plan_array_literal(
        &self,
        elements: Vec<Expr>,
        _schema: &DFSchema,
    ) -> Result<PlannerResult<Vec<Expr>>> {
        Ok(match constant(&elements) {
            Some(value) => PlannerResult::Planned(Expr::Literal(value, None)),
            None => PlannerResult::Original(elements),
        })
    }
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
    use datafusion::arrow::datatypes::DataType;
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
