//! Filters that SQLite can apply, or that choose rows by their index.
//!
//! Taken, in any combination by AND and OR:
//!
//! ```text
//! column = | < | <= | > | >= constant,  column BETWEEN a AND b,  column IN (..),  column LIKE 'prefix%',
//! starts_with(column, 'prefix'),  and at the top fts_match(column, 'query')
//! ```
//!
//! All of them are false or NULL where the column is NULL, so that it does not matter which of both SQLite says: rows are
//! left out either way. For the same reason NOT is not taken. A value that does not fit its column's type is NULL to us and
//! may be compared by SQLite: a condition on its type goes with each comparison.

use std::ops::{Bound, RangeInclusive};

use arrow::datatypes::DataType;
use datafusion_common::ScalarValue;
use datafusion_expr::expr::{Between, BinaryExpr, InList, Like};
use datafusion_expr::{Expr, Operator};
use ogive_vault::{Condition, SqlValue, prefix_range, quoted};

use crate::vault::match_udf::FTS_MATCH;

/// A column that SQLite can compare.
#[derive(Debug, Clone)]
pub struct SqlColumn {
    /// Its name in the table's schema.
    pub name: String,
    /// It in SQL.
    pub sql: String,
    /// What is compared.
    pub kind: SqlKind,
}

/// What a column is compared as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SqlKind {
    /// Row numbers: always integers.
    RowNumber,
    /// Keys: always bytes. Texts are their UTF-8 bytes.
    Key,
    /// A column of integers that may hold other values.
    Integer,
    /// A column of floats that may hold other values.
    Float,
    /// A column of texts that may hold other values.
    Text,
}

/// The table whose columns a filter names.
#[derive(Debug, Clone, Default)]
pub struct SqlColumns {
    /// Columns that can be compared.
    pub columns: Vec<SqlColumn>,
    /// For `MATCH`: the FTS5 table in the FROM, and its text columns.
    pub texts: Option<(String, Vec<String>)>,
}

impl SqlColumns {
    /// The filter as a condition, if SQLite means the same by it.
    pub fn condition(&self, filter: &Expr) -> Option<Condition> {
        self.matched(filter).or_else(|| self.compared(filter))
    }

    fn matched(&self, filter: &Expr) -> Option<Condition> {
        let Expr::ScalarFunction(call) = filter else {
            return None;
        };
        let (table, texts) = self.texts.as_ref()?;
        if call.func.name() != FTS_MATCH {
            return None;
        }
        let [column, query] = call.args.as_slice() else {
            return None;
        };
        let (column, query) = (column_name(column)?, text_of(query)?);
        let query = if texts.iter().any(|text| text == column) {
            format!("{{{}}} : ({query})", quoted(column))
        } else {
            query
        };
        Some(Condition {
            sql: format!("{table} MATCH ?"),
            parameters: vec![SqlValue::Text(query)],
        })
    }

    fn compared(&self, filter: &Expr) -> Option<Condition> {
        match filter {
            Expr::Alias(alias) => self.compared(&alias.expr),
            Expr::BinaryExpr(BinaryExpr { left, op, right }) => match op {
                Operator::And => Some(join(self.compared(left)?, "AND", self.compared(right)?)),
                Operator::Or => Some(join(self.compared(left)?, "OR", self.compared(right)?)),
                op => {
                    if let Some(column) = self.column(left) {
                        column.compare(*op, right)
                    } else {
                        self.column(right)?.compare(op.swap()?, left)
                    }
                }
            },
            Expr::Between(Between {
                expr,
                negated: false,
                low,
                high,
            }) => {
                let column = self.column(expr)?;
                Some(join(
                    column.compare(Operator::GtEq, low)?,
                    "AND",
                    column.compare(Operator::LtEq, high)?,
                ))
            }
            Expr::InList(InList {
                expr,
                list,
                negated: false,
            }) if !list.is_empty() && list.len() <= IN_LIST_MAX => {
                let column = self.column(expr)?;
                let parameters: Vec<SqlValue> = list
                    .iter()
                    .map(|item| column.constant(item))
                    .collect::<Option<_>>()?;
                let marks = vec!["?"; list.len()].join(", ");
                Some(column.guarded(Condition {
                    sql: format!("{} IN ({marks})", column.collated()),
                    parameters,
                }))
            }
            Expr::Like(Like {
                negated: false,
                expr,
                pattern,
                escape_char: None,
                case_insensitive: false,
            }) => {
                let pattern = text_of(pattern)?;
                let prefix = pattern.strip_suffix('%')?;
                if prefix.contains(['%', '_', '\\']) {
                    return None;
                }
                self.column(expr)?.starts_with(prefix)
            }
            Expr::ScalarFunction(call) if call.func.name() == "starts_with" => {
                let [column, prefix] = call.args.as_slice() else {
                    return None;
                };
                self.column(column)?.starts_with(&text_of(prefix)?)
            }
            _ => None,
        }
    }

