//! The functions.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion_common::{Result, not_impl_err, plan_err};
use datafusion_expr::expr::AggregateFunction;
use datafusion_expr::function::{
    AccumulatorArgs, AggregateFunctionSimplification, StateFieldsArgs,
};
use datafusion_expr::utils::AggregateOrderSensitivity;
use datafusion_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Documentation, Expr, GroupsAccumulator, Signature,
    Volatility,
};
use datafusion_macros::user_doc;

use super::accumulator::MinByAccumulator;
use super::call::{check_key, count_of_literal, element_of};
use super::groups::MinByGroupsAccumulator;
use super::{Call, Side, state};

#[user_doc(
    doc_section(label = "Vector Functions"),
    description = "The value in the row with the smallest key or, with `count`, the list of the values in the rows with the `count` smallest keys, smallest first. Rows whose value or key is NULL are left out; without any other the answer is NULL. NaN is the largest number. Of equal keys any may come first, unless an `ORDER BY` among the arguments tells. DuckDB's function.",
    syntax_example = "min_by(value, key[, count])",
    sql_example = r#"```sql
> select min_by(id, embedding <-> '[1,2,3]', 2) as nearest from items;
+---------+
| nearest |
+---------+
| [7, 3]  |
+---------+
```"#,
    argument(name = "value", description = "What is returned, of any type."),
    argument(
        name = "key",
        description = "What the rows are ordered by, of any type that can be."
    ),
    argument(
        name = "count",
        description = "How many values, from 1 to 999999, as a constant."
    )
)]
struct MinByDoc;

#[user_doc(
    doc_section(label = "Vector Functions"),
    description = "The value in the row with the largest key or, with `count`, the list of the values in the rows with the `count` largest keys, largest first. Rows whose value or key is NULL are left out; without any other the answer is NULL. NaN is the largest number. Of equal keys any may come first, unless an `ORDER BY` among the arguments tells. DuckDB's function.",
    syntax_example = "max_by(value, key[, count])",
    sql_example = r#"```sql
> select max_by(name, score) as best from players;
+------+
| best |
+------+
| Ada  |
+------+
```"#,
    argument(name = "value", description = "What is returned, of any type."),
    argument(
        name = "key",
        description = "What the rows are ordered by, of any type that can be."
    ),
    argument(
        name = "count",
        description = "How many values, from 1 to 999999, as a constant."
    )
)]
struct MaxByDoc;

/// `min_by(value, key)`, also called `arg_min` and `argmin`: the value in the row with the smallest key; and
/// `min_by(value, key, count)`: the list of the values in the rows with the `count` smallest keys, smallest first.
///
/// As DuckDB's `arg_min`: rows whose value or key is NULL are left out, a group without any other has the answer NULL,
/// and `count` is a constant from 1 to 999,999. NaN is the largest number, zeros are equal. Which of the rows with equal
/// keys comes first is open, unless an `ORDER BY` among the arguments tells. `DISTINCT` changes nothing where one value is
/// asked for, and is refused with `count`.
///
/// Source: DuckDB's documentation, "Aggregate Functions"; its `arg_min_max.cpp` for NULL in lists and for the bounds of `count`.
pub fn min_by_udaf() -> Arc<AggregateUDF> {
    MinBy::udaf(Side::Smallest)
}

/// `max_by`, also called `arg_max` and `argmax`: [`min_by_udaf`] with the largest keys, largest first.
pub fn max_by_udaf() -> Arc<AggregateUDF> {
    MinBy::udaf(Side::Largest)
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct MinBy {
    side: Side,
    aliases: Vec<String>,
    signature: Signature,
}

impl MinBy {
    fn udaf(side: Side) -> Arc<AggregateUDF> {
        let aliases = match side {
            Side::Smallest => ["arg_min", "argmin"],
            Side::Largest => ["arg_max", "argmax"],
        };
        Arc::new(AggregateUDF::from(Self {
            side,
            aliases: aliases.map(String::from).to_vec(),
            signature: Signature::user_defined(Volatility::Immutable),
        }))
    }
}

impl AggregateUDFImpl for MinBy {
    fn name(&self) -> &str {
        self.side.name()
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        let mut coerced = arg_types.to_vec();
        match coerced.as_mut_slice() {
            [_, _] => {}
            [_, _, count] if count.is_integer() || *count == DataType::Null => {
                *count = DataType::Int64;
            }
            [_, _, count] => {
                return plan_err!("{}: the count is an integer, not {count}", self.name());
            }
            others => {
                return plan_err!(
                    "{} takes a value, a key and, if wanted, a count, not {} arguments",
                    self.name(),
                    others.len()
                );
            }
        }
        Ok(coerced)
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        let field =
            |data_type: &DataType| Arc::new(Field::new("argument", data_type.clone(), true));
        let fields: Vec<FieldRef> = arg_types.iter().map(field).collect();
        Ok(self.return_field(&fields)?.data_type().clone())
    }

    fn return_field(&self, arg_fields: &[FieldRef]) -> Result<FieldRef> {
        let [value, key, counted @ ..] = arg_fields else {
            return plan_err!("{} takes a value and a key", self.name());
        };
        check_key(self.name(), key)?;
        Ok(Arc::new(match counted.is_empty() {
            true => Field::new(self.name(), value.data_type().clone(), true)
                .with_metadata(value.metadata().clone()),
            false => Field::new_list(self.name(), element_of(value), true),
        }))
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(MinByAccumulator::new(Call::new(
            self.side, &args,
        )?)))
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        match args.input_fields {
            [value, ..] => Ok(state::fields(args.name, value.data_type())),
            [] => plan_err!("{} takes a value and a key", self.name()),
        }
    }

    fn groups_accumulator_supported(&self, _args: AccumulatorArgs) -> bool {
        true
    }

    fn create_groups_accumulator(
        &self,
        args: AccumulatorArgs,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(MinByGroupsAccumulator::new(Call::new(
            self.side, &args,
        )?)))
    }

    /// The expressions of an `ORDER BY` come along as arguments and become part of the key; nothing has to be sorted.
    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Beneficial
    }

    fn with_beneficial_ordering(
        self: Arc<Self>,
        _beneficial_ordering: bool,
    ) -> Result<Option<Arc<dyn AggregateUDFImpl>>> {
        Ok(Some(self))
    }

    /// Finds mistakes in `count` while planning, and takes a `DISTINCT` away that changes nothing: rules about the
    /// `DISTINCT` of one argument do not fit.
    fn simplify(&self) -> Option<AggregateFunctionSimplification> {
        let name = self.name().to_string();
        Some(Box::new(move |mut call: AggregateFunction, _| {
            if let Some(Expr::Literal(count, _)) = call.params.args.get(2) {
                count_of_literal(&name, count)?;
            }
            refuse_distinct_list(&name, call.params.distinct, call.params.args.len())?;
            call.params.distinct = false;
            Ok(Expr::AggregateFunction(call))
        }))
    }

    fn documentation(&self) -> Option<&Documentation> {
        match self.side {
            Side::Smallest => MinByDoc.doc(),
            Side::Largest => MaxByDoc.doc(),
        }
    }
}

/// # Errors
/// `DISTINCT` where a list is asked for.
pub(super) fn refuse_distinct_list(name: &str, distinct: bool, arguments: usize) -> Result<()> {
    match distinct && arguments > 2 {
        true => not_impl_err!("{name} with DISTINCT and a count"),
        false => Ok(()),
    }
}
