//! Columns as blocks of rows, and constants as numbers.

use arrow::array::{Array, Int64Array};
use arrow::datatypes::DataType;
use datafusion_common::ScalarValue;
use ogive_kernels::Encoding;

use super::{ELEMENTS, Kind, column, constant, dense};
use crate::{constant_vector, rows_of, vector_nulls};

#[test]
fn a_uniform_column_is_one_block() {
    let rows = [dense(&[1.0, 2.0]), dense(&[3.0, 4.0]), dense(&[5.0, 6.0])];
    let encodings = [
        Encoding::F64,
        Encoding::F32,
        Encoding::F16,
        Encoding::I8,
        Encoding::U8,
    ];
    for (element, encoding) in ELEMENTS.iter().zip(encodings) {
        for kind in [Kind::Fixed(2), Kind::List, Kind::Large] {
            let column = column(kind, element, &rows, &[]);
            let block = rows_of(column.as_ref()).unwrap();
            assert_eq!(
                (block.len(), block.dimension(), block.encoding()),
                (3, 2, encoding)
            );
            let mut decoded = [0.0; 6];
            block.decode_f32(&mut decoded);
            assert_eq!(
                decoded,
                [1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
                "{kind:?} {element}"
            );
            assert_eq!(vector_nulls(column.as_ref()), None);
        }
    }
}

#[test]
fn ragged_columns_and_other_types_are_not() {
    let single = &ELEMENTS[1];
    let ragged = column(
        Kind::List,
        single,
        &[dense(&[1.0]), dense(&[1.0, 2.0])],
        &[],
    );
    assert!(rows_of(ragged.as_ref()).is_none());
    let short_null = column(Kind::Large, single, &[dense(&[1.0]), None], &[0]);
    assert!(rows_of(short_null.as_ref()).is_none());
    assert!(rows_of(column(Kind::List, single, &[], &[]).as_ref()).is_none());
    assert!(
        rows_of(column(Kind::List, &DataType::Int64, &[dense(&[1.0])], &[]).as_ref()).is_none()
    );
    assert!(rows_of(&Int64Array::from(vec![1])).is_none());

    let empty = column(Kind::Fixed(4), single, &[], &[]);
    let block = rows_of(empty.as_ref()).unwrap();
    assert_eq!((block.len(), block.dimension()), (0, 4));
    let no_dimension = column(Kind::Fixed(0), single, &[dense(&[]), dense(&[])], &[]);
    let block = rows_of(no_dimension.as_ref()).unwrap();
    assert_eq!((block.len(), block.dimension()), (2, 0));
}

#[test]
fn nulls_are_rows_and_elements() {
    let rows = [
        dense(&[1.0, 2.0]),
        None,
        Some(vec![Some(1.0), None]),
        dense(&[3.0, 4.0]),
    ];
    for kind in [Kind::Fixed(2), Kind::List, Kind::Large] {
        let column = column(kind, &ELEMENTS[1], &rows, &[2]);
        assert_eq!(rows_of(column.as_ref()).unwrap().len(), 4);
        let nulls = vector_nulls(column.as_ref()).unwrap();
        let valid: Vec<bool> = nulls.iter().collect();
        assert_eq!(valid, [true, false, false, true], "{kind:?}");

        let slice = column.slice(3, 1);
        assert_eq!(vector_nulls(slice.as_ref()), None);
    }
}

#[test]
fn constants_are_widened() {
    for kind in [Kind::Fixed(2), Kind::List, Kind::Large] {
        for element in ELEMENTS
            .iter()
            .chain(&[DataType::Int64, DataType::Decimal128(9, 3)])
        {
            let found = |vector| constant_vector(&constant(kind, element, &vector)).unwrap();
            assert_eq!(
                found(dense(&[1.0, 2.0])),
                Some(vec![1.0, 2.0]),
                "{kind:?} {element}"
            );
            assert_eq!(found(None), None);
            assert_eq!(found(Some(vec![Some(1.0), None])), None);
        }
    }
    let view = DataType::ListView(std::sync::Arc::new(
        arrow::datatypes::Field::new_list_field(DataType::Float32, true),
    ));
    let view = constant(Kind::List, &ELEMENTS[1], &dense(&[1.5]))
        .cast_to(&view)
        .unwrap();
    assert_eq!(constant_vector(&view).unwrap(), Some(vec![1.5]));

    let empty = ScalarValue::List(ScalarValue::new_list_nullable(&[], &DataType::Null));
    assert_eq!(constant_vector(&empty).unwrap(), Some(vec![]));
    assert_eq!(constant_vector(&ScalarValue::Null).unwrap(), None);
    for wrong in [
        ScalarValue::from("[1]"),
        ScalarValue::from(1.0),
        ScalarValue::Utf8(None),
    ] {
        assert!(constant_vector(&wrong).is_err(), "{wrong:?}");
    }
    let words = ScalarValue::List(ScalarValue::new_list_nullable(
        &[ScalarValue::from("a")],
        &DataType::Utf8,
    ));
    assert!(constant_vector(&words).is_err());
}
