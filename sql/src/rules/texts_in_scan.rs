//! FTS5's `snippet` and `highlight`: put into the SELECT that a scan runs, as nothing else can compute them.
//!
//! ```text
//! ProjectionExec: fts_snippet(rank, 0, ..) AS snippet     =>   ProjectionExec: __text_2 AS snippet
//!   VaultScanExec: sql=[SELECT .. MATCH ?]                       VaultScanExec: sql=[SELECT .., snippet(t."docs", 0, ..) .. MATCH ?]
//! ```
//!
//! Runs before all other rules: they put operators between the two. Left alone, and an error when they run: calls that do not stand right
//! above the scan, and scans without a MATCH.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::projection::ProjectionExec;
use ogive_table_providers::VaultScanExec;

/// The rule.
#[derive(Debug, Default)]
pub struct TextsInScan;

impl PhysicalOptimizerRule for TextsInScan {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_down(|node| {
            let Some(projection) = node.downcast_ref::<ProjectionExec>() else {
                return Ok(Transformed::no(node));
            };
            let Some(scan) = projection.input().downcast_ref::<VaultScanExec>() else {
                return Ok(Transformed::no(node));
            };
            Ok(match scan.try_swapping_with_projection(projection)? {
                Some(computed) => Transformed::yes(computed),
                None => Transformed::no(node),
            })
        })
        .data()
    }

    fn name(&self) -> &str {
        "texts_in_scan"
    }

    fn schema_check(&self) -> bool {
        true
    }
}
