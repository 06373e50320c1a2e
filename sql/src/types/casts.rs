//! Casts to and from pgvector's types, and texts given for their values.
//!
//! DataFusion has no hook for casts: Arrow would cast `'[1,2,3]'` to a list of one element. Before
//! any other rule looks at an expression,
//!
//! ```text
//! CAST(x AS vector(3))              =>  to_vector(x, 3)
//! CAST(x AS bit(3))                 =>  to_bit(x, 3, true)           cut or filled: the cast is explicit
//! CAST(v AS text)                   =>  vector_to_text(v)            v of one of the types
//! CAST('{1,2}' AS real[])           =>  text_to_array('{1,2}', 'Float32')
//! CAST('{"[1,2]"}' AS vector[])     =>  text_to_array('{"[1,2]"}', 'vector')
//! l2_distance(v, '[1,2,3]')         =>  l2_distance(v, to_vector('[1,2,3]'))
//! l2_distance(v, h)                 =>  l2_distance(to_halfvec(v), h)
//! v IN ('[1,2]', '[3,4]')           =>  vector_cmp(v, to_vector('[1,2]')) = 0 OR ..
//! v BETWEEN '[1,2]' AND '[3,4]'     =>  vector_cmp(v, to_vector('[1,2]')) >= 0 AND ..
//! v IS DISTINCT FROM '[1,2]'        =>  (v IS NULL) <> (.. IS NULL) OR (vector_cmp(v, ..) <> 0) IS TRUE
//! CASE .. THEN v ELSE '[1,2]' END   =>  to_vector(CASE .. THEN to_vector(v) ELSE to_vector('[1,2]') END)
//! l2_distance(v, [0.1, ..])         =>  (l2_distance to [0.1, ..])(v)   a long constant; see `bound_distances`
//! greatest(v, '[1,2]')              =>  to_vector(greatest(to_vector(v), to_vector('[1,2]')))    which gives a list
//! ```
//!
//! so that constants are folded and checked while planning.

use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, DataFusionError, Result, ScalarValue};
use datafusion::functions_nested::concat::array_concat_udf;
use datafusion::functions_nested::make_array::make_array_udf;
use datafusion::logical_expr::expr::{Between, Case, InList, ScalarFunction};
use datafusion::logical_expr::utils::disjunction;
use datafusion::logical_expr::{BinaryExpr, Cast, Expr, Operator, lit, not};
use ogive_udfs::{
    SqlVectorType, check_comparison, compare_udf, field_of, text_to_array_udf, text_type_of,
    to_text_udf, to_type_udf,
};

use ogive_vectors::{VectorError, array_not_one_dimensional, parse_array};

use crate::settings::is_enabled;
use crate::types::bound_distances::bind;
use crate::types::constant_arrays::as_array_of;

