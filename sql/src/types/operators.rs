//! pgvector's operators: `<->` `<#>` `<=>` `<+>` `<~>` `<%>`, and `+ - * ||` and comparisons
//! between vectors; VectorChord's `<<->>` `<<#>>` `<<=>>` with `sphere(center, radius)`.
//!
//! Operators are chosen by the types of the operands; on anything but vectors they keep the
//! meaning that DataFusion gives them. A text, an array or a parameter beside a vector is read as
//! that type; a text beside a list of numbers is read as a `vector`.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::common::{DFSchema, Result, plan_err};
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{BinaryExpr, Expr, Operator, ScalarUDF, lit};
use datafusion::sql::sqlparser::ast::BinaryOperator;
use ogive_udfs::{SPHERE, SqlVectorType, field_of, scalar_functions, to_type_udf};

/// Plans the operators.
#[derive(Debug)]
pub struct VectorOperators {
    functions: Vec<Arc<ScalarUDF>>,
}

impl Default for VectorOperators {
    fn default() -> Self {
        Self {
            functions: scalar_functions(),
        }
    }
}

impl ExprPlanner for VectorOperators {
    fn plan_binary_op(
        &self,
        expr: RawBinaryExpr,
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawBinaryExpr>> {
        if let Some((distance, text)) = sphere_distance(&expr.op) {
            return self.plan_sphere(distance, text, expr, schema);
        }
        let Some(operator) = VectorOperator::of(&expr.op) else {
            return Ok(PlannerResult::Original(expr));
        };
        if !operator.is_distance() && is_plain(&expr.left) && is_plain(&expr.right) {
            return Ok(PlannerResult::Original(expr));
        }
        let left = Operand::of(&expr.left, schema);
        let right = Operand::of(&expr.right, schema);
        let function = operator.function();
        match operator {
            // Its other meaning: equal, NULL to NULL included.
            VectorOperator::CosineDistance if !left.takes_distance(&right) => {
                return Ok(PlannerResult::Planned(Expr::BinaryExpr(BinaryExpr::new(
                    Box::new(expr.left),
                    Operator::IsNotDistinctFrom,
                    Box::new(expr.right),
                ))));
            }
            _ if operator.is_distance() && !left.takes_distance(&right) => {
                return plan_err!(
                    "operator does not exist: {left} {} {right}; its operands are vectors, lists of numbers, bit strings or their texts",
                    operator.text()
                );
            }
            _ if !operator.is_distance() && left.kind.is_none() && right.kind.is_none() => {
                return Ok(PlannerResult::Original(expr));
            }
            _ => {}
        }
        let bits = operator.takes_bits();
        let kind = left.kind.or(right.kind);
        let kind = match kind {
            Some(kind) => kind,
            None if bits => SqlVectorType::Bit,
            None => SqlVectorType::Vector,
        };
        let arguments = vec![
            left.beside(expr.left, kind, &right),
            right.beside(expr.right, kind, &left),
        ];
        let Some(function) = self.functions.iter().find(|found| found.name() == function) else {
            return plan_err!("there is no function {function}");
        };
        let call = function.call(arguments);
        Ok(PlannerResult::Planned(match operator {
            VectorOperator::Compare(operator) => Expr::BinaryExpr(BinaryExpr::new(
                Box::new(call),
                operator,
                Box::new(lit(0_i32)),
            )),
            _ => call,
        }))
    }
}

impl VectorOperators {
    /// `v <<->> sphere(q, r)` as `v <-> q < r`.
    fn plan_sphere(
        &self,
        distance: &str,
        text: &str,
        expr: RawBinaryExpr,
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawBinaryExpr>> {
        let Expr::ScalarFunction(sphere) = expr.right else {
            return plan_err!("{text} takes sphere(center, radius) on its right");
        };
        let (SPHERE, Ok([center, radius])) =
            (sphere.func.name(), <[Expr; 2]>::try_from(sphere.args))
        else {
            return plan_err!("{text} takes sphere(center, radius) on its right");
        };
        let call = RawBinaryExpr {
            op: BinaryOperator::Custom(distance.to_string()),
            left: expr.left,
            right: center,
        };
        Ok(match self.plan_binary_op(call, schema)? {
            PlannerResult::Planned(call) => PlannerResult::Planned(call.lt(radius)),
            PlannerResult::Original(call) => {
                return plan_err!("{text} does not take {}", call.left);
            }
        })
    }
}

/// Whether an expression is of none of pgvector's types, as far as its outermost part tells. Its type would be worked out
/// from all of its parts, again for each operator of a long sum.
fn is_plain(expr: &Expr) -> bool {
    match expr {
        Expr::BinaryExpr(_) | Expr::Literal(_, None) => true,
        Expr::Cast(cast) => SqlVectorType::of(&cast.field).is_none(),
        _ => false,
    }
}

/// The distance of an operator that takes a sphere, and the operator.
fn sphere_distance(operator: &BinaryOperator) -> Option<(&'static str, &'static str)> {
    let BinaryOperator::Custom(text) = operator else {
        return None;
    };
    [("<->", "<<->>"), ("<#>", "<<#>>"), ("<=>", "<<=>>")]
        .into_iter()
        .find(|(_, sphere)| sphere == text)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum VectorOperator {
    L2Distance,
    NegativeInnerProduct,
    CosineDistance,
    L1Distance,
    HammingDistance,
    JaccardDistance,
    Add,
    Subtract,
    Multiply,
    Concat,
    Compare(Operator),
}

impl VectorOperator {
    fn of(operator: &BinaryOperator) -> Option<Self> {
        Some(match operator {
            BinaryOperator::LtDashGt => Self::L2Distance,
            BinaryOperator::Spaceship => Self::CosineDistance,
            BinaryOperator::Custom(text) => Self::of_text(text)?,
            BinaryOperator::PGCustomBinaryOperator(parts) => Self::of_text(parts.last()?)?,
            BinaryOperator::Plus => Self::Add,
            BinaryOperator::Minus => Self::Subtract,
            BinaryOperator::Multiply => Self::Multiply,
            BinaryOperator::StringConcat => Self::Concat,
            BinaryOperator::Eq => Self::Compare(Operator::Eq),
            BinaryOperator::NotEq => Self::Compare(Operator::NotEq),
            BinaryOperator::Lt => Self::Compare(Operator::Lt),
            BinaryOperator::LtEq => Self::Compare(Operator::LtEq),
            BinaryOperator::Gt => Self::Compare(Operator::Gt),
            BinaryOperator::GtEq => Self::Compare(Operator::GtEq),
            _ => return None,
        })
    }

    fn of_text(text: &str) -> Option<Self> {
        Some(match text {
            "<->" => Self::L2Distance,
            "<#>" => Self::NegativeInnerProduct,
            "<=>" => Self::CosineDistance,
            "<+>" => Self::L1Distance,
            "<~>" => Self::HammingDistance,
            "<%>" => Self::JaccardDistance,
            _ => return None,
        })
    }

    fn text(self) -> &'static str {
        match self {
            Self::L2Distance => "<->",
            Self::NegativeInnerProduct => "<#>",
            Self::CosineDistance => "<=>",
            Self::L1Distance => "<+>",
            Self::HammingDistance => "<~>",
            Self::JaccardDistance => "<%>",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Concat => "||",
            Self::Compare(_) => "comparison",
        }
    }

    fn function(self) -> &'static str {
        match self {
            Self::L2Distance => "l2_distance",
            Self::NegativeInnerProduct => "negative_inner_product",
            Self::CosineDistance => "cosine_distance",
            Self::L1Distance => "l1_distance",
            Self::HammingDistance => "hamming_distance",
            Self::JaccardDistance => "jaccard_distance",
            Self::Add => "vector_add",
            Self::Subtract => "vector_sub",
            Self::Multiply => "vector_mul",
            Self::Concat => "vector_concat",
            Self::Compare(_) => "vector_cmp",
        }
    }

