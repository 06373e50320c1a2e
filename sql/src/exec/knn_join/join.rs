//! What a kNN join joins by, and the counts that it reports.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::common::{JoinType, Result};
use datafusion::physical_plan::PhysicalExpr;
use datafusion::physical_plan::metrics::Count;
use ogive_kernels::{Metric, Order, Precision};
use ogive_udfs::precision_of;

/// What a kNN join joins by.
#[derive(Debug, Clone)]
pub(crate) struct KnnJoin {
    /// How plans show the distance: `l2(d.v, q.v)` is of a column `d.v` of the right and `q.v` of the left.
    pub label: String,
    pub metric: Metric,
    /// Over the left: the query vector.
    pub query: Arc<dyn PhysicalExpr>,
    /// Over the right.
    pub vector: Arc<dyn PhysicalExpr>,
    /// The distance as written, over the columns of both: for its errors, and for rows that the kernels do not take.
    pub distance: Arc<dyn PhysicalExpr>,
    pub distance_name: String,
    pub k: usize,
    pub order: Order,
    pub join_type: JoinType,
}

impl KnnJoin {
    /// How precise distances are, which the types of both sides decide.
    pub(super) fn precision(&self, left: &Schema, right: &Schema) -> Result<Precision> {
        let query = self.query.return_field(left)?;
        let vector = self.vector.return_field(right)?;
        Ok(precision_of(&[query, vector]))
    }

    /// Columns of the left, of the right and the distance.
    pub(super) fn schema(&self, left: &Schema, right: &Schema) -> Schema {
        let mut fields: Vec<_> = left.fields().iter().map(Arc::clone).collect();
        fields.extend(right.fields().iter().map(|field| match self.join_type {
            JoinType::Left => Arc::new(field.as_ref().clone().with_nullable(true)),
            _ => Arc::clone(field),
        }));
        let distance = Field::new(&self.distance_name, DataType::Float64, true);
        fields.push(Arc::new(distance));
        Schema::new(fields)
    }
}

/// The counts that an execution reports.
#[derive(Debug, Clone)]
pub(super) struct Counts {
    pub(super) blocks: Count,
    pub(super) rows_scanned: Count,
    pub(super) pairs_scanned: Count,
    pub(super) pairs_answered: Count,
}

/// The words after `k` in plans.
pub(crate) fn describe(order: Order, join_type: JoinType) -> String {
    let mut text = format!("type={}", join_type.to_string().to_lowercase());
    if order.descending {
        text.push_str(", desc");
    }
    // NULLs come last in an ascending order and first in a descending one unless said otherwise.
    match (order.descending, order.nulls_first) {
        (false, true) => text.push_str(", nulls first"),
        (true, false) => text.push_str(", nulls last"),
        _ => {}
    }
    text
}
