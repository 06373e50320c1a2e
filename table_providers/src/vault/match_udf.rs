//! `fts_match(column, query)`: the condition that FTS5's `MATCH` is, for a scan of a text table to take.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion_common::{Result, exec_err};
use datafusion_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

/// The name of the function.
pub const FTS_MATCH: &str = "fts_match";

/// `fts_match(id, 'whale AND sea')` is FTS5's `docs MATCH 'whale AND sea'`: its first argument is any column of the table
/// that is no text, for all text columns, or the text column to search. A scan answers it, and nothing else does.
pub fn fts_match_udf() -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::from(FtsMatch {
        signature: Signature::any(2, Volatility::Immutable),
    }))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct FtsMatch {
    signature: Signature,
}

impl ScalarUDFImpl for FtsMatch {
    fn name(&self) -> &str {
        FTS_MATCH
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, _args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        exec_err!(
            "MATCH is answered by the index of a text table alone: it must stand in the WHERE of its table, combined with other conditions by AND only, with a constant query"
        )
    }
}
