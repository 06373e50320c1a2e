//! What is asked of a scan: the rows that come first by a distance, or those within one.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::Schema;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion_common::{Result, ScalarValue};
use datafusion_expr::ColumnarValue;
use datafusion_physical_expr::PhysicalExpr;
use ogive_kernels::{InstructionSet, Metric, Order, Precision, Query, SharedThreshold};
use ogive_udfs::constant_vector;
use parking_lot::Mutex;

use crate::scan::access::Access;
use crate::scan::shared_rows::SharedRows;

/// Bytes scanned between two points at which other work of the process may run. Not fewer: a yield asks the whole runtime for
/// such work and wakes a thread that has none.
pub(crate) const BYTES_BETWEEN_YIELDS: usize = 16 * 1024 * 1024;

/// The `k` rows that come first by a distance.
#[derive(Debug, Clone)]
pub struct TopKRequest {
    /// The distance.
    pub metric: Metric,
    /// How precise distances are.
    pub precision: Precision,
    /// The instructions that distances are computed with.
    pub instructions: InstructionSet,
    /// The vector column, as an index into the file schema.
    pub column: usize,
    /// Its name, for `EXPLAIN`.
    pub column_name: String,
    /// The query vector: no columns, evaluated once when the scan starts.
    pub query: Arc<dyn PhysicalExpr>,
    /// How many rows.
    pub k: usize,
    /// Ascending or descending, and where NULL goes.
    pub order: Order,
    /// Further sort keys follow: every row as far as the `k`-th must be returned.
    pub ties: bool,
    /// Which way the search goes.
    pub access: Access,
    shared: Arc<Mutex<Execution>>,
}

/// What the partitions of one execution share.
#[derive(Debug, Default)]
struct Execution {
    opened: Vec<usize>,
    threshold: Arc<SharedThreshold>,
    rows: Arc<SharedRows>,
}

impl TopKRequest {
    /// A request; `query` has no columns.
    #[expect(clippy::too_many_arguments, reason = "each is a part of the request")]
    pub fn new(
        metric: Metric,
        precision: Precision,
        column: usize,
        column_name: String,
        query: Arc<dyn PhysicalExpr>,
        k: usize,
        order: Order,
        ties: bool,
    ) -> Self {
        Self {
            metric,
            precision,
            instructions: ogive_kernels::active_instruction_set(),
            column,
            column_name,
            query,
            k,
            order,
            ties,
            access: Access::Exact,
            shared: Arc::default(),
        }
    }

    /// The same request, answered by other instructions.
    pub fn with_instructions(mut self, instructions: InstructionSet) -> Self {
        self.instructions = instructions;
        self
    }

    /// The search of one partition. Partitions of one execution share a threshold and look at rows
    /// for each other; a plan that is run again starts afresh.
    pub fn open(&self, partition: usize) -> Search {
        let mut execution = self.shared.lock();
        if execution.opened.contains(&partition) {
            *execution = Execution::default();
        }
        execution.opened.push(partition);
        Search {
            request: self.clone(),
            threshold: Arc::clone(&execution.threshold),
            rows: Arc::clone(&execution.rows),
        }
    }
}

impl TopKRequest {
    /// The query vector for vectors of `dimension`; `None` when there is nothing to search with:
    /// it is NULL or of another dimension, which the distance function deals with.
    pub fn query_of(&self, dimension: usize) -> Result<Option<Query>> {
        let one_row = RecordBatch::try_new_with_options(
            Arc::new(Schema::empty()),
            vec![],
            &RecordBatchOptions::new().with_row_count(Some(1)),
        )?;
        let value = match self.query.evaluate(&one_row)? {
            ColumnarValue::Scalar(value) => value,
            ColumnarValue::Array(array) => ScalarValue::try_from_array(&array, 0)?,
        };
        let vector = constant_vector(&value)?;
        Ok(vector
            .filter(|vector| vector.len() == dimension)
            .map(|vector| {
                Query::new(self.metric, &vector)
                    .with_precision(self.precision)
                    .with_instruction_set(self.instructions)
            }))
    }
}

impl fmt::Display for TopKRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TopKRequest {
            metric,
            column_name,
            k,
            order,
            ..
        } = self;
        write!(f, "[{}({column_name}), k={k}", metric.short_name())?;
        if order.descending {
            write!(f, ", desc")?;
        }
        write!(f, ", access={}]", self.access)
    }
}

/// A request under way in one partition.
#[derive(Debug, Clone)]
pub struct Search {
    pub(super) request: TopKRequest,
    pub(super) threshold: Arc<SharedThreshold>,
    pub(super) rows: Arc<SharedRows>,
}

impl Search {
    /// [`TopKRequest::query_of`].
    pub fn query(&self, dimension: usize) -> Result<Option<Query>> {
        self.request.query_of(dimension)
    }

    /// What is searched for.
    pub fn request(&self) -> &TopKRequest {
        &self.request
    }

    /// What the partitions of the execution tell each other.
    pub fn threshold(&self) -> &SharedThreshold {
        &self.threshold
    }

    /// What the partitions of the execution have left to search.
    pub(crate) fn rows(&self) -> &Arc<SharedRows> {
        &self.rows
    }
}

/// `WHERE <distance> < limit`: only rows whose distance comes before a limit are wanted.
#[derive(Debug, Clone)]
pub struct RangeRequest {
    /// The distance, and the order in which the limit comes last.
    pub request: TopKRequest,
    /// The last distance wanted.
    pub limit: f64,
}

impl fmt::Display for RangeRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let request = &self.request;
        let sign = if request.order.descending { ">" } else { "<" };
        write!(
            f,
            "[{}({}) {sign} {}",
            request.metric.short_name(),
            request.column_name,
            self.limit
        )?;
        if request.access != Access::Exact {
            write!(f, ", access={}", request.access)?;
        }
        write!(f, "]")
    }
}

/// Whether a column's values are lists that [`rows_of`](ogive_udfs::rows_of) understands.
pub fn is_searchable(data_type: &arrow::datatypes::DataType) -> bool {
    use arrow::datatypes::DataType::{FixedSizeList, Float16, Float32, Float64, Int8, UInt8};
    matches!(data_type, FixedSizeList(element, _)
        if matches!(element.data_type(), Float16 | Float32 | Float64 | Int8 | UInt8))
}