/// The rewrite of one expression whose parts have been rewritten. `schema` has the columns that it may name.
pub(crate) fn cast_vectors(
    expr: Expr,
    schema: &DFSchema,
    config: &ConfigOptions,
) -> Result<Transformed<Expr>> {
    match expr {
        Expr::Cast(cast) => {
            if let Some(kind) = SqlVectorType::of(&cast.field) {
                let length = kind.length_of(&cast.field);
                return Ok(Transformed::yes(explicitly(kind, length, *cast.expr)));
            }
            let target = cast.field.data_type();
            if target.is_string() && kind_of(&cast.expr, schema).is_some() {
                return Ok(Transformed::yes(to_text_udf().call(vec![*cast.expr])));
            }
            if let DataType::List(element) = target
                && let Some(kind) = SqlVectorType::of(element)
                && is_text(&cast.expr, schema)
            {
                if let Expr::Literal(value, _) = cast.expr.as_ref()
                    && let Some(Some(text)) = value.try_as_str()
                {
                    return Ok(Transformed::yes(array_of_text(
                        kind,
                        kind.length_of(element),
                        text,
                    )?));
                }
                let mut arguments = vec![*cast.expr, lit(kind.name())];
                let length = kind.length_of(element);
                arguments.extend(
                    length
                        .and_then(|length| i64::try_from(length).ok())
                        .map(lit),
                );
                return Ok(Transformed::yes(text_to_array_udf().call(arguments)));
            }
            if let DataType::List(element) = target
                && element.data_type().is_numeric()
                && is_text(&cast.expr, schema)
            {
                let element = lit(element.data_type().to_string());
                let array = text_to_array_udf().call(vec![*cast.expr, element]);
                return Ok(Transformed::yes(array));
            }
            Ok(Transformed::no(Expr::Cast(cast)))
        }
        Expr::ScalarFunction(call) => match text_type_of(&call.func) {
            Some(kind) => {
                let distance = as_one_type(kind, call, schema);
                match is_enabled(config) {
                    true => bind(distance, schema),
                    false => Ok(distance),
                }
            }
            None => Ok(keep_mark(call, schema)),
        },
        Expr::BinaryExpr(mut binary) => {
            if binary.op.supports_propagation()
                && of_one_list_type([binary.left.as_mut(), binary.right.as_mut()], schema)
            {
                return Ok(Transformed::yes(Expr::BinaryExpr(binary)));
            }
            if matches!(
                binary.op,
                Operator::IsDistinctFrom | Operator::IsNotDistinctFrom
            ) {
                return distinct(binary, schema);
            }
            check_operands(&binary, schema)?;
            Ok(Transformed::no(Expr::BinaryExpr(binary)))
        }
        Expr::InList(mut list) => {
            let sides = std::iter::once(list.expr.as_mut()).chain(&mut list.list);
            match of_one_list_type(sides, schema) {
                true => Ok(Transformed::yes(Expr::InList(list))),
                false => in_list(list, schema),
            }
        }
        Expr::Between(mut between) => {
            let Between {
                expr, low, high, ..
            } = &mut between;
            let sides = [expr.as_mut(), low.as_mut(), high.as_mut()];
            match of_one_list_type(sides, schema) {
                true => Ok(Transformed::yes(Expr::Between(between))),
                false => in_range(between, schema),
            }
        }
        Expr::Case(case) => Ok(results_of_one_type(case, schema)),
        other => Ok(Transformed::no(other)),
    }
}

/// The array that a text written out stands for. As a call of its function it would lose the mark of its elements when it is folded.
fn array_of_text(kind: SqlVectorType, length: Option<usize>, text: &str) -> Result<Expr> {
    let external = |error: VectorError| DataFusionError::External(Box::new(error));
    let elements = parse_array(text).map_err(external)?;
    let Some(elements) = elements else {
        return Err(external(array_not_one_dimensional()));
    };
    let elements = elements
        .into_iter()
        .map(|element| to_type(kind, length, lit(ScalarValue::Utf8(element))))
        .collect();
    Ok(as_array_of(kind, make_array_udf().call(elements)))
}

/// `to_vector(expr, length)` and so on.
pub fn to_type(kind: SqlVectorType, length: Option<usize>, expr: Expr) -> Expr {
    let mut arguments = vec![expr];
    arguments.extend(
        length
            .and_then(|length| i64::try_from(length).ok())
            .map(lit),
    );
    to_type_udf(kind).call(arguments)
}

/// As [`to_type`], for a cast that somebody wrote.
fn explicitly(kind: SqlVectorType, length: Option<usize>, expr: Expr) -> Expr {
    match (kind, length.and_then(|length| i64::try_from(length).ok())) {
        (SqlVectorType::Bit, Some(length)) => {
            to_type_udf(kind).call(vec![expr, lit(length), lit(true)])
        }
        _ => to_type(kind, length, expr),
    }
}

fn kind_of(expr: &Expr, schema: &DFSchema) -> Option<SqlVectorType> {
    let field = field_of(expr, schema).ok()?;
    SqlVectorType::of(&field)
}

fn is_text(expr: &Expr, schema: &DFSchema) -> bool {
    field_of(expr, schema).is_ok_and(|field| field.data_type().is_string())
}

/// A text as a value of `kind`; others as they are.
fn read_text(kind: SqlVectorType, expr: Expr, schema: &DFSchema) -> Expr {
    match is_text(&expr, schema) {
        true => to_type(kind, None, expr),
        false => expr,
    }
}

