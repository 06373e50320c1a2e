//! `octet_length` and `length` of binary values, which DataFusion's functions take for no argument or for texts.

use std::sync::Arc;

use arrow::compute::kernels::length::length;
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion_common::{Result, internal_err};
use datafusion_expr::type_coercion::functions::fields_with_udf;
use datafusion_expr::{
    ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature,
};

use super::per_value::columnar;

/// DataFusion's `octet_length` or `character_length`, for binary values too, of which it counts the bytes, as in PostgreSQL.
pub fn length_of_bytes(function: Arc<ScalarUDF>) -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::from(LengthOfBytes {
        signature: Signature::user_defined(function.signature().volatility),
        function,
    }))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct LengthOfBytes {
    function: Arc<ScalarUDF>,
    signature: Signature,
}

/// The type of the answer, where the argument is binary.
fn binary_answer(types: &[DataType]) -> Option<DataType> {
    match types {
        [DataType::Binary | DataType::BinaryView | DataType::FixedSizeBinary(_)] => {
            Some(DataType::Int32)
        }
        [DataType::LargeBinary] => Some(DataType::Int64),
        _ => None,
    }
}

impl ScalarUDFImpl for LengthOfBytes {
    fn name(&self) -> &str {
        self.function.name()
    }

    fn aliases(&self) -> &[String] {
        self.function.aliases()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        if binary_answer(arg_types).is_some() {
            return Ok(arg_types.to_vec());
        }
        let fields: Vec<FieldRef> = arg_types
            .iter()
            .map(|found| Arc::new(Field::new("", found.clone(), true)))
            .collect();
        let coerced = fields_with_udf(&fields, self.function.as_ref())?;
        Ok(coerced
            .iter()
            .map(|field| field.data_type().clone())
            .collect())
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        match binary_answer(arg_types) {
            Some(answer) => Ok(answer),
            None => self.function.return_type(arg_types),
        }
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let types: Vec<DataType> = args
            .arg_fields
            .iter()
            .map(|field| field.data_type().clone())
            .collect();
        match binary_answer(&types) {
            Some(answer) => Ok(Arc::new(Field::new(self.name(), answer, true))),
            None => self.function.return_field_from_args(args),
        }
    }

    fn is_strict(&self) -> bool {
        self.function.is_strict()
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [argument] = args.args.as_slice() else {
            return internal_err!("{} with {} arguments", self.name(), args.args.len());
        };
        if binary_answer(&[argument.data_type()]).is_none() {
            return self.function.invoke_with_args(args);
        }
        let is_constant = matches!(argument, ColumnarValue::Scalar(_));
        let column = argument.to_array(1)?;
        columnar(length(column.as_ref())?, is_constant)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.function.documentation()
    }
}