    fn column(&self, expr: &Expr) -> Option<&SqlColumn> {
        let (name, is_cast) = match expr {
            // A key beside a text is cast to text, which orders and begins as its bytes do.
            Expr::Cast(cast) if is_text_type(cast.field.data_type()) => {
                (column_name(&cast.expr)?, true)
            }
            expr => (column_name(expr)?, false),
        };
        self.columns
            .iter()
            .find(|column| column.name == name && (!is_cast || column.kind == SqlKind::Key))
    }
}

/// Longer lists are compared by DataFusion: SQLite limits the parameters of a statement.
const IN_LIST_MAX: usize = 1000;

fn is_text_type(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
    )
}

fn column_name(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Column(column) => Some(&column.name),
        Expr::Alias(alias) => column_name(&alias.expr),
        _ => None,
    }
}

fn text_of(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Literal(
            ScalarValue::Utf8(Some(text))
            | ScalarValue::LargeUtf8(Some(text))
            | ScalarValue::Utf8View(Some(text)),
            _,
        ) => Some(text.clone()),
        Expr::Literal(
            ScalarValue::Binary(Some(bytes))
            | ScalarValue::LargeBinary(Some(bytes))
            | ScalarValue::BinaryView(Some(bytes)),
            _,
        ) => String::from_utf8(bytes.clone()).ok(),
        _ => None,
    }
}

fn integer_of(expr: &Expr) -> Option<i64> {
    let Expr::Literal(value, _) = expr else {
        return None;
    };
    match value {
        ScalarValue::Int64(value) => *value,
        ScalarValue::Int32(value) => value.map(i64::from),
        ScalarValue::Int16(value) => value.map(i64::from),
        ScalarValue::Int8(value) => value.map(i64::from),
        _ => None,
    }
}

fn join(left: Condition, word: &str, right: Condition) -> Condition {
    let mut parameters = left.parameters;
    parameters.extend(right.parameters);
    Condition {
        sql: format!("({} {word} {})", left.sql, right.sql),
        parameters,
    }
}

impl SqlColumn {
    fn constant(&self, expr: &Expr) -> Option<SqlValue> {
        match self.kind {
            SqlKind::RowNumber | SqlKind::Integer => Some(SqlValue::Integer(integer_of(expr)?)),
            SqlKind::Float => match expr {
                Expr::Literal(ScalarValue::Float64(Some(value)), _) if !value.is_nan() => {
                    Some(SqlValue::Real(*value))
                }
                _ => None,
            },
            SqlKind::Text => Some(SqlValue::Text(text_of(expr)?)),
            SqlKind::Key => match expr {
                Expr::Literal(
                    ScalarValue::Binary(Some(bytes))
                    | ScalarValue::LargeBinary(Some(bytes))
                    | ScalarValue::BinaryView(Some(bytes))
                    | ScalarValue::FixedSizeBinary(_, Some(bytes)),
                    _,
                ) => Some(SqlValue::Blob(bytes.clone())),
                expr => Some(SqlValue::Blob(text_of(expr)?.into_bytes())),
            },
        }
    }

    /// The column, compared as Arrow compares texts whatever the table says.
    fn collated(&self) -> String {
        match self.kind {
            SqlKind::Text => format!("{} COLLATE BINARY", self.sql),
            _ => self.sql.clone(),
        }
    }

    fn guarded(&self, condition: Condition) -> Condition {
        let types = match self.kind {
            SqlKind::RowNumber | SqlKind::Key => return condition,
            SqlKind::Integer => "= 'integer'",
            SqlKind::Float => "IN ('real', 'integer')",
            SqlKind::Text => "= 'text'",
        };
        Condition {
            sql: format!("({} AND typeof({}) {types})", condition.sql, self.sql),
            parameters: condition.parameters,
        }
    }

