//! Functions that lists and pgvector's types share a name for.

use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef};
use datafusion_common::Result;
use datafusion_expr::{
    ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature, Volatility,
};

use super::mistakes::no_function;
use super::parts;
use super::value::is_text;
use crate::vector_types::SqlVectorType;

/// One function for lists, another for values with a mark and for texts.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Overloaded {
    lists: Arc<ScalarUDF>,
    vectors: Arc<ScalarUDF>,
    aliases: Vec<String>,
    signature: Signature,
}

/// A function of this crate over lists, made to take pgvector's types as well.
pub(crate) fn overloaded(lists: Arc<ScalarUDF>) -> Arc<ScalarUDF> {
    let vectors = match lists.name() {
        "vector_norm" => parts::norm_udf(),
        "vector_dims" => parts::dims_udf(),
        "l2_normalize" => parts::normalize_udf(),
        _ => return lists,
    };
    let aliases = vectors.aliases().to_vec();
    Arc::new(ScalarUDF::from(Overloaded {
        lists,
        vectors,
        aliases,
        signature: Signature::user_defined(Volatility::Immutable),
    }))
}

impl Overloaded {
    fn of_fields(&self, fields: &[FieldRef]) -> &Arc<ScalarUDF> {
        let marked = fields
            .iter()
            .any(|field| SqlVectorType::of(field).is_some() || is_text(field.data_type()));
        if marked { &self.vectors } else { &self.lists }
    }
}

impl ScalarUDFImpl for Overloaded {
    fn name(&self) -> &str {
        self.lists.name()
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        let vectors = arg_types
            .iter()
            .any(|found| is_text(found) || matches!(found, DataType::Struct(_)));
        if vectors {
            return self.vectors.coerce_types(arg_types);
        }
        // What is wrong is said with the fields in hand: an error from here would be wrapped in DataFusion's.
        self.lists
            .coerce_types(arg_types)
            .or_else(|_| Ok(arg_types.to_vec()))
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        self.lists.return_type(arg_types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let function = self.of_fields(args.arg_fields);
        let types: Vec<DataType> = args
            .arg_fields
            .iter()
            .map(|field| field.data_type().clone())
            .collect();
        if Arc::ptr_eq(function, &self.lists) && function.coerce_types(&types).is_err() {
            let name = self.name();
            return Err(no_function(name, args.arg_fields, args.scalar_arguments));
        }
        function.return_field_from_args(args)
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        self.of_fields(&args.arg_fields).invoke_with_args(args)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.lists.documentation()
    }
}
