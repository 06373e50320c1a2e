//! `coalesce`, `greatest`, `least` and `nullif` with texts beside values of pgvector's types.
//!
//! DataFusion finds no type that a list and a text have in common, and says so before any rule could read the text. Here
//! such arguments pass as they are; a rewrite of the plan casts the texts before types are looked at again.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion_common::Result;
use datafusion_expr::interval_arithmetic::Interval;
use datafusion_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion_expr::sort_properties::{ExprProperties, SortProperties};
use datafusion_expr::type_coercion::functions::fields_with_udf;
use datafusion_expr::{
    ColumnarValue, Documentation, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature,
};

use super::value::is_text;
use crate::vector_types::SqlVectorType;

/// One of the functions, given as DataFusion has it.
pub fn beside_texts(function: Arc<ScalarUDF>) -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::from(BesideTexts {
        signature: Signature::user_defined(function.signature().volatility),
        function,
    }))
}

/// DataFusion's function, and the arguments that it refuses.
#[derive(Debug, PartialEq, Eq, Hash)]
struct BesideTexts {
    function: Arc<ScalarUDF>,
    signature: Signature,
}

/// Whether there is a text beside something that may be stored as one of pgvector's types is.
fn may_be_read(types: &[DataType]) -> bool {
    types.iter().any(is_text) && types.iter().any(|found| found.is_nested())
}

impl BesideTexts {
    /// DataFusion's own types for the arguments.
    fn coerced(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let fields: Vec<FieldRef> = types
            .iter()
            .map(|found| Arc::new(Field::new("", found.clone(), true)))
            .collect();
        let coerced = fields_with_udf(&fields, self.function.as_ref())?;
        Ok(coerced
            .iter()
            .map(|field| field.data_type().clone())
            .collect())
    }
}

impl ScalarUDFImpl for BesideTexts {
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
        match may_be_read(arg_types) {
            true => Ok(arg_types.to_vec()),
            false => self.coerced(arg_types),
        }
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        self.function.return_type(arg_types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let types: Vec<DataType> = args
            .arg_fields
            .iter()
            .map(|field| field.data_type().clone())
            .collect();
        if !may_be_read(&types) {
            return self.function.return_field_from_args(args);
        }
        let marked = args
            .arg_fields
            .iter()
            .find(|field| SqlVectorType::of(field).is_some());
        match marked {
            Some(vector) => Ok(Arc::new(vector.as_ref().clone().with_nullable(true))),
            // A list and a text: DataFusion's error.
            None => {
                self.coerced(&types)?;
                self.function.return_field_from_args(args)
            }
        }
    }

    fn is_strict(&self) -> bool {
        self.function.is_strict()
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        self.function.invoke_with_args(args)
    }

    fn simplify(&self, args: Vec<Expr>, info: &SimplifyContext) -> Result<ExprSimplifyResult> {
        self.function.simplify(args, info)
    }

    fn short_circuits(&self) -> bool {
        self.function.short_circuits()
    }

    fn conditional_arguments<'a>(
        &self,
        args: &'a [Expr],
    ) -> Option<(Vec<&'a Expr>, Vec<&'a Expr>)> {
        self.function.conditional_arguments(args)
    }

    fn evaluate_bounds(&self, input: &[&Interval]) -> Result<Interval> {
        self.function.evaluate_bounds(input)
    }

    fn propagate_constraints(
        &self,
        interval: &Interval,
        inputs: &[&Interval],
    ) -> Result<Option<Vec<Interval>>> {
        self.function.propagate_constraints(interval, inputs)
    }

    fn output_ordering(&self, inputs: &[ExprProperties]) -> Result<SortProperties> {
        self.function.output_ordering(inputs)
    }

    fn preserves_lex_ordering(&self, inputs: &[ExprProperties]) -> Result<bool> {
        self.function.preserves_lex_ordering(inputs)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.function.documentation()
    }
}
