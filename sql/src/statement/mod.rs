//! Statements rewritten before they are planned, as syntax trees. Nothing here runs a query or changes a session.

mod context_calls;
mod fetch;
mod full_text;
mod named_arguments;
mod order_by_arrays;
mod postgres_names;
mod recall_calls;
mod rewrite;
mod sequences;
mod values;
mod vector_search;
mod visit;
mod writes;

pub(crate) use context_calls::{NAME as CONTEXT, put_chosen};
pub(crate) use order_by_arrays::OrderByArrays;
pub(crate) use recall_calls::{MeasuredRecall, NAME as RECALL, put_measured};
pub(crate) use rewrite::rewrite_statement;
pub(crate) use sequences::{begin_sequence, nextval_udf};
pub(crate) use values::is_default;
pub(crate) use writes::{
    cast_assignment, changing, normalized, prepare_write, reference_of, table_of,
};
