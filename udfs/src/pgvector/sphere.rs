//! `sphere(center, radius)`: what VectorChord's range operators take on their right.

use std::sync::Arc;

use datafusion_common::plan_err;
use datafusion_expr::ScalarUDF;

use super::row_function::{RowFunction, no_such};

/// The name of the function.
pub const SPHERE: &str = "sphere";

pub(super) fn udfs() -> Vec<Arc<ScalarUDF>> {
    vec![RowFunction::udf(
        SPHERE,
        &[],
        (
            "sphere(center, radius)",
            "Everything nearer to the center than the radius: stands on the right of `<<->>`, `<<#>>` and `<<=>>`.",
        ),
        2..=2,
        false,
        |_, _| plan_err!("sphere(center, radius) stands on the right of <<->>, <<#>> or <<=>>"),
        |values, _| Err(no_such(SPHERE, values)),
    )]
}
