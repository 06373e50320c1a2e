//! `PREPARE`: plans kept as they were planned.
//!
//! DataFusion runs its optimizer over a plan that is prepared, without the analyzer's rules that come before it in any other statement:
//! a lateral join whose limit is a parameter is taken apart without them, and `IN` becomes a join that knows no NULL. Here the plan is
//! kept in a node that the optimizer does not see into, and comes out of it with its parameters when it is executed.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use datafusion::common::metadata::ScalarAndMetadata;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchemaRef, ParamValues, Result};
use datafusion::dataframe::DataFrame;
use datafusion::logical_expr::{
    Expr, Extension, LogicalPlan, Prepare, Statement, UserDefinedLogicalNodeCore,
};

/// A prepared plan, and the parameters in it.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Kept {
    plan: LogicalPlan,
    parameters: Vec<Expr>,
}

impl PartialOrd for Kept {
    fn partial_cmp(&self, _other: &Self) -> Option<Ordering> {
        None
    }
}

/// A `PREPARE` with its plan kept as it is; other plans stay as they are.
///
/// # Errors
/// DataFusion's, of a visit of the plan.
pub(crate) fn keep(plan: LogicalPlan) -> Result<LogicalPlan> {
    let LogicalPlan::Statement(Statement::Prepare(prepare)) = plan else {
        return Ok(plan);
    };
    let mut parameters = Vec::new();
    prepare.input.apply_with_subqueries(|node| {
        node.apply_expressions(|expr| {
            expr.apply(|part| {
                if matches!(part, Expr::Placeholder(_)) && !parameters.contains(part) {
                    parameters.push(part.clone());
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    let node = Arc::new(Kept {
        plan: Arc::unwrap_or_clone(prepare.input),
        parameters,
    });
    let input = Arc::new(LogicalPlan::Extension(Extension { node }));
    Ok(LogicalPlan::Statement(Statement::Prepare(Prepare {
        input,
        ..prepare
    })))
}

/// What an `EXECUTE` came to, with the plan itself in place of the node that it was kept in.
pub(crate) fn release(frame: DataFrame) -> DataFrame {
    let (state, plan) = frame.into_parts();
    let plan = match &plan {
        LogicalPlan::Extension(extension) => match extension.node.as_any().downcast_ref::<Kept>() {
            Some(kept) => kept.plan.clone(),
            None => plan,
        },
        _ => plan,
    };
    DataFrame::new(state, plan)
}

impl UserDefinedLogicalNodeCore for Kept {
    fn name(&self) -> &str {
        "Prepared"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        Vec::new()
    }

    fn schema(&self) -> &DFSchemaRef {
        self.plan.schema()
    }

    fn expressions(&self) -> Vec<Expr> {
        self.parameters.clone()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Prepared")
    }

    /// Values in place of parameters go into the plan.
    fn with_exprs_and_inputs(&self, exprs: Vec<Expr>, _inputs: Vec<LogicalPlan>) -> Result<Self> {
        let mut values = HashMap::new();
        for (parameter, expr) in self.parameters.iter().zip(&exprs) {
            // Under the parameter's name.
            let value = expr.clone().unalias_nested().data;
            if let (Expr::Placeholder(placeholder), Expr::Literal(value, metadata)) =
                (parameter, value)
            {
                let name = placeholder.id.trim_start_matches('$').to_string();
                values.insert(name, ScalarAndMetadata::new(value, metadata));
            }
        }
        let plan = self.plan.clone();
        let plan = match values.is_empty() {
            true => plan,
            false => plan.replace_params_with_values(&ParamValues::Map(values))?,
        };
        Ok(Self {
            plan,
            parameters: exprs,
        })
    }
}
