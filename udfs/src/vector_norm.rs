//! `vector_norm`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Float64Array};
use arrow::datatypes::DataType;
use datafusion_common::{Result, ScalarValue, internal_err};
use datafusion_expr::interval_arithmetic::Interval;
use datafusion_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};
use datafusion_macros::user_doc;

use crate::coercion::{readable, take_arguments, vector_argument};
use crate::evaluate;
use crate::vectors::Vectors;

const NAME: &str = "vector_norm";

#[user_doc(
    doc_section(label = "Vector Functions"),
    description = "Euclidean norm of a vector: `sqrt(sum(v[i]^2))`. Returns NULL when the vector is NULL or holds a NULL element.",
    syntax_example = "vector_norm(vector)",
    sql_example = r#"```sql
> select vector_norm([3, 4]);
+---------------------+
| vector_norm([3, 4]) |
+---------------------+
| 5.0                 |
+---------------------+
```"#,
    argument(
        name = "vector",
        description = "List of numbers: a column, a constant or an expression."
    ),
    related_udf(name = "l2_normalize")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
struct VectorNorm {
    signature: Signature,
}

/// The function `vector_norm`.
pub fn vector_norm_udf() -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::from(VectorNorm {
        signature: Signature::user_defined(Volatility::Immutable),
    }))
}

impl ScalarUDFImpl for VectorNorm {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        let [vector] = take_arguments(NAME, arg_types)?;
        Ok(vec![vector_argument(NAME, 1, vector, readable)?])
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match args.args.as_slice() {
            [ColumnarValue::Array(column)] => {
                Ok(ColumnarValue::Array(Arc::new(norms(column.as_ref())?)))
            }
            [ColumnarValue::Scalar(constant)] => {
                let one: ArrayRef = Arc::new(norms(constant.to_array()?.as_ref())?);
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&one, 0)?))
            }
            other => internal_err!("{NAME} was called with {} arguments", other.len()),
        }
    }

    /// Sound for the same reason as the bounds of the distances.
    fn evaluate_bounds(&self, _inputs: &[&Interval]) -> Result<Interval> {
        Interval::make_non_negative_infinity_interval(&DataType::Float64)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.doc()
    }
}

fn norms(column: &dyn Array) -> Result<Float64Array> {
    evaluate::norms(&Vectors::of_argument(NAME, column)?)
}
