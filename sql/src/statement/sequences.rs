//! Numbers that a table gives its rows: `bigserial`, `GENERATED .. AS IDENTITY`, `nextval`.
//!
//! A sequence lives as long as its session, as tables in memory do.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::Int64Array;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{DataFusionError, Result, ScalarValue, TableReference, plan_err};
use datafusion::execution::FunctionRegistry;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};
use datafusion::prelude::SessionContext;
use datafusion::sql::sqlparser::ast::{
    ColumnDef, ColumnOption, ColumnOptionDef, DataType as SqlDataType, Statement as SqlStatement,
};
use ogive_vectors::VectorError;
use parking_lot::Mutex;

use crate::parser::parse_expression;

const NEXTVAL: &str = "nextval";

/// `nextval('name')`: another number for each row, from 1 on.
#[derive(Debug, Clone)]
struct NextVal {
    /// The last number that each sequence gave.
    last: Arc<Mutex<HashMap<String, i64>>>,
    signature: Signature,
}

/// Sessions have sequences of their own.
impl PartialEq for NextVal {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.last, &other.last)
    }
}

impl Eq for NextVal {}

impl Hash for NextVal {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.last).hash(state);
    }
}

/// The function over no sequence yet.
pub(crate) fn nextval_udf() -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::from(NextVal {
        last: Arc::default(),
        signature: Signature::exact(vec![DataType::Utf8], Volatility::Volatile),
    }))
}

impl ScalarUDFImpl for NextVal {
    fn name(&self) -> &str {
        NEXTVAL
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn return_field_from_args(&self, _args: ReturnFieldArgs) -> Result<FieldRef> {
        Ok(Arc::new(Field::new(NEXTVAL, DataType::Int64, false)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [ColumnarValue::Scalar(ScalarValue::Utf8(Some(name)))] = args.args.as_slice() else {
            return plan_err!("{NEXTVAL}: the name of a sequence must be a constant");
        };
        let mut sequences = self.last.lock();
        let Some(last) = sequences.get_mut(name) else {
            return Err(DataFusionError::External(Box::new(VectorError::new(
                "42P01",
                format!("relation \"{name}\" does not exist"),
            ))));
        };
        let first = *last + 1;
        *last += i64::try_from(args.number_rows).unwrap_or(i64::MAX);
        let numbers = Int64Array::from_iter_values(first..=*last);
        Ok(ColumnarValue::Array(Arc::new(numbers)))
    }
}

/// Columns of `CREATE TABLE` that number their rows, as columns of integers with a default. Returns the names of their sequences,
/// which are to begin when the table is made.
///
/// # Errors
/// The name of the table cannot be looked up.
pub(crate) fn take_serial_columns(
    context: &SessionContext,
    statement: &mut SqlStatement,
) -> Result<Vec<String>> {
    let mut sequences = Vec::new();
    let SqlStatement::CreateTable(create) = statement else {
        return Ok(sequences);
    };
    let table = create.name.to_string();
    let reference = TableReference::parse_str(&table);
    let relation = reference.table().to_owned();
    for column in &mut create.columns {
        let Some(integer) = integer_of(column) else {
            continue;
        };
        column.data_type = integer;
        let name = format!("{relation}_{}_seq", column.name.value.to_lowercase());
        let default = parse_expression(&format!("{NEXTVAL}('{}')", name.replace('\'', "''")))?;
        for option in [ColumnOption::NotNull, ColumnOption::Default(default)] {
            column.options.push(ColumnOptionDef { name: None, option });
        }
        // A table of that name keeps its numbers: the statement fails or does nothing.
        if !context.table_exist(reference.clone())? {
            sequences.push(name);
        }
    }
    Ok(sequences)
}

/// The type of a column that numbers its rows; says of an identity column no more that it is one.
fn integer_of(column: &mut ColumnDef) -> Option<SqlDataType> {
    let is_identity = |option: &ColumnOptionDef| {
        matches!(
            &option.option,
            ColumnOption::Generated {
                generation_expr: None,
                ..
            }
        )
    };
    if column.options.iter().any(is_identity) {
        column.options.retain(|option| !is_identity(option));
        return Some(column.data_type.clone());
    }
    let SqlDataType::Custom(name, _) = &column.data_type else {
        return None;
    };
    match name.to_string().to_ascii_lowercase().as_str() {
        "bigserial" | "serial8" => Some(SqlDataType::BigInt(None)),
        "serial" | "serial4" => Some(SqlDataType::Integer(None)),
        "smallserial" | "serial2" => Some(SqlDataType::SmallInt(None)),
        _ => None,
    }
}

/// Makes a sequence, or lets it begin again.
pub(crate) fn begin_sequence(context: &SessionContext, name: String) -> Result<()> {
    let function = context.udf(NEXTVAL)?;
    if let Some(sequences) = function.inner().downcast_ref::<NextVal>() {
        sequences.last.lock().insert(name, 0);
    }
    Ok(())
}
