//! Functions of texts.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, StringArray};
use arrow::datatypes::DataType;
use datafusion_common::{Result, ScalarValue};
use datafusion_expr::{
    ColumnarValue, DocSection, Documentation, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature, TypeSignature, Volatility,
};

/// The answers, given the texts.
pub(super) type Invoke = fn(&[&StringArray]) -> Result<ArrayRef>;

/// A function whose arguments are texts.
#[derive(Debug)]
pub(super) struct TextFunction {
    name: &'static str,
    signature: Signature,
    returns: DataType,
    invoke: Invoke,
    documentation: Documentation,
}

impl TextFunction {
    /// A function that takes any of so many texts.
    pub(super) fn udf(
        name: &'static str,
        counts: &[usize],
        returns: DataType,
        (syntax, description): (&str, &str),
        invoke: Invoke,
    ) -> Arc<ScalarUDF> {
        let section = DocSection {
            include: true,
            label: "Code Functions",
            description: None,
        };
        let signatures = counts
            .iter()
            .map(|count| TypeSignature::Exact(vec![DataType::Utf8; *count]))
            .collect();
        Arc::new(ScalarUDF::from(Self {
            name,
            signature: Signature::one_of(signatures, Volatility::Immutable),
            returns,
            invoke,
            documentation: Documentation::builder(section, description, syntax).build(),
        }))
    }
}

// There is one function of each name.
impl PartialEq for TextFunction {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for TextFunction {}

impl Hash for TextFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for TextFunction {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(self.returns.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let is_constant = args
            .args
            .iter()
            .all(|argument| matches!(argument, ColumnarValue::Scalar(_)));
        let rows = if is_constant { 1 } else { args.number_rows };
        let arrays: Vec<ArrayRef> = args
            .args
            .iter()
            .map(|argument| argument.to_array(rows))
            .collect::<Result<_>>()?;
        let texts: Vec<&StringArray> = arrays.iter().map(|array| array.as_string()).collect();
        let answer = (self.invoke)(&texts)?;
        match is_constant {
            true => Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(
                &answer, 0,
            )?)),
            false => Ok(ColumnarValue::Array(answer)),
        }
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.documentation)
    }
}
