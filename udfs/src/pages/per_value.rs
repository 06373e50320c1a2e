//! Functions that look at one value at a time.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion_common::{Result, ScalarValue, internal_err, plan_err};
use datafusion_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

use super::bytes::rows;

/// The column of results for a column of values.
type OfColumn = fn(Vec<Option<&[u8]>>) -> Result<ArrayRef>;

/// What a function of one value has of its own.
pub(super) struct PerValue {
    pub(super) name: &'static str,
    /// The type that an argument becomes, by the function's name, the argument's number and its type.
    pub(super) coerce: fn(&str, usize, &DataType) -> Result<DataType>,
    pub(super) returns: DataType,
    pub(super) of_column: OfColumn,
}

impl PerValue {
    /// The function, with its manual entry.
    pub(super) fn udf(self, documentation: Option<&Documentation>) -> Arc<ScalarUDF> {
        Arc::new(ScalarUDF::from(PerValueFunction {
            function: self,
            signature: Signature::user_defined(Volatility::Immutable),
            documentation: documentation.cloned(),
        }))
    }
}

struct PerValueFunction {
    function: PerValue,
    signature: Signature,
    documentation: Option<Documentation>,
}

impl std::fmt::Debug for PerValueFunction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("PerValueFunction")
            .field(&self.function.name)
            .finish()
    }
}

/// There is one of each name.
impl PartialEq for PerValueFunction {
    fn eq(&self, other: &Self) -> bool {
        self.function.name == other.function.name
    }
}

impl Eq for PerValueFunction {}

impl Hash for PerValueFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.function.name.hash(state);
    }
}

impl ScalarUDFImpl for PerValueFunction {
    fn name(&self) -> &str {
        self.function.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        let name = self.function.name;
        match arg_types {
            [value] => Ok(vec![(self.function.coerce)(name, 1, value)?]),
            others => plan_err!("{name} takes one argument, not {}", others.len()),
        }
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(self.function.returns.clone())
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let (column, is_constant) = match args.args.as_slice() {
            [ColumnarValue::Array(column)] => (Arc::clone(column), false),
            [ColumnarValue::Scalar(constant)] => (constant.to_array()?, true),
            other => {
                return internal_err!(
                    "{} was called with {} arguments",
                    self.function.name,
                    other.len()
                );
            }
        };
        columnar(
            (self.function.of_column)(rows(column.as_ref())?)?,
            is_constant,
        )
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.documentation.as_ref()
    }
}

/// A column, or its only row where all arguments were constants.
pub(super) fn columnar(column: ArrayRef, is_constant: bool) -> Result<ColumnarValue> {
    Ok(match is_constant {
        true => ColumnarValue::Scalar(ScalarValue::try_from_array(&column, 0)?),
        false => ColumnarValue::Array(column),
    })
}
