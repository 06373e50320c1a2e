//! The kNN join in a logical plan.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Column, DFSchema, DFSchemaRef, Result, TableReference, internal_err};
use datafusion::logical_expr::builder::build_join_schema;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{Expr, JoinType, LogicalPlan, UserDefinedLogicalNodeCore};
use ogive_kernels::{Metric, Order};
use ogive_udfs::metric_of;

use crate::exec::describe;

/// For each row of the left the `k` rows of the right that come first by a distance between the two.
///
/// Its columns are those of the left, those of the right, and the distance as [`distance_column`].
#[derive(Debug, Clone)]
pub struct KnnJoinNode {
    left: Arc<LogicalPlan>,
    right: Arc<LogicalPlan>,
    distance: ScalarFunction,
    /// The first argument is over the left and the second over the right, not the other way round.
    query_first: bool,
    k: usize,
    order: Order,
    /// Inner, or left: rows of the left that have no neighbour, which are all if the right is empty, stay with NULLs.
    join_type: JoinType,
    schema: DFSchemaRef,
}

/// The node's column for the distance.
pub(super) fn distance_column() -> Column {
    Column::new(Some(QUALIFIER), DISTANCE)
}

const QUALIFIER: &str = "__knn";
/// The distance's name in physical plans, where there are no qualifiers.
pub(super) const DISTANCE: &str = "__knn_distance";

impl KnnJoinNode {
    pub(super) fn try_new(
        left: Arc<LogicalPlan>,
        right: Arc<LogicalPlan>,
        distance: ScalarFunction,
        query_first: bool,
        k: usize,
        order: Order,
        join_type: JoinType,
    ) -> Result<Self> {
        let joined = build_join_schema(left.schema(), right.schema(), &join_type)?;
        let mut fields: Vec<(Option<TableReference>, FieldRef)> = joined
            .iter()
            .map(|(qualifier, field)| (qualifier.cloned(), Arc::clone(field)))
            .collect();
        let field = Field::new(DISTANCE, DataType::Float64, true);
        fields.push((Some(TableReference::bare(QUALIFIER)), Arc::new(field)));
        let dependencies = joined.functional_dependencies().clone();
        let schema = DFSchema::new_with_metadata(fields, joined.metadata().clone())?
            .with_functional_dependencies(dependencies)?;
        Ok(Self {
            left,
            right,
            distance,
            query_first,
            k,
            order,
            join_type,
            schema: Arc::new(schema),
        })
    }

    pub(super) fn left(&self) -> &Arc<LogicalPlan> {
        &self.left
    }

    pub(super) fn k(&self) -> usize {
        self.k
    }

    pub(super) fn order(&self) -> Order {
        self.order
    }

    pub(super) fn join_type(&self) -> JoinType {
        self.join_type
    }

    /// The distance, over the columns of both sides.
    pub(super) fn distance(&self) -> Expr {
        Expr::ScalarFunction(self.distance.clone())
    }

    pub(super) fn metric(&self) -> Result<Metric> {
        match metric_of(&self.distance.func) {
            Some(metric) => Ok(metric),
            None => internal_err!("a kNN join by {}", self.distance.name()),
        }
    }

    /// The expressions of the distance over the left and over the right.
    pub(super) fn sides(&self) -> Result<(&Expr, &Expr)> {
        match (self.distance.args.as_slice(), self.query_first) {
            ([query, vector], true) | ([vector, query], false) => Ok((query, vector)),
            (other, _) => internal_err!("a distance of {} arguments", other.len()),
        }
    }

    /// The same join with another left side, of the same columns.
    pub(super) fn with_left(&self, left: LogicalPlan) -> Self {
        Self {
            left: Arc::new(left),
            ..self.clone()
        }
    }

    /// The distance as plans show it, the right first.
    pub(super) fn label(&self) -> Result<String> {
        let (query, vector) = self.sides()?;
        Ok(format!("{}({vector}, {query})", self.metric()?))
    }

    fn identity(&self) -> impl Hash + PartialEq + '_ {
        (
            &self.left,
            &self.right,
            &self.distance,
            self.query_first,
            self.k,
            (self.order.descending, self.order.nulls_first),
            self.join_type,
        )
    }
}

impl PartialEq for KnnJoinNode {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl Eq for KnnJoinNode {}

impl PartialOrd for KnnJoinNode {
    /// Joins have no order of their own.
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        (self == other).then_some(Ordering::Equal)
    }
}

impl Hash for KnnJoinNode {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.identity().hash(state);
    }
}

impl UserDefinedLogicalNodeCore for KnnJoinNode {
    fn name(&self) -> &str {
        "KnnJoin"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.left, &self.right]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        vec![self.distance()]
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let words = describe(self.order, self.join_type);
        let label = self.label().map_err(|_| fmt::Error)?;
        write!(f, "KnnJoin: {label}, k={}, {words}", self.k)
    }

    fn with_exprs_and_inputs(&self, exprs: Vec<Expr>, inputs: Vec<LogicalPlan>) -> Result<Self> {
        let (Ok([distance]), Ok([left, right])) =
            (<[_; 1]>::try_from(exprs), <[_; 2]>::try_from(inputs))
        else {
            return internal_err!("a kNN join has two inputs and one distance");
        };
        // Rules that change an expression may give it its old name as an alias.
        let Expr::ScalarFunction(distance) = distance.unalias_nested().data else {
            return internal_err!("the distance of a kNN join became another expression");
        };
        Self::try_new(
            Arc::new(left),
            Arc::new(right),
            distance,
            self.query_first,
            self.k,
            self.order,
            self.join_type,
        )
    }

    fn necessary_children_exprs(&self, output_columns: &[usize]) -> Option<Vec<Vec<usize>>> {
        let (query, vector) = self.sides().ok()?;
        let first_of_right = self.left.schema().fields().len();
        let right_columns = self.right.schema().fields().len();
        let mut left = indices(query, self.left.schema())?;
        let mut right = indices(vector, self.right.schema())?;
        for &column in output_columns {
            match column.checked_sub(first_of_right) {
                None => left.push(column),
                Some(column) if column < right_columns => right.push(column),
                Some(_) => {}
            }
        }
        for side in [&mut left, &mut right] {
            side.sort_unstable();
            side.dedup();
        }
        Some(vec![left, right])
    }
}

/// The columns of an expression in a schema.
fn indices(expr: &Expr, schema: &DFSchema) -> Option<Vec<usize>> {
    expr.column_refs()
        .into_iter()
        .map(|column| schema.maybe_index_of_column(column))
        .collect()
}
