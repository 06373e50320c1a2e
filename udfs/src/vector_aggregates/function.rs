//! The functions: the built-ins, with calls over lists taken out.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion_common::{Result, ScalarValue, plan_err};
use datafusion_expr::expr::{AggregateFunction, AggregateFunctionParams, WindowFunctionParams};
use datafusion_expr::function::{
    AccumulatorArgs, AggregateFunctionSimplification, StateFieldsArgs,
};
use datafusion_expr::utils::AggregateOrderSensitivity;
use datafusion_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Documentation, Expr, GroupsAccumulator, Operator,
    ReversedUDAF, SetMonotonicity, Signature, StatisticsArgs, TypeSignature,
};
use datafusion_functions_aggregate::average::Avg;
use datafusion_functions_aggregate::sum::Sum;

use super::accumulator::VectorAccumulator;
use super::definition::{answer_type, is_vector};
use super::distinct::DistinctAccumulator;
use super::groups::VectorGroupsAccumulator;
use super::sliding::SlidingAccumulator;
use super::{Definition, Operation, distinct, state};
use crate::pgvector::no_function;
use crate::vector_types::{SqlVectorType, sparsevec_fields};

/// `avg`, also called `mean`, and `sum`, for a session to register in place of the built-ins.
///
/// Over lists of `Float32`, `Float16` and `Float64` elements they give the element-wise average and sum, as the same
/// kind of list and, for pgvector's types, as pgvector does; calls with any other argument are the built-ins'.
pub(crate) fn average_and_sum() -> Vec<Arc<AggregateUDF>> {
    [
        VectorAggregate::over(Operation::Average, AggregateUDF::from(Avg::new())),
        VectorAggregate::over(Operation::Sum, AggregateUDF::from(Sum::new())),
    ]
    .map(|function| Arc::new(AggregateUDF::from(function)))
    .to_vec()
}

/// A built-in aggregate that also takes vectors.
#[derive(Debug, PartialEq, Eq, Hash)]
struct VectorAggregate {
    operation: Operation,
    builtin: AggregateUDF,
    signature: Signature,
}

impl VectorAggregate {
    fn over(operation: Operation, builtin: AggregateUDF) -> Self {
        // The built-in's own alternatives come first, so that they alone decide where they apply.
        let mut signature = builtin.signature().clone();
        signature.type_signature = match signature.type_signature {
            TypeSignature::OneOf(mut alternatives) => {
                alternatives.push(TypeSignature::UserDefined);
                TypeSignature::OneOf(alternatives)
            }
            alternative => TypeSignature::OneOf(vec![alternative, TypeSignature::UserDefined]),
        };
        Self {
            operation,
            builtin,
            signature,
        }
    }

    /// What a call computes over such arguments; `None` for the built-in's.
    ///
    /// # Errors
    /// None for arguments that type coercion has been through.
    fn definition(&self, arguments: &[FieldRef]) -> Result<Option<Definition>> {
        match arguments {
            [argument] if is_vector(argument.data_type()) => {
                Definition::new(self.operation, argument).map(Some)
            }
            _ => Ok(None),
        }
    }
}

// It stands for another function, so a method left to its default would change that function.
#[deny(clippy::missing_trait_methods)]
impl AggregateUDFImpl for VectorAggregate {
    fn name(&self) -> &str {
        self.builtin.name()
    }

    fn aliases(&self) -> &[String] {
        self.builtin.aliases()
    }

    fn schema_name(&self, params: &AggregateFunctionParams) -> Result<String> {
        self.builtin.schema_name(params)
    }

    fn human_display(&self, params: &AggregateFunctionParams) -> Result<String> {
        self.builtin.human_display(params)
    }

    fn window_function_schema_name(&self, params: &WindowFunctionParams) -> Result<String> {
        self.builtin.window_function_schema_name(params)
    }

    fn display_name(&self, params: &AggregateFunctionParams) -> Result<String> {
        self.builtin.display_name(params)
    }

    fn window_function_display_name(&self, params: &WindowFunctionParams) -> Result<String> {
        self.builtin.window_function_display_name(params)
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        match arg_types {
            [list] if is_vector(list) => Ok(vec![list.clone()]),
            // Refused where the mark is known.
            [other] if may_be_marked(other) => Ok(vec![other.clone()]),
            // It is asked for lists alone: the built-in's signature says what else there is.
            [other] => plan_err!(
                "{} takes numbers and lists of Float32, Float16 or Float64 numbers, not {other}",
                self.name()
            ),
            others => plan_err!("{} takes one argument, not {}", self.name(), others.len()),
        }
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        match arg_types {
            [argument] => match answer_type(argument) {
                Some(list) => Ok(list),
                None => self.builtin.return_type(arg_types),
            },
            _ => self.builtin.return_type(arg_types),
        }
    }

