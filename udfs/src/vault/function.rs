//! What the functions over vault values have in common.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion_common::{
    DataFusionError, Result, ScalarValue, exec_datafusion_err, internal_err, plan_err,
};
use datafusion_expr::{
    ColumnarValue, DocSection, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, Volatility,
};
use ogive_vault::ValueError;

/// The types that arguments are cast to.
pub(super) type Coerce = fn(&[DataType]) -> Result<Vec<DataType>>;
/// The type of the answer, given the arguments' types and the texts that are constants among them.
pub(super) type Returns = fn(&[DataType], &[Option<String>]) -> Result<DataType>;
/// The answers, given the arguments, the constant texts and the type of the answer.
pub(super) type Invoke = fn(&[ArrayRef], &[Option<String>], &DataType) -> Result<ArrayRef>;

/// A function over vault values.
#[derive(Debug)]
pub(super) struct VaultFunction {
    pub name: &'static str,
    pub coerce: Coerce,
    pub returns: Returns,
    pub invoke: Invoke,
    pub signature: Signature,
    pub documentation: Documentation,
}

impl VaultFunction {
    pub(super) fn udf(
        name: &'static str,
        texts: (&str, &str),
        coerce: Coerce,
        returns: Returns,
        invoke: Invoke,
    ) -> Arc<ScalarUDF> {
        Self::udf_of(name, texts, Volatility::Immutable, coerce, returns, invoke)
    }

    /// A function whose answers may change.
    pub(super) fn udf_of(
        name: &'static str,
        (syntax, description): (&str, &str),
        volatility: Volatility,
        coerce: Coerce,
        returns: Returns,
        invoke: Invoke,
    ) -> Arc<ScalarUDF> {
        let section = DocSection {
            include: true,
            label: "Vault Functions",
            description: None,
        };
        Arc::new(ScalarUDF::from(Self {
            name,
            coerce,
            returns,
            invoke,
            signature: Signature::user_defined(volatility),
            documentation: Documentation::builder(section, description, syntax).build(),
        }))
    }
}

// There is one function of each name.
impl PartialEq for VaultFunction {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for VaultFunction {}

impl Hash for VaultFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for VaultFunction {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        (self.coerce)(arg_types)
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        internal_err!("{}: its type depends on its arguments", self.name)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let types: Vec<DataType> = args
            .arg_fields
            .iter()
            .map(|field| field.data_type().clone())
            .collect();
        let texts: Vec<Option<String>> = args
            .scalar_arguments
            .iter()
            .map(|constant| constant.and_then(text))
            .collect();
        let returns = (self.returns)(&types, &texts)?;
        Ok(Arc::new(Field::new(self.name, returns, true)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let texts: Vec<Option<String>> = args
            .args
            .iter()
            .map(|argument| match argument {
                ColumnarValue::Scalar(constant) => text(constant),
                ColumnarValue::Array(_) => None,
            })
            .collect();
        let constant = args
            .args
            .iter()
            .all(|argument| matches!(argument, ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { args.number_rows };
        let arrays: Vec<ArrayRef> = args
            .args
            .iter()
            .map(|argument| argument.to_array(rows))
            .collect::<Result<_>>()?;
        let answer = (self.invoke)(&arrays, &texts, args.return_field.data_type())?;
        if constant {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(
                &answer, 0,
            )?));
        }
        Ok(ColumnarValue::Array(answer))
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.documentation)
    }
}

fn text(constant: &ScalarValue) -> Option<String> {
    match constant {
        ScalarValue::Utf8(text) | ScalarValue::LargeUtf8(text) | ScalarValue::Utf8View(text) => {
            text.clone()
        }
        _ => None,
    }
}

/// Stored values: bytes, or a text for its bytes.
pub(super) fn bytes_argument(name: &str, found: &DataType) -> Result<DataType> {
    match found {
        DataType::Null
        | DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView
        | DataType::FixedSizeBinary(_)
        | DataType::Utf8
        | DataType::LargeUtf8
        | DataType::Utf8View => Ok(DataType::Binary),
        other => plan_err!("{name}: expected bytes, found {other}"),
    }
}

/// The name of a type or an encoding.
pub(super) fn name_argument(name: &str, found: &DataType) -> Result<DataType> {
    match found {
        DataType::Null | DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            Ok(DataType::Utf8)
        }
        other => plan_err!("{name}: expected a name as text, found {other}"),
    }
}

/// An error of a value, with its row.
pub(super) fn in_row(name: &str, row: usize, error: ValueError) -> DataFusionError {
    exec_datafusion_err!("{name}: row {row} of the batch: {error}")
}

/// The bytes of each row.
pub(super) fn binary<'a>(
    name: &str,
    array: &'a dyn Array,
) -> Result<&'a arrow::array::BinaryArray> {
    array
        .as_any()
        .downcast_ref()
        .ok_or_else(|| exec_datafusion_err!("{name}: {} after coercion", array.data_type()))
}
