//! `fts_snippet` and `fts_highlight`: FTS5's `snippet` and `highlight`, for a scan of a text table to compute.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion_common::{Result, ScalarValue, exec_err, plan_err};
use datafusion_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion_physical_expr::expressions::Literal;
use datafusion_physical_expr::{PhysicalExpr, ScalarFunctionExpr};

/// The functions over the texts that a `MATCH` has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FtsText {
    /// `fts_snippet(rank, column, start, end, ellipsis, tokens)`: the part of a text that has the most of the query's phrases.
    Snippet,
    /// `fts_highlight(rank, column, start, end)`: the whole text, with marks around the query's phrases.
    Highlight,
}

impl FtsText {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Snippet, Self::Highlight];

    /// The name of FTS5's function.
    pub fn sql_name(self) -> &'static str {
        match self {
            Self::Snippet => "snippet",
            Self::Highlight => "highlight",
        }
    }

    /// The name of the function in plans.
    pub fn name(self) -> &'static str {
        match self {
            Self::Snippet => "fts_snippet",
            Self::Highlight => "fts_highlight",
        }
    }

    /// What follows the table.
    pub fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Snippet => &["column", "start mark", "end mark", "ellipsis", "tokens"],
            Self::Highlight => &["column", "start mark", "end mark"],
        }
    }

    /// The function. Its first argument stands for the table: its column `rank`.
    pub fn udf(self) -> Arc<ScalarUDF> {
        Arc::new(ScalarUDF::from(FtsTextFunction {
            signature: Signature::user_defined(Volatility::Immutable),
            function: self,
        }))
    }

    fn is_number(argument: &str) -> bool {
        matches!(argument, "column" | "tokens")
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct FtsTextFunction {
    signature: Signature,
    function: FtsText,
}

/// Most tokens of a snippet that FTS5 takes.
const TOKENS_MAX: i64 = 64;

/// The call in SQLite's own words, if an expression is one. `table` is the FTS5 table in the FROM, `columns` how many it has.
pub fn fts_call(
    expr: &Arc<dyn PhysicalExpr>,
    table: &str,
    columns: usize,
) -> Result<Option<String>> {
    let Some(call) = expr.downcast_ref::<ScalarFunctionExpr>() else {
        return Ok(None);
    };
    let inner = call.fun().inner();
    let Some(FtsTextFunction { function, .. }) = inner.downcast_ref::<FtsTextFunction>() else {
        return Ok(None);
    };
    let name = function.sql_name();
    let mut sql = format!("{name}({table}");
    for (what, argument) in function.arguments().iter().zip(call.args().iter().skip(1)) {
        let value = argument.downcast_ref::<Literal>().map(Literal::value);
        match value {
            Some(ScalarValue::Int64(Some(number))) => {
                let (first, last) = match *what {
                    "tokens" => (1, TOKENS_MAX),
                    // -1 is FTS5's word for whichever column fits best.
                    _ => (
                        if *function == FtsText::Snippet { -1 } else { 0 },
                        i64::try_from(columns).unwrap_or(i64::MAX) - 1,
                    ),
                };
                if !(first..=last).contains(number) {
                    return plan_err!("{name}: {what} is {number}, expected {first} to {last}");
                }
                sql.push_str(&format!(", {number}"));
            }
            Some(ScalarValue::Utf8(Some(text))) if !text.contains('\0') => {
                sql.push_str(&format!(", '{}'", text.replace('\'', "''")));
            }
            _ => {
                return plan_err!(
                    "{name}: {what} must be a constant that is not NULL and has no NUL character"
                );
            }
        }
    }
    sql.push(')');
    Ok(Some(sql))
}

impl ScalarUDFImpl for FtsTextFunction {
    fn name(&self) -> &str {
        self.function.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        let name = self.function.sql_name();
        let expected = self.function.arguments();
        let [table, given @ ..] = arg_types else {
            return plan_err!("{name}: expected a text table and {}", expected.join(", "));
        };
        if given.len() != expected.len() {
            return plan_err!(
                "{name}: expected a text table and {}, found {} arguments after the table",
                expected.join(", "),
                given.len()
            );
        }
        let mut coerced = vec![table.clone()];
        for (what, found) in expected.iter().zip(given) {
            let is_text = matches!(
                found,
                DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
            );
            coerced.push(match FtsText::is_number(what) {
                true if found.is_integer() => DataType::Int64,
                false if is_text => DataType::Utf8,
                true => return plan_err!("{name}: {what} must be an integer, found {found}"),
                false => return plan_err!("{name}: {what} must be a text, found {found}"),
            });
        }
        Ok(coerced)
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, _args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        exec_err!(
            "{} is computed by the index of a text table alone: it must stand in the SELECT list over a table with a MATCH in its WHERE, beside conditions on the id only",
            self.function.sql_name()
        )
    }
}
