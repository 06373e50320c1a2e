//! `knn`: the mark that a top-k query leaves among the filters of a scan.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion_common::{Result, ScalarValue, plan_err};
use datafusion_expr::{
    ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature, Volatility,
};
use datafusion_macros::user_doc;

use crate::coercion::take_arguments;

/// The name of the marker function.
pub const KNN: &str = "knn";

/// A filter that every row passes. A scan that understands it may leave out rows that are not among the first `k`; for
/// all others it changes nothing, as the `ORDER BY` and `LIMIT` that it was taken from stay in the plan.
///
/// Immutable, because a volatile or stable function would not be pushed into a scan. It survives constant folding
/// because its first argument holds a column, and nothing else simplifies it.
#[user_doc(
    doc_section(label = "Vector Functions"),
    description = "Always true. Written by the planner into the filters of a table scan, to tell it that the query wants only the first `k` rows in the order of `distance`.",
    syntax_example = "knn(distance, k, descending, nulls_first, ties)",
    argument(name = "distance", description = "What the query is ordered by."),
    argument(
        name = "k",
        description = "How many rows the query wants, as a constant."
    ),
    argument(
        name = "descending",
        description = "Whether the largest values come first."
    ),
    argument(
        name = "nulls_first",
        description = "Whether NULL comes before all numbers."
    ),
    argument(
        name = "ties",
        description = "Whether rows equal to the last one wanted are wanted as well."
    )
)]
#[derive(Debug, PartialEq, Eq, Hash)]
struct Knn {
    signature: Signature,
}

/// Whether a function is the marker, and not one of a user's of that name.
pub fn is_knn(function: &ScalarUDF) -> bool {
    function.inner().is::<Knn>()
}

/// The marker function `knn`. It is not registered: only the rewrite puts it into plans.
pub fn knn_udf() -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::from(Knn {
        signature: Signature::user_defined(Volatility::Immutable),
    }))
}

impl ScalarUDFImpl for Knn {
    fn name(&self) -> &str {
        KNN
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        let [distance, k, flags @ ..] = take_arguments::<5>(KNN, arg_types)?;
        if !(distance.is_numeric() || distance.is_null()) {
            return plan_err!("{KNN}: argument 1 must be a number, got {distance}");
        }
        let k = match k {
            DataType::UInt64 => DataType::UInt64,
            integer if integer.is_integer() => DataType::Int64,
            other => return plan_err!("{KNN}: argument 2 must be an integer, got {other}"),
        };
        let mut coerced = vec![DataType::Float64, k];
        for (position, flag) in (3..).zip(flags) {
            if *flag != DataType::Boolean {
                return plan_err!("{KNN}: argument {position} must be a Boolean, got {flag}");
            }
            coerced.push(DataType::Boolean);
        }
        Ok(coerced)
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn return_field_from_args(&self, _args: ReturnFieldArgs) -> Result<FieldRef> {
        Ok(Arc::new(Field::new(KNN, DataType::Boolean, false)))
    }

    fn invoke_with_args(&self, _args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Ok(ColumnarValue::Scalar(ScalarValue::Boolean(Some(true))))
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.doc()
    }
}
