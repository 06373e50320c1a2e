//! A scalar function that answers one row at a time.

use std::hash::{Hash, Hasher};
use std::ops::RangeInclusive;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion_common::{Result, ScalarValue, internal_err};
use datafusion_expr::{
    ColumnarValue, DocSection, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, Volatility,
};
use ogive_vectors::{VectorError, sqlstate};

use super::external;
use super::mistakes::no_function;
use super::value::{Argument, Value, build, is_text};
use crate::vector_types::{SqlVectorType, common_type};

/// What one row gives; arguments are never NULL.
pub(crate) type Row = fn(&[Value], &Field) -> std::result::Result<Value, VectorError>;
/// The type of the answer, given the arguments' fields and the constants among them.
pub(crate) type Returns = fn(&[FieldRef], &[Option<&ScalarValue>]) -> Result<Field>;

/// A function over pgvector's types. Any NULL argument gives NULL. A text beside a value of one of
/// the types is read as that type; where all are texts, as the type that the function takes, or `vector`.
#[derive(Debug)]
pub(crate) struct RowFunction {
    pub name: &'static str,
    pub aliases: Vec<String>,
    pub arguments: RangeInclusive<usize>,
    /// Whether texts stand for values of the type beside them.
    pub reads_texts: bool,
    /// The type that the function's name says it takes.
    pub takes: Option<SqlVectorType>,
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
            takes: None,
            returns,
            row,
            signature: Signature::user_defined(Volatility::Immutable),
            documentation: documentation(syntax, description),
        }))
    }

    /// A function whose name says which type it takes: values that are cast to it implicitly, and texts of it.
    pub(crate) fn taking(
        kind: SqlVectorType,
        name: &'static str,
        manual: (&str, &str),
        arguments: RangeInclusive<usize>,
        returns: Returns,
        row: Row,
    ) -> Arc<ScalarUDF> {
        Arc::new(ScalarUDF::from(Self {
            name,
            aliases: Vec::new(),
            arguments,
            reads_texts: true,
            takes: Some(kind),
            returns,
            row,
            signature: Signature::user_defined(Volatility::Immutable),
            documentation: documentation(manual.0, manual.1),
        }))
    }

    /// The type that texts are read as, and that values are cast to.
    fn kind(&self, fields: &[FieldRef]) -> SqlVectorType {
        self.takes.unwrap_or_else(|| peer(fields))
    }

    /// Whether the function takes values of the fields' types among pgvector's.
    fn takes_all(&self, fields: &[FieldRef]) -> bool {
        let Some(taken) = self.takes else {
            return true;
        };
        fields
            .iter()
            .filter_map(|field| SqlVectorType::of(field))
            .all(|found| found == taken || found.casts_implicitly_to(taken))
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
    common_type(fields).unwrap_or(SqlVectorType::Vector)
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
        // What is wrong is said with the fields in hand: an error from here would be wrapped in DataFusion's.
        Ok(arg_types.to_vec())
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        internal_err!("{} gives a field, not a type", self.name)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let mut fields = args.arg_fields.to_vec();
        if !self.arguments.contains(&fields.len()) || !self.takes_all(&fields) {
            return Err(no_function(self.name, &fields, args.scalar_arguments));
        }
        if self.reads_texts {
            let kind = self.kind(&fields);
            for field in &mut fields {
                if is_text(field.data_type()) {
                    *field = Arc::new(kind.field(field.name(), None));
                } else if self.takes.is_some() && SqlVectorType::of(field).is_some() {
                    *field = Arc::new(kind.field(field.name(), kind.length_of(field)));
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
        let kind = self.kind(&args.arg_fields);
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
                    Some(value) if self.reads_texts => {
                        values.push(value.implicitly(kind).map_err(external)?);
                    }
                    Some(value) => values.push(value),
                }
            }
            let answer = (self.row)(&values, &args.return_field).map_err(external)?;
            answers.push(match answer {
                Value::Null => None,
                answer => Some(answer),
            });
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
            Value::Bool(_) => "boolean",
            typed => typed.kind().map_or("unknown", SqlVectorType::name),
        })
        .collect();
    VectorError::new(
        sqlstate::UNDEFINED_FUNCTION,
        format!("function {function}({}) does not exist", types.join(", ")),
    )
}