    fn return_field(&self, arg_fields: &[FieldRef]) -> Result<FieldRef> {
        if let [field] = arg_fields
            && may_be_marked(field.data_type())
        {
            return Err(no_function(self.name(), arg_fields, &[]));
        }
        let Some(definition) = self.definition(arg_fields)? else {
            return self.builtin.return_field(arg_fields);
        };
        let mark = arg_fields
            .first()
            .and_then(|field| Some((SqlVectorType::of(field)?, field)));
        Ok(Arc::new(match mark {
            Some((mark, field)) => mark.field(self.name(), mark.length_of(field)),
            None => Field::new(self.name(), definition.answer_type().clone(), true),
        }))
    }

    fn is_nullable(&self) -> bool {
        self.builtin.is_nullable()
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        match self.definition(args.expr_fields)? {
            Some(definition) if args.is_distinct => {
                Ok(Box::new(DistinctAccumulator::new(definition)))
            }
            Some(definition) => Ok(Box::new(VectorAccumulator::new(definition))),
            None => self.builtin.accumulator(args),
        }
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        match self.definition(args.input_fields)? {
            Some(_) if args.is_distinct => Ok(distinct::fields(args.name)),
            Some(_) => Ok(state::fields(args.name)),
            None => self.builtin.state_fields(args),
        }
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        match self.definition(args.expr_fields) {
            Ok(Some(_)) => !args.is_distinct,
            _ => self.builtin.groups_accumulator_supported(args),
        }
    }

    fn create_groups_accumulator(
        &self,
        args: AccumulatorArgs,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        match self.definition(args.expr_fields)? {
            Some(definition) => Ok(Box::new(VectorGroupsAccumulator::new(definition))),
            None => self.builtin.create_groups_accumulator(args),
        }
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        match self.definition(args.expr_fields)? {
            Some(definition) if args.is_distinct => {
                Ok(Box::new(DistinctAccumulator::new(definition)))
            }
            Some(definition) => Ok(Box::new(SlidingAccumulator::new(definition))),
            None => self.builtin.create_sliding_accumulator(args),
        }
    }

    fn with_beneficial_ordering(
        self: Arc<Self>,
        beneficial_ordering: bool,
    ) -> Result<Option<Arc<dyn AggregateUDFImpl>>> {
        let ordered = self
            .builtin
            .clone()
            .with_beneficial_ordering(beneficial_ordering)?;
        Ok(ordered.map(|builtin| Arc::new(Self::over(self.operation, builtin)) as _))
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        self.builtin.order_sensitivity()
    }

    fn simplify(&self) -> Option<AggregateFunctionSimplification> {
        let simplify = self.builtin.simplify()?;
        Some(Box::new(move |call, context| {
            let over_vectors = match call.params.args.as_slice() {
                [argument] => is_vector(&context.get_data_type(argument)?),
                _ => false,
            };
            match over_vectors {
                true => Ok(Expr::AggregateFunction(call)),
                false => simplify(call, context),
            }
        }))
    }

    fn simplify_expr_op_literal(
        &self,
        agg_function: &AggregateFunction,
        arg: &Expr,
        op: Operator,
        lit: &Expr,
        arg_is_left: bool,
    ) -> Result<Option<Expr>> {
        // The rewrite multiplies the literal by a number of rows, which lists cannot be.
        if let Expr::Literal(literal, _) = lit
            && literal.data_type().is_list()
        {
            return Ok(None);
        }
        self.builtin
            .simplify_expr_op_literal(agg_function, arg, op, lit, arg_is_left)
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        match self.builtin.reverse_udf() {
            ReversedUDAF::Reversed(builtin) => {
                let reversed = Self::over(self.operation, builtin.as_ref().clone());
                ReversedUDAF::Reversed(Arc::new(AggregateUDF::from(reversed)))
            }
            other => other,
        }
    }

    fn is_descending(&self) -> Option<bool> {
        self.builtin.is_descending()
    }

    fn value_from_stats(&self, statistics_args: &StatisticsArgs) -> Option<ScalarValue> {
        match is_vector(statistics_args.return_type) {
            true => None,
            false => self.builtin.value_from_stats(statistics_args),
        }
    }

    fn default_value(&self, data_type: &DataType) -> Result<ScalarValue> {
        self.builtin.default_value(data_type)
    }

    fn supports_null_handling_clause(&self) -> bool {
        self.builtin.supports_null_handling_clause()
    }

    fn supports_within_group_clause(&self) -> bool {
        self.builtin.supports_within_group_clause()
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.builtin.documentation()
    }

    fn set_monotonicity(&self, data_type: &DataType) -> SetMonotonicity {
        self.builtin.inner().set_monotonicity(data_type)
    }
}

/// Whether the built-in would not tell bit strings and `sparsevec` values by their name.
fn may_be_marked(argument: &DataType) -> bool {
    match argument {
        DataType::Struct(fields) => *fields == sparsevec_fields(),
        DataType::List(element) | DataType::FixedSizeList(element, _) => {
            *element.data_type() == DataType::Boolean
        }
        _ => false,
    }
}
