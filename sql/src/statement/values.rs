//! `VALUES` and `DEFAULT` with vectors: DataFusion wants a column's values to be of one type, marks included.
//!
//! ```text
//! CREATE TABLE t (v vector(2) DEFAULT '[0,0]')   =>   CREATE TABLE t (v vector(2) DEFAULT '[0,0]'::vector(2))
//! VALUES (1, '[1,2]'::vector(2)), (2, '[3,4]')   =>   VALUES (1, '[1,2]'::vector(2)::vector), (2, '[3,4]'::vector)
//! ```

use datafusion::error::Result;
use datafusion::sql::sqlparser::ast::{
    CastKind, ColumnOption, DataType, Expr, SetExpr, Statement, Value, Values,
};

use crate::types::vector_type;

/// Gives all values of a column the type of pgvector's that one of them is cast to, unless all are written alike.
///
/// # Errors
/// PostgreSQL's, about a type's modifier.
pub(crate) fn cast_rows(body: &mut SetExpr) -> Result<()> {
    match body {
        SetExpr::Values(values) => cast_columns(values),
        SetExpr::SetOperation { left, right, .. } => {
            cast_rows(left)?;
            cast_rows(right)
        }
        _ => Ok(()),
    }
}

fn cast_columns(values: &mut Values) -> Result<()> {
    let columns = values.rows.first().map_or(0, |row| row.len());
    for column in 0..columns {
        let mut targets = values
            .rows
            .iter()
            .map(|row| row.get(column).and_then(cast_target));
        let Some(first) = targets.clone().flatten().next() else {
            continue;
        };
        if targets.all(|target| target == Some(first)) {
            continue;
        }
        let Some(any) = of_any_length(first)? else {
            continue;
        };
        let cells = values.rows.iter_mut().filter_map(|row| row.get_mut(column));
        for value in cells.filter(|value| !is_default(value)) {
            cast_to(value, &any);
        }
    }
    Ok(())
}

/// Gives the defaults of columns of pgvector's types those types.
///
/// # Errors
/// PostgreSQL's, about a type's modifier.
pub(crate) fn cast_defaults(statement: &mut Statement) -> Result<()> {
    let Statement::CreateTable(create) = statement else {
        return Ok(());
    };
    for column in &mut create.columns {
        if vector_type(&column.data_type)?.is_none() {
            continue;
        }
        for option in &mut column.options {
            if let ColumnOption::Default(default) = &mut option.option {
                cast_to(default, &column.data_type);
            }
        }
    }
    Ok(())
}

fn cast_to(value: &mut Expr, data_type: &DataType) {
    let inner = std::mem::replace(value, Expr::value(Value::Null));
    *value = Expr::Cast {
        kind: CastKind::DoubleColon,
        expr: Box::new(inner),
        data_type: data_type.clone(),
        array: false,
        format: None,
    };
}

/// The word that stands for a column's default in `INSERT`.
pub(crate) fn is_default(value: &Expr) -> bool {
    matches!(value, Expr::Identifier(word) if word.value.eq_ignore_ascii_case("default"))
}

/// The type that a value is cast to, if it is one of pgvector's.
fn cast_target(value: &Expr) -> Option<&DataType> {
    match value {
        Expr::Cast { data_type, .. } => match vector_type(data_type) {
            Ok(None) => None,
            // A wrong modifier is reported by whoever asks for it.
            Ok(Some(_)) | Err(_) => Some(data_type),
        },
        Expr::Nested(inner) => cast_target(inner),
        _ => None,
    }
}

/// The type without its length.
fn of_any_length(data_type: &DataType) -> Result<Option<DataType>> {
    let name = match data_type {
        DataType::Custom(name, _) => name.clone(),
        DataType::Bit(_) => return Ok(Some(DataType::VarBit(None))),
        other => return Ok(vector_type(other)?.map(|_| other.clone())),
    };
    vector_type(data_type)?;
    Ok(Some(DataType::Custom(name, Vec::new())))
}
