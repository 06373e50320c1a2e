//! A scalar function that answers one row at a time.

use std::hash::{Hash, Hasher};
use std::ops::RangeInclusive;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion_common::{Result, ScalarValue, internal_err, plan_err};
use datafusion_expr::{
    ColumnarValue, DocSection, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, Volatility,
};
use ogive_vectors::VectorError;

use super::external;
use super::value::{Argument, Value, build, is_text};
use crate::vector_types::{SqlVectorType, any_vector_type};

/// What one row gives; arguments are never NULL.
pub(crate) type Row = fn(&[Value], &Field) -> std::result::Result<Value, VectorError>;
/// The type of the answer, given the arguments' fields and the constants among them.
pub(crate) type Returns = fn(&[FieldRef], &[Option<&ScalarValue>]) -> Result<Field>;

/// A function over pgvector's types. Any NULL argument gives NULL. A text beside a value of one of
/// the types is read as that type; where all are texts, as `vector`.
#[derive(Debug)]
pub(crate) struct RowFunction {
    pub name: &'static str,
    pub aliases: Vec<String>,
    pub arguments: RangeInclusive<usize>,
    /// Whether texts stand for values of the type beside them.
    pub reads_texts: bool,
    pub returns: Returns,
    pub row: Row,
    pub signature: Signature,
    pub documentation: Documentation,
}

impl RowFunction {
    pub(crate) fn udf(
        name: &'static str,
        aliases: &[&str],
        (syntax, description): (&str, &str),
        arguments: RangeInclusive<usize>,
        reads_texts: bool,
        returns: Returns,
        row: Row,
    ) -> Arc<ScalarUDF> {
        Arc::new(ScalarUDF::from(Self {
            name,
            aliases: aliases.iter().map(|alias| (*alias).to_string()).collect(),
            arguments,
            reads_texts,
            returns,
            row,
            signature: Signature::user_defined(Volatility::Immutable),
            documentation: documentation(syntax, description),
        }))
    }
}

/// An entry of the manual.
pub(crate) fn documentation(syntax: &str, description: &str) -> Documentation {
    let section = DocSection {
        include: true,
        label: "Vector Functions",
        description: None,
    };
    Documentation::builder(section, description, syntax).build()
}

impl PartialEq for RowFunction {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for RowFunction {}

impl Hash for RowFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

/// The type that texts are read as.
pub(crate) fn peer(fields: &[FieldRef]) -> SqlVectorType {
    any_vector_type(fields).unwrap_or(SqlVectorType::Vector)
}

impl ScalarUDFImpl for RowFunction {
    fn name(&self) -> &str {
        self.name
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        if !self.arguments.contains(&arg_types.len()) {
            return plan_err!(
                "{} takes {} to {} arguments, got {}",
                self.name,
                self.arguments.start(),
                self.arguments.end(),
                arg_types.len()
            );
        }
        Ok(arg_types.to_vec())
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        internal_err!("{} gives a field, not a type", self.name)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let mut fields = args.arg_fields.to_vec();
        if self.reads_texts {
            let kind = peer(&fields);
            for field in &mut fields {
                if is_text(field.data_type()) {
                    *field = Arc::new(kind.field(field.name(), None));
                }
            }
        }
        let field = (self.returns)(&fields, args.scalar_arguments)?;
        Ok(Arc::new(field.with_name(self.name)))
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.documentation)
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let kind = peer(&args.arg_fields);
        let arguments = args
            .args
            .iter()
            .zip(&args.arg_fields)
            .map(|(value, field)| Argument::of(self.name, value, field))
            .collect::<Result<Vec<_>>>()?;
        let constant = args
            .args
            .iter()
            .all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let is_scalar: Vec<bool> = args
            .args
            .iter()
            .map(|arg| matches!(arg, ColumnarValue::Scalar(_)))
            .collect();
        let rows = if constant { 1 } else { args.number_rows };
        let mut answers = Vec::with_capacity(rows);
        let mut values = Vec::with_capacity(arguments.len());
        'rows: for row in 0..rows {
            values.clear();
            for (argument, scalar) in arguments.iter().zip(&is_scalar) {
                match argument.value(if *scalar { 0 } else { row }) {
                    None => {
                        answers.push(None);
                        continue 'rows;
                    }
                    Some(Value::Text(text)) if self.reads_texts => {
                        values.push(Value::parse(&text, kind, None).map_err(external)?);
                    }
                    Some(value) => values.push(value),
                }
            }
            answers.push(Some(
                (self.row)(&values, &args.return_field).map_err(external)?,
            ));
        }
        let array = build(&args.return_field, answers)?;
        Ok(if constant {
            ColumnarValue::Scalar(ScalarValue::try_from_array(&array, 0)?)
        } else {
            ColumnarValue::Array(array)
        })
    }
}

/// The error for arguments that a function is not made for.
pub(crate) fn no_such(function: &str, values: &[Value]) -> VectorError {
    let types: Vec<&str> = values
        .iter()
        .map(|value| match value {
            Value::Numbers(_) => "array",
            Value::Text(_) => "text",
            Value::Int(_) => "integer",
            Value::Float(_) => "double precision",
            typed => typed.kind().map_or("unknown", SqlVectorType::name),
        })
        .collect();
    VectorError::new(
        "42883",
        format!("function {function}({}) does not exist", types.join(", ")),
    )
}
