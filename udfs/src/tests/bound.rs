//! Distances that hold their constant, beside the same calls with two arguments.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion_common::{DFSchema, ScalarValue};
use datafusion_expr::expr::ScalarFunction;
use datafusion_expr::{ColumnarValue, Expr, ExprSchemable, ScalarFunctionArgs, ScalarUDF, col};

use super::{ELEMENTS, Random, distance_functions};
use crate::{SqlVectorType, bind_constant, bound_constant, metric_of, text_type_of, unbound};

const DIMENSION: usize = 20;

fn list_of(values: &[f64], element: &DataType) -> ScalarValue {
    let values: Vec<ScalarValue> = values
        .iter()
        .map(|value| ScalarValue::from(*value).cast_to(element).unwrap())
        .collect();
    ScalarValue::List(ScalarValue::new_list_nullable(&values, element))
}

fn numbers(random: &mut Random, count: usize) -> Vec<f64> {
    (0..count).map(|_| (random.next() % 7) as f64).collect()
}

fn field(data_type: DataType) -> FieldRef {
    Arc::new(Field::new("v", data_type, true))
}

fn call(udf: &Arc<ScalarUDF>, first: bool, constant: &ScalarValue) -> ScalarFunction {
    let constant = Expr::Literal(constant.clone(), None);
    let args = match first {
        true => vec![constant, col("v")],
        false => vec![col("v"), constant],
    };
    ScalarFunction::new_udf(Arc::clone(udf), args)
}

fn bound(udf: &Arc<ScalarUDF>, first: bool, constant: &ScalarValue) -> Option<ScalarFunction> {
    let index = usize::from(!first);
    let field = field(constant.data_type());
    bind_constant(&call(udf, first, constant), index, constant, &field).unwrap()
}

fn invoke(
    call: &ScalarFunction,
    args: Vec<ColumnarValue>,
    arg_fields: Vec<FieldRef>,
    rows: usize,
) -> Result<Vec<Option<f64>>, String> {
    let answer = call.func.invoke_with_args(ScalarFunctionArgs {
        args,
        arg_fields,
        number_rows: rows,
        return_field: field(DataType::Float64),
        config_options: Arc::default(),
    });
    let answer = answer.map_err(|error| error.to_string())?;
    let answer = answer.into_array(rows).unwrap();
    let answer = arrow::array::cast::as_primitive_array::<arrow::datatypes::Float64Type>(&answer);
    Ok(answer.iter().collect())
}

#[test]
fn answers_are_those_of_two_arguments() {
    let mut random = Random(20);
    for udf in distance_functions() {
        for (element, stored) in ELEMENTS.iter().zip(ELEMENTS.iter().rev()) {
            // The last constant has another dimension: both fail alike.
            for (first, length) in [(false, DIMENSION), (true, DIMENSION), (false, 19)] {
                let constant = list_of(&numbers(&mut random, length), element);
                let rows: Vec<ScalarValue> = (0..9)
                    .map(|row| match row {
                        4 => ScalarValue::try_new_null(&DataType::new_list(stored.clone(), true))
                            .unwrap(),
                        _ => list_of(&numbers(&mut random, DIMENSION), stored),
                    })
                    .collect();
                let rows = ColumnarValue::Array(ScalarValue::iter_to_array(rows).unwrap());
                let types = [rows.data_type(), constant.data_type()];
                let [rows_field, constant_field] = types.map(field);
                let scalar = ColumnarValue::Scalar(constant.clone());
                let both = match first {
                    true => [
                        (scalar, constant_field),
                        (rows.clone(), Arc::clone(&rows_field)),
                    ],
                    false => [
                        (rows.clone(), Arc::clone(&rows_field)),
                        (scalar, constant_field),
                    ],
                };
                let (args, fields): (Vec<_>, Vec<_>) = both.into_iter().unzip();
                let two = call(&udf, first, &constant);
                let one = bound(&udf, first, &constant).unwrap();
                let expected = invoke(&two, args, fields, 9);
                assert_eq!(expected.is_ok(), length == DIMENSION);
                assert_eq!(invoke(&one, vec![rows], vec![rows_field], 9), expected);
                assert_eq!(metric_of(&one.func), metric_of(&udf));
                assert_eq!(unbound(&one).func, udf);
                assert_eq!(bound_constant(&one.func).unwrap().0, &constant);
            }
        }
    }
}

#[test]
fn types_and_errors_are_those_of_two_arguments() {
    let udf = crate::l2_distance_udf();
    let constant = list_of(&[0.5; DIMENSION], &DataType::Float64);
    let one = Expr::ScalarFunction(bound(&udf, false, &constant).unwrap());
    let two = Expr::ScalarFunction(call(&udf, false, &constant));
    for (kind, length) in [
        (SqlVectorType::Vector, 20),
        (SqlVectorType::Vector, 21),
        (SqlVectorType::Bit, 20),
        (SqlVectorType::Sparsevec, 20),
    ] {
        let fields = vec![kind.field("v", Some(length))].into();
        let schema = DFSchema::from_unqualified_fields(fields, Default::default()).unwrap();
        let typed = |expr: &Expr| {
            expr.to_field(&schema)
                .map(|(_, field)| field.data_type().clone())
        };
        match (typed(&one), typed(&two)) {
            (Ok(one), Ok(two)) => assert_eq!(one, two),
            (Err(one), Err(two)) => assert_eq!(one.to_string(), two.to_string()),
            other => panic!("{kind:?} {length}: {other:?}"),
        }
    }
}

#[test]
fn only_long_vectors_are_bound() {
    let udf = crate::l2_distance_udf();
    let element = DataType::Float32;
    assert!(bound(&udf, false, &list_of(&[1.0; 16], &element)).is_none());
    assert!(bound(&udf, false, &list_of(&[1.0; 17], &element)).is_some());
    let null = ScalarValue::try_new_null(&DataType::new_list(element, true)).unwrap();
    assert!(bound(&udf, false, &null).is_none());
    assert!(bound(&udf, false, &ScalarValue::from("[1,2]")).is_none());
    let other = crate::vector_dims_udf();
    assert!(bound(&other, false, &list_of(&[1.0; 17], &DataType::Float32)).is_none());
}

#[test]
fn names_are_short_and_tell_constants_apart() {
    let udf = crate::l2_distance_udf();
    let mut values = [0.25; DIMENSION];
    let one = bound(&udf, false, &list_of(&values, &DataType::Float32)).unwrap();
    values[19] = 1.0;
    let other = bound(&udf, false, &list_of(&values, &DataType::Float32)).unwrap();
    assert_ne!(one, other);
    let again = bound(&udf, false, &list_of(&values, &DataType::Float32)).unwrap();
    assert_eq!(other, again);
    let flipped = bound(&udf, true, &list_of(&values, &DataType::Float32)).unwrap();
    assert_ne!(other, flipped);
    let [one, other] = [one, other].map(Expr::ScalarFunction);
    assert_ne!(
        one.schema_name().to_string(),
        other.schema_name().to_string()
    );
    let list = "[0.25, 0.25, 0.25, 0.25, .. 16 more]";
    assert_eq!(one.to_string(), format!("l2_distance to {list}(v)"));
    if let Expr::ScalarFunction(call) = &one {
        // Casts leave it alone: its constant has its type.
        assert_eq!(text_type_of(&call.func), None);
    }
}