    fn compare(&self, operator: Operator, constant: &Expr) -> Option<Condition> {
        let word = match operator {
            Operator::Eq => "=",
            Operator::Lt => "<",
            Operator::LtEq => "<=",
            Operator::Gt => ">",
            Operator::GtEq => ">=",
            _ => return None,
        };
        Some(self.guarded(Condition {
            sql: format!("{} {word} ?", self.collated()),
            parameters: vec![self.constant(constant)?],
        }))
    }

    fn starts_with(&self, prefix: &str) -> Option<Condition> {
        let (start, end) = match self.kind {
            SqlKind::Key => match prefix_range(prefix.as_bytes()) {
                (Bound::Included(start), end) => (
                    SqlValue::Blob(start),
                    match end {
                        Bound::Excluded(end) => Some(SqlValue::Blob(end)),
                        _ => None,
                    },
                ),
                _ => return None,
            },
            SqlKind::Text => (
                SqlValue::Text(prefix.to_owned()),
                Some(SqlValue::Text(after_prefix(prefix)?)),
            ),
            _ => return None,
        };
        let mut condition = Condition {
            sql: format!("{} >= ?", self.collated()),
            parameters: vec![start],
        };
        if let Some(end) = end {
            condition = join(
                condition,
                "AND",
                Condition {
                    sql: format!("{} < ?", self.collated()),
                    parameters: vec![end],
                },
            );
        }
        Some(self.guarded(condition))
    }
}

/// The least text that is greater than all texts with a prefix, where there is one.
fn after_prefix(prefix: &str) -> Option<String> {
    let mut chars: Vec<char> = prefix.chars().collect();
    while let Some(last) = chars.pop() {
        let next = (u32::from(last) + 1..=u32::from(char::MAX)).find_map(char::from_u32);
        if let Some(next) = next {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

/// Ranges of integers: apart from each other, and rising.
pub type Ranges = Vec<RangeInclusive<i64>>;

/// The filter as ranges of an integer column, if it is about that column alone.
pub fn ranges(filter: &Expr, column: &str) -> Option<Ranges> {
    let is_column = |expr: &Expr| column_name(expr) == Some(column);
    match filter {
        Expr::Alias(alias) => ranges(&alias.expr, column),
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => match op {
            Operator::And => Some(intersect(&ranges(left, column)?, &ranges(right, column)?)),
            Operator::Or => {
                let mut all = ranges(left, column)?;
                all.extend(ranges(right, column)?);
                Some(merged(all))
            }
            op if is_column(left) => compare(*op, integer_of(right)?),
            op if is_column(right) => compare(op.swap()?, integer_of(left)?),
            _ => None,
        },
        Expr::Between(Between {
            expr,
            negated: false,
            low,
            high,
        }) if is_column(expr) => Some(merged(vec![integer_of(low)?..=integer_of(high)?])),
        Expr::InList(InList {
            expr,
            list,
            negated: false,
        }) if is_column(expr) => list
            .iter()
            .map(|item| integer_of(item).map(|value| value..=value))
            .collect::<Option<Ranges>>()
            .map(merged),
        _ => None,
    }
}

fn compare(operator: Operator, value: i64) -> Option<Ranges> {
    let range = match operator {
        Operator::Eq => value..=value,
        Operator::Lt => match value.checked_sub(1) {
            Some(last) => i64::MIN..=last,
            None => return Some(Vec::new()),
        },
        Operator::LtEq => i64::MIN..=value,
        Operator::Gt => match value.checked_add(1) {
            Some(first) => first..=i64::MAX,
            None => return Some(Vec::new()),
        },
        Operator::GtEq => value..=i64::MAX,
        _ => return None,
    };
    Some(vec![range])
}

fn merged(mut ranges: Ranges) -> Ranges {
    ranges.retain(|range| !range.is_empty());
    ranges.sort_by_key(|range| *range.start());
    let mut apart: Ranges = Vec::with_capacity(ranges.len());
    for range in ranges {
        match apart.last_mut() {
            Some(last) if last.end().saturating_add(1) >= *range.start() => {
                *last = *last.start()..=*last.end().max(range.end());
            }
            _ => apart.push(range),
        }
    }
    apart
}

/// What two sets of ranges have in common.
pub fn intersect(left: &Ranges, right: &Ranges) -> Ranges {
    let mut common = Vec::new();
    for a in left {
        for b in right {
            let range = *a.start().max(b.start())..=*a.end().min(b.end());
            if !range.is_empty() {
                common.push(range);
            }
        }
    }
    merged(common)
}
