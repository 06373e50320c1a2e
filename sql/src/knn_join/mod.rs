//! kNN joins: for each row of one table the `k` nearest of another.
//!
//! ```text
//! SELECT .. FROM q CROSS JOIN LATERAL (
//!     SELECT d.id, d.v <-> q.v AS distance FROM d WHERE .. ORDER BY d.v <-> q.v LIMIT k) x
//! ```
//!
//! `(SELECT d.id FROM d ORDER BY d.v <-> q.v LIMIT 1)` among the columns is the same with one row ([`scalar`]), and an aggregate
//! of rows that are compared with the row outside is a join with them, grouped by it ([`aggregates`]).
//!
//! DataFusion plans this as a join whose right side is a subquery with references to the left, and can run it only
//! when those are in filters. [`KnnJoinRule`] takes the subquery apart ([`lateral`]) and puts one of two plans in its
//! place, both exact:
//!
//! - [`operator`]: a [`KnnJoinNode`](node::KnnJoinNode) that runs as [`KnnJoinExec`](crate::KnnJoinExec), where the one
//!   sort key is a distance between vectors of the two sides and nothing else refers to the left;
//! - [`window`]: the two sides joined, numbered by `row_number()` for each row of the left, and cut off; for filters
//!   that compare the two sides, further sort keys, `OFFSET` and everything else.

mod aggregates;
mod expressions;
mod lateral;
mod node;
mod operator;
mod planner;
mod push_filter;
mod rule;
mod scalar;
mod window;

pub use planner::KnnJoinPlanner;
pub use push_filter::PushFilterIntoKnnJoin;
pub use rule::KnnJoinRule;
pub(crate) use rule::refusal;