/// A distance's arguments as values of one type: texts as the type beside them, or `kind`, and others as pgvector casts
/// them implicitly.
fn as_one_type(kind: SqlVectorType, call: ScalarFunction, schema: &DFSchema) -> Transformed<Expr> {
    let kinds: Vec<Option<SqlVectorType>> =
        call.args.iter().map(|arg| kind_of(arg, schema)).collect();
    let common = kinds.iter().flatten().copied().reduce(|common, other| {
        match common.casts_implicitly_to(other) {
            true => other,
            false => common,
        }
    });
    // The function's own type, where its name tells one.
    let kind = match common {
        Some(common) if !common.casts_implicitly_to(kind) => common,
        _ => kind,
    };
    let casts = |arg: &Expr, found: &Option<SqlVectorType>| match found {
        Some(found) => found.casts_implicitly_to(kind),
        None => is_text(arg, schema),
    };
    if !call
        .args
        .iter()
        .zip(&kinds)
        .any(|(arg, found)| casts(arg, found))
    {
        return Transformed::no(Expr::ScalarFunction(call));
    }
    let args = call
        .args
        .into_iter()
        .zip(&kinds)
        .map(|(arg, found)| match casts(&arg, found) {
            true => to_type(kind, None, arg),
            false => arg,
        })
        .collect();
    Transformed::yes(Expr::ScalarFunction(ScalarFunction::new_udf(
        call.func, args,
    )))
}

/// `coalesce`, `nullif`, `greatest` and `least`, which DataFusion answers with plain lists, and texts among their arguments.
/// `greatest` and `least` not of sparse vectors: it would compare their dimensions first.
fn keep_mark(call: ScalarFunction, schema: &DFSchema) -> Transformed<Expr> {
    let of_sparse = match call.func.name() {
        "coalesce" | "nullif" => true,
        "greatest" | "least" => false,
        _ => return Transformed::no(Expr::ScalarFunction(call)),
    };
    let Some(OneKind { kind, alike }) = one_kind(call.args.iter(), schema) else {
        return Transformed::no(Expr::ScalarFunction(call));
    };
    let mut call = call;
    if !alike {
        call.args = call
            .args
            .into_iter()
            .map(|arg| to_type(kind, None, arg))
            .collect();
    }
    let call = Expr::ScalarFunction(call);
    match of_sparse || kind != SqlVectorType::Sparsevec {
        true => Transformed::yes(to_type(kind, None, call)),
        false => Transformed::no(call),
    }
}

/// What expressions of one of pgvector's types have in common.
struct OneKind {
    kind: SqlVectorType,
    /// Whether all are stored alike, NULLs aside.
    alike: bool,
}

/// `None` when there is none of pgvector's types among the expressions, or something beside it that is no text or NULL.
fn one_kind<'e>(exprs: impl Iterator<Item = &'e Expr>, schema: &DFSchema) -> Option<OneKind> {
    let fields: Vec<FieldRef> = exprs
        .map(|expr| field_of(expr, schema).ok())
        .collect::<Option<Vec<_>>>()?
        .into_iter()
        .filter(|field| !field.data_type().is_null())
        .collect();
    let kind = fields.iter().find_map(|field| SqlVectorType::of(field))?;
    for field in &fields {
        match SqlVectorType::of(field) {
            Some(found) if found == kind => {}
            None if field.data_type().is_string() => {}
            _ => return None,
        }
    }
    let alike = fields
        .windows(2)
        .all(|pair| matches!(pair, [one, other] if one.data_type() == other.data_type()));
    Some(OneKind { kind, alike })
}

/// Makes lists without a mark that are compared lists of no fixed size, where their types differ: DataFusion would cast a list to
/// a size that it may not have.
fn of_one_list_type<'e>(sides: impl IntoIterator<Item = &'e mut Expr>, schema: &DFSchema) -> bool {
    let mut lists = Vec::new();
    for side in sides {
        let Ok(field) = field_of(side, schema) else {
            return false;
        };
        match field.data_type() {
            _ if SqlVectorType::of(&field).is_some() => return false,
            DataType::Null => {}
            list if list.is_list() => lists.push((side, list.clone())),
            _ => return false,
        }
    }
    let alike = lists.windows(2).all(|pair| match pair {
        [(_, one), (_, other)] => one == other,
        _ => true,
    });
    let mut changed = false;
    for (side, list) in lists {
        if let (false, DataType::FixedSizeList(element, _)) = (alike, list) {
            let list = std::mem::replace(side, lit(false));
            let list = Expr::Cast(Cast::new(Box::new(list), DataType::List(element)));
            // Below a call: a bare cast of a column is compared with statistics, which lists have none of.
            *side = array_concat_udf().call(vec![list]);
            changed = true;
        }
    }
    changed
}

