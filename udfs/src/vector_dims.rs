//! `vector_dims`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int32Array};
use arrow::datatypes::DataType;
use datafusion_common::{Result, ScalarValue, exec_datafusion_err, internal_err};
use datafusion_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};
use datafusion_macros::user_doc;

use crate::coercion::{take_arguments, vector_argument};

const NAME: &str = "vector_dims";

#[user_doc(
    doc_section(label = "Vector Functions"),
    description = "Number of elements in a vector, NULL elements included. Returns NULL when the vector is NULL.",
    syntax_example = "vector_dims(vector)",
    sql_example = r#"```sql
> select vector_dims([1, 2, 3]);
+------------------------+
| vector_dims([1, 2, 3]) |
+------------------------+
| 3                      |
+------------------------+
```"#,
    argument(
        name = "vector",
        description = "List of numbers: a column, a constant or an expression."
    )
)]
#[derive(Debug, PartialEq, Eq, Hash)]
struct VectorDims {
    signature: Signature,
}

/// The function `vector_dims`.
pub fn vector_dims_udf() -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::from(VectorDims {
        signature: Signature::user_defined(Volatility::Immutable),
    }))
}

impl ScalarUDFImpl for VectorDims {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        let [vector] = take_arguments(NAME, arg_types)?;
        // The elements are not looked at, so any number will do as it is.
        Ok(vec![vector_argument(NAME, 1, vector, DataType::clone)?])
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int32)
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match args.args.as_slice() {
            [ColumnarValue::Array(column)] => {
                Ok(ColumnarValue::Array(Arc::new(dimensions(column)?)))
            }
            [ColumnarValue::Scalar(constant)] => {
                let one: ArrayRef = Arc::new(dimensions(&constant.to_array()?)?);
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&one, 0)?))
            }
            other => internal_err!("{NAME} was called with {} arguments", other.len()),
        }
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.doc()
    }
}

fn dimensions(column: &ArrayRef) -> Result<Int32Array> {
    let nulls = column.nulls().cloned();
    let lengths = match column.data_type() {
        DataType::FixedSizeList(_, dimension) => vec![*dimension; column.len()],
        DataType::List(_) => column
            .as_list::<i32>()
            .offsets()
            .lengths()
            .map(narrow)
            .collect::<Result<_>>()?,
        DataType::LargeList(_) => column
            .as_list::<i64>()
            .offsets()
            .lengths()
            .map(narrow)
            .collect::<Result<_>>()?,
        other => return internal_err!("{NAME}: unexpected type after coercion: {other}"),
    };
    Ok(Int32Array::new(lengths.into(), nulls))
}

fn narrow(length: usize) -> Result<i32> {
    i32::try_from(length)
        .map_err(|_| exec_datafusion_err!("{NAME}: a vector of {length} elements is too long"))
}
