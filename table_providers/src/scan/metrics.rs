//! What `EXPLAIN ANALYZE` shows of a scan.

use datafusion_physical_plan::metrics::{
    Count, ExecutionPlanMetricsSet, MetricBuilder, MetricType,
};

use crate::scan::bytes::ReadCost;

/// Counters of one partition.
#[derive(Debug, Clone)]
pub struct ScanMetrics {
    /// Rows whose values were looked at, as codes or decoded.
    pub rows_scanned: Count,
    /// Rows turned into Arrow values.
    pub rows_decoded: Count,
    /// Chunks of which no row was read.
    pub chunks_pruned: Count,
    /// Chunks left out or filled because they are damaged.
    pub chunks_damaged: Count,
    /// Rows of those chunks.
    pub rows_damaged: Count,
    /// Bytes asked of files.
    pub bytes_read: Count,
    /// Requests made of object stores.
    pub requests: Count,
}

impl ScanMetrics {
    /// Registers the counters of a partition.
    pub fn new(set: &ExecutionPlanMetricsSet, partition: usize) -> Self {
        let counter = |name: &'static str| {
            MetricBuilder::new(set)
                .with_type(MetricType::Summary)
                .counter(name, partition)
        };
        Self {
            rows_scanned: counter("rows_scanned"),
            rows_decoded: counter("rows_decoded"),
            chunks_pruned: counter("chunks_pruned"),
            chunks_damaged: counter("chunks_damaged"),
            rows_damaged: counter("rows_damaged"),
            bytes_read: counter("bytes_read"),
            requests: counter("requests"),
        }
    }

    /// Adds what a read cost.
    pub fn add(&self, cost: ReadCost) {
        self.bytes_read
            .add(usize::try_from(cost.bytes).unwrap_or(usize::MAX));
        self.requests
            .add(usize::try_from(cost.requests).unwrap_or(usize::MAX));
    }
}