/// `vector_cmp(left, right) <operator> 0`, checked.
fn comparison(left: Expr, operator: Operator, right: Expr, schema: &DFSchema) -> Result<Expr> {
    let compared = BinaryExpr::new(
        Box::new(compare_udf().call(vec![left, right])),
        operator,
        Box::new(lit(0_i32)),
    );
    check_operands(&compared, schema)?;
    Ok(Expr::BinaryExpr(compared))
}

/// Checks the operands that a comparison was written with.
fn check_operands(binary: &BinaryExpr, schema: &DFSchema) -> Result<()> {
    let Expr::ScalarFunction(call) = binary.left.as_ref() else {
        return Ok(());
    };
    if call.func.name() != "vector_cmp" || *binary.right != lit(0_i32) {
        return Ok(());
    }
    let [left, right] = call.args.as_slice() else {
        return Ok(());
    };
    let text = match binary.op {
        Operator::NotEq => "<>".to_owned(),
        operator => operator.to_string(),
    };
    check_comparison(
        &text,
        &[field_of(left, schema)?, field_of(right, schema)?],
        &[literal(left), literal(right)],
    )
}

/// `IS DISTINCT FROM` between a value of one of the types and one that is stored otherwise, a text for example:
///
/// ```text
/// v IS DISTINCT FROM '[1,2]'   =>   (v IS NULL) <> ('[1,2]' IS NULL) OR (v <> '[1,2]') IS TRUE
/// ```
fn distinct(binary: BinaryExpr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let sides = [binary.left.as_ref(), binary.right.as_ref()];
    let kind = match one_kind(sides.into_iter(), schema) {
        Some(found) if !found.alike => found.kind,
        _ => return Ok(Transformed::no(Expr::BinaryExpr(binary))),
    };
    let left = read_text(kind, *binary.left, schema);
    let right = read_text(kind, *binary.right, schema);
    let one_is_null = left.clone().is_null().not_eq(right.clone().is_null());
    let differ = comparison(left, Operator::NotEq, right, schema)?;
    let distinct = one_is_null.or(differ.is_true());
    Ok(Transformed::yes(match binary.op {
        Operator::IsDistinctFrom => distinct,
        _ => not(distinct),
    }))
}

fn literal(expr: &Expr) -> Option<&ScalarValue> {
    match expr {
        Expr::Literal(value, _) => Some(value),
        _ => None,
    }
}

fn in_list(list: InList, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let Some(kind) = kind_of(&list.expr, schema) else {
        return Ok(Transformed::no(Expr::InList(list)));
    };
    let equal = list
        .list
        .into_iter()
        .map(|item| {
            let item = read_text(kind, item, schema);
            comparison(list.expr.as_ref().clone(), Operator::Eq, item, schema)
        })
        .collect::<Result<Vec<_>>>()?;
    let any = disjunction(equal).unwrap_or_else(|| lit(false));
    Ok(Transformed::yes(match list.negated {
        true => not(any),
        false => any,
    }))
}

fn in_range(between: Between, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let Some(kind) = kind_of(&between.expr, schema) else {
        return Ok(Transformed::no(Expr::Between(between)));
    };
    let low = read_text(kind, *between.low, schema);
    let high = read_text(kind, *between.high, schema);
    let value = between.expr.as_ref().clone();
    let above = comparison(value, Operator::GtEq, low, schema)?;
    let below = comparison(*between.expr, Operator::LtEq, high, schema)?;
    let inside = above.and(below);
    Ok(Transformed::yes(match between.negated {
        true => not(inside),
        false => inside,
    }))
}

/// Results of one type, without a length where theirs differ. The whole is cast too: DataFusion drops its mark.
fn results_of_one_type(mut case: Case, schema: &DFSchema) -> Transformed<Expr> {
    let thens = case.when_then_expr.iter().map(|(_, then)| then);
    let results = thens.chain(&case.else_expr).map(AsRef::as_ref);
    let Some(OneKind { kind, alike }) = one_kind(results, schema) else {
        return Transformed::no(Expr::Case(case));
    };
    if !alike {
        for (_, then) in &mut case.when_then_expr {
            **then = to_type(kind, None, then.as_ref().clone());
        }
        if let Some(otherwise) = &mut case.else_expr {
            **otherwise = to_type(kind, None, otherwise.as_ref().clone());
        }
    }
    Transformed::yes(to_type(kind, None, Expr::Case(case)))
}
