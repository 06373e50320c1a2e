//! Conditions of a query as a look-up: which files can have rows that meet them.

use datafusion_common::ScalarValue;
use datafusion_expr::expr::{InList, ScalarFunction};
use datafusion_expr::{BinaryExpr, Expr, Like, Operator};
use ogive_codebase::{Lookup, NameRole, PathTest};

use super::schema::CodeTable;

/// What a condition says about files of a table, where it says something that can be looked up: `column = 'text'`,
/// `column IN (..)`, `path LIKE 'prefix%'`, `array_has(column, 'text')`. Rows are looked at again.
pub fn lookup_of(table: CodeTable, condition: &Expr) -> Option<Lookup> {
    // An edge's rows come of all files together.
    if table == CodeTable::Edges {
        return None;
    }
    match condition {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if *op == Operator::Eq => {
            match (&**left, &**right) {
                (Expr::Column(column), value) | (value, Expr::Column(column)) => {
                    one_of(table, &column.name, vec![text(value)?])
                }
                _ => None,
            }
        }
        // What DataFusion makes of short lists.
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if *op == Operator::Or => {
            either(lookup_of(table, left)?, lookup_of(table, right)?)
        }
        Expr::InList(InList {
            expr,
            list,
            negated: false,
        }) => match &**expr {
            Expr::Column(column) => {
                let names = list.iter().map(text).collect::<Option<Vec<_>>>()?;
                one_of(table, &column.name, names)
            }
            _ => None,
        },
        Expr::Like(Like {
            negated: false,
            expr,
            pattern,
            escape_char: None,
            case_insensitive: false,
        }) => match (&**expr, text(pattern)?) {
            (Expr::Column(column), pattern) if column.name == "path" => {
                let end = pattern.find(['%', '_', '\\'])?;
                let prefix = pattern.get(..end).filter(|prefix| !prefix.is_empty())?;
                Some(Lookup {
                    paths: vec![PathTest::Prefix(prefix.to_owned())],
                    ..Lookup::default()
                })
            }
            _ => None,
        },
        Expr::ScalarFunction(ScalarFunction { func, args }) if func.name() == "array_has" => {
            match args.as_slice() {
                [Expr::Column(column), value] if table == CodeTable::Files => {
                    let role = match column.name.as_str() {
                        "imports" => NameRole::Module,
                        "exports" => NameRole::Exported,
                        "functions" => NameRole::Function,
                        "classes" => NameRole::Class,
                        _ => return None,
                    };
                    Some(named(role, vec![text(value)?]))
                }
                _ => None,
            }
        }
        _ => None,
    }
}

/// Files of which one or the other holds, where that is one question again.
fn either(mut a: Lookup, b: Lookup) -> Option<Lookup> {
    match (
        &mut a.paths[..],
        &mut a.names[..],
        &b.paths[..],
        &b.names[..],
    ) {
        ([PathTest::OneOf(a)], [], [PathTest::OneOf(b)], []) => a.extend(b.iter().cloned()),
        ([], [(a_role, a)], [], [(b_role, b)]) if a_role == b_role => a.extend(b.iter().cloned()),
        _ => return None,
    }
    Some(a)
}

fn named(role: NameRole, names: Vec<String>) -> Lookup {
    Lookup {
        names: vec![(role, names)],
        ..Lookup::default()
    }
}

/// The look-up of a column that is one of these texts.
fn one_of(table: CodeTable, column: &str, names: Vec<String>) -> Option<Lookup> {
    let role = match (table, column) {
        (_, "path") => {
            return Some(Lookup {
                paths: vec![PathTest::OneOf(names)],
                ..Lookup::default()
            });
        }
        (CodeTable::Symbols, "name") => NameRole::Symbol,
        (CodeTable::Symbols, "qualified_name") => NameRole::Qualified,
        (CodeTable::Imports, "module") => NameRole::Module,
        (CodeTable::Imports, "name") => NameRole::Imported,
        (CodeTable::Exports, "name") => NameRole::Exported,
        (CodeTable::References, "name") => NameRole::Used,
        (CodeTable::Calls, "name") => NameRole::Called,
        _ => return None,
    };
    Some(named(role, names))
}

/// A constant text.
fn text(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Literal(
            ScalarValue::Utf8(Some(text))
            | ScalarValue::Utf8View(Some(text))
            | ScalarValue::LargeUtf8(Some(text)),
            _,
        ) => Some(text.clone()),
        _ => None,
    }
}

/// What is looked up, for EXPLAIN.
pub fn describe(lookup: &Lookup) -> String {
    let list = |names: &[String]| {
        let quoted: Vec<String> = names.iter().map(|name| format!("'{name}'")).collect();
        quoted.join(", ")
    };
    let paths = lookup.paths.iter().map(|test| match test {
        PathTest::OneOf(paths) => format!("path: {}", list(paths)),
        PathTest::Prefix(prefix) => format!("path: '{prefix}'.."),
    });
    let names = lookup.names.iter().map(|(role, names)| {
        let what = match role {
            NameRole::Module => "module",
            NameRole::Imported => "imported",
            NameRole::Exported => "export",
            NameRole::Function => "function",
            NameRole::Class => "class",
            NameRole::Symbol => "symbol",
            NameRole::Qualified => "qualified symbol",
            NameRole::Used => "reference",
            NameRole::Called => "call",
        };
        format!("{what}: {}", list(names))
    });
    paths.chain(names).collect::<Vec<_>>().join("; ")
}
