//! `DELETE`, `UPDATE` and `INSERT` with `ON CONFLICT`, `RETURNING` or keys, over tables whose rows can be changed.
//!
//! ```text
//! DELETE FROM t AS i USING x WHERE ..      statement: SELECT i.__row_id FROM <t with ids> AS i, x WHERE ..
//!                                          node:      Delete of those ids, above the plan of that query
//! UPDATE t SET a = e FROM x WHERE ..       statement: SELECT t.__row_id, e FROM <t with ids> AS t, x WHERE ..
//! INSERT .. ON CONFLICT .. RETURNING ..    DataFusion's plan of what is inserted, under the same node
//! ```
//!
//! DataFusion's own way hands a table the filters that the optimizer left of the condition, and a table
//! without filters is emptied. Here the condition stays a query: joins, subqueries, parameters, `LIMIT` and
//! NULL mean what they mean in `SELECT`. [`rule`] does the same to statements that programs plan
//! without [`Session`](crate::Session).

mod change;
mod changed_rows;
mod conflict;
mod defaults;
mod errors;
mod exec;
mod insert;
mod node;
mod planner;
mod query;
mod returning;
mod rule;
mod target;

pub(crate) use change::changed_stores;
pub(crate) use errors::without_row_id;
pub(crate) use planner::DmlPlanner;
pub(crate) use query::take;
pub(crate) use rule::{ChangesByRowId, refuse_lost_conditions};