    fn is_distance(self) -> bool {
        matches!(
            self,
            Self::L2Distance
                | Self::NegativeInnerProduct
                | Self::CosineDistance
                | Self::L1Distance
                | Self::HammingDistance
                | Self::JaccardDistance
        )
    }

    fn takes_bits(self) -> bool {
        matches!(self, Self::HammingDistance | Self::JaccardDistance)
    }
}

/// What is known of an operand while planning.
struct Operand {
    /// pgvector's type, where it has one.
    kind: Option<SqlVectorType>,
    /// `None` for a parameter.
    field: Option<FieldRef>,
}

impl Operand {
    fn of(expr: &Expr, schema: &DFSchema) -> Self {
        if matches!(expr, Expr::Placeholder(placeholder) if placeholder.field.is_none()) {
            return Self {
                kind: None,
                field: None,
            };
        }
        let field = field_of(expr, schema).ok();
        Self {
            kind: field.as_ref().and_then(|field| SqlVectorType::of(field)),
            field,
        }
    }

    fn is_list(&self) -> bool {
        self.field
            .as_ref()
            .is_some_and(|field| field.data_type().is_list())
    }

    fn is_text(&self) -> bool {
        self.field.as_ref().is_some_and(|field| {
            matches!(
                field.data_type(),
                DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8
            )
        })
    }

    fn is_null(&self) -> bool {
        self.field
            .as_ref()
            .is_some_and(|field| field.data_type().is_null())
    }

    fn is_vector(&self) -> bool {
        self.kind.is_some() || self.is_list()
    }

    /// Whether a distance operator between the two is one between vectors: one is, and the other
    /// may be.
    fn takes_distance(&self, other: &Self) -> bool {
        let may = |operand: &Self| {
            operand.is_vector() || operand.is_text() || operand.is_null() || operand.field.is_none()
        };
        (self.is_vector() && may(other)) || (other.is_vector() && may(self))
    }

    /// The operand's expression beside one of type `kind`.
    fn beside(&self, expr: Expr, kind: SqlVectorType, other: &Self) -> Expr {
        match expr {
            Expr::Placeholder(mut placeholder) if placeholder.field.is_none() => {
                placeholder.field = Some(match &other.field {
                    Some(field) if other.is_vector() => Arc::clone(field),
                    _ => Arc::new(kind.field("", None)),
                });
                Expr::Placeholder(placeholder)
            }
            expr if self.is_text() => to_type_udf(kind).call(vec![expr]),
            expr => expr,
        }
    }
}

impl std::fmt::Display for Operand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.kind, &self.field) {
            (Some(kind), _) => write!(f, "{}", kind.name()),
            (None, Some(field)) => write!(f, "{}", field.data_type()),
            (None, None) => write!(f, "unknown"),
        }
    }
}
