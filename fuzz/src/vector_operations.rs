//! What arithmetic, casts and comparisons of pgvector's values must give.

use std::cmp::Ordering;
use std::fmt::Debug;

use half::f16;
use ogive_vectors::{
    Element, SparseVec, StateArray, VECTOR_DIMENSIONS_MAX, VectorError, accumulate, add, average,
    binary_quantize, combine, compare, concat, dense_to_sparsevec, halfvec_to_vector, l2_normalize,
    mul, norm, sparsevec_to_halfvec, sparsevec_to_vector, spherical_distance, sqlstate, sub,
    subvector, to_reals, vector_from_array, vector_to_halfvec,
};

use crate::{Random, assert_same_f32};

/// Everything that takes one or two dense vectors.
pub fn check_dense<E: Element + PartialEq + Debug>(a: &[E], b: &[E], random: &mut Random) {
    check_elementwise("+", add(a, b), a, b, |a, b| a + b);
    check_elementwise("-", sub(a, b), a, b, |a, b| a - b);
    check_elementwise("*", mul(a, b), a, b, |a, b| a * b);

    let (x, y) = (to_reals(a), to_reals(b));
    let order = x
        .iter()
        .partial_cmp(&y)
        .expect("elements that are no NaN are ordered");
    assert_eq!(compare(a, b), order);
    assert_eq!(compare(b, a), order.reverse());

    let quantized = binary_quantize(a);
    assert!(
        quantized
            .iter()
            .eq(x.iter().map(|x| *x > 0.0).collect::<Vec<_>>().iter())
    );
    check_parts(a, b, random);
    check_norm(a);
    check_average(a, b);
}

fn check_elementwise<E: Element>(
    operator: &str,
    found: Result<Vec<E>, VectorError>,
    a: &[E],
    b: &[E],
    exact: impl Fn(f64, f64) -> f64,
) {
    if a.len() != b.len() {
        let error = found.err().expect("different dimensions");
        assert_eq!(error.sqlstate(), sqlstate::DATA_EXCEPTION);
        return;
    }
    // Sums and products of two numbers of single precision, rounded to double precision first and then once more, are
    // those that were rounded once: there are more than twice as many bits between.
    let wide = |x: &E| f64::from(x.to_f32());
    let exact = a.iter().zip(b).map(|(a, b)| exact(wide(a), wide(b)));
    let is_product = operator == "*";
    match found {
        Ok(found) => {
            assert_eq!(found.len(), a.len());
            for ((found, exact), (a, b)) in found.iter().zip(exact).zip(a.iter().zip(b)) {
                check_nearest::<E>(operator, found.to_f32(), exact);
                let vanished = found.to_f32() == 0.0 && wide(a) != 0.0 && wide(b) != 0.0;
                assert!(!is_product || !vanished, "a product underflowed");
            }
        }
        Err(error) => {
            assert_eq!(error.sqlstate(), sqlstate::NUMERIC_VALUE_OUT_OF_RANGE);
            let (largest, smallest) = limits::<E>();
            let beyond = |exact: f64| {
                // A product that is zero in double precision has a factor that is.
                let vanishes = is_product && exact != 0.0 && exact.abs() <= smallest / 2.0;
                exact.abs() >= largest || vanishes
            };
            assert!(exact.into_iter().any(beyond), "{operator}: {error}");
        }
    }
}

/// What no longer rounds to a finite element, and the smallest element above zero.
fn limits<E: Element>() -> (f64, f64) {
    if size_of::<E>() == 2 {
        (65520.0, f64::from(f16::from_bits(1)))
    } else {
        let unit = 2f64.powi(103);
        (f64::from(f32::MAX) + unit, f64::from(f32::from_bits(1)))
    }
}

/// The element is the one nearest to the number, and of two the even one.
fn check_nearest<E: Element>(operator: &str, found: f32, exact: f64) {
    if size_of::<E>() == 4 {
        assert_same_f32(operator, &[found], &[exact as f32]);
        return;
    }
    let bits = f16::from_f32(found).to_bits();
    assert_eq!(f16::from_bits(bits).to_f32(), found, "an element is a half");
    let distance = (f64::from(found) - exact).abs();
    let size = bits & 0x7fff;
    for neighbour in [size.saturating_sub(1), size + 1] {
        let neighbour = f64::from(f16::from_bits(neighbour)).copysign(f64::from(found));
        let other = (neighbour - exact).abs();
        assert!(
            distance < other
                || neighbour == f64::from(found)
                || (distance == other && size & 1 == 0),
            "{operator}: {found:e} for {exact:e}, {neighbour:e} is nearer"
        );
    }
}

/// Vectors put together and taken apart.
fn check_parts<E: Element + PartialEq + Debug>(a: &[E], b: &[E], random: &mut Random) {
    match concat(a, b) {
        Ok(whole) => {
            assert_eq!(whole.len(), a.len() + b.len());
            let (first, second) = (a.len() as i32, b.len() as i32);
            assert_eq!(subvector(&whole, 1, first).as_deref(), Ok(a));
            assert_eq!(subvector(&whole, first + 1, second).as_deref(), Ok(b));
            assert_eq!(subvector(&whole, i32::MIN, i32::MAX).ok(), None);
        }
        Err(_) => assert!(a.len() + b.len() > VECTOR_DIMENSIONS_MAX),
    }
    let place = |random: &mut Random| match random.up_to(3) {
        0 => random.bits() as i32,
        1 => [i32::MIN, i32::MAX, -1, 0][random.up_to(3)],
        _ => random.up_to(a.len() + 2) as i32 - 1,
    };
    for _ in 0..4 {
        let (start, count) = (place(random), place(random));
        let places = i64::from(start)..i64::from(start) + i64::from(count);
        let expected: Vec<E> = (1..)
            .zip(a)
            .filter(|(at, _)| places.contains(at))
            .map(|(_, element)| *element)
            .collect();
        let found = subvector(a, start, count);
        assert_eq!(found.is_err(), expected.is_empty(), "{count} from {start}");
        assert_eq!(found.unwrap_or_default(), expected, "{count} from {start}");
    }
}

fn check_norm<E: Element>(a: &[E]) {
    let squares = a.iter().map(|x| f64::from(x.to_f32()).powi(2));
    let expected = squares.rev().sum::<f64>().sqrt();
    let found = norm(a);
    assert!(
        (found - expected).abs() <= 1e-10 * expected,
        "{found} is not {expected}"
    );

    let unit = l2_normalize(a).expect("elements are finite");
    assert_eq!(unit.len(), a.len());
    for (unit, x) in unit.iter().zip(a) {
        let (unit, x) = (unit.to_f32(), x.to_f32());
        assert!(unit.abs() <= 1.0, "{unit} of a vector of length 1");
        assert!(unit == 0.0 || unit.is_sign_negative() == x.is_sign_negative());
    }
    let length = norm(&unit);
    assert_eq!(length == 0.0, found == 0.0);
    let roundings = if size_of::<E>() == 2 { 2e-3 } else { 1e-6 };
    assert!(
        found == 0.0 || (length - 1.0).abs() < roundings,
        "length {length}"
    );
}

/// The average of both, and of their states put together.
fn check_average<E: Element + PartialEq + Debug>(a: &[E], b: &[E]) {
    let empty = || StateArray::of("avg", Some(&[Some(0.0)])).expect("a number of rows");
    assert_eq!(average::<E>(&empty()), Ok(None));
    let [first, second] = [a, b].map(|row| accumulate(empty(), row).expect("finite elements"));
    assert_eq!(
        average(&first).map(Option::unwrap_or_default).as_deref(),
        Ok(a)
    );
    let both = accumulate(first.clone(), b);
    assert_eq!(combine(first, second), both);
    let angle = spherical_distance(a, b);
    if a.len() != b.len() {
        assert!(both.is_err() && angle.is_err(), "different dimensions");
        return;
    }
    let both = both.expect("no sum of two overflows");
    let found = average::<E>(&both).expect("in range").unwrap_or_default();
    for (found, (a, b)) in found.iter().zip(a.iter().zip(b)) {
        let middle = (f64::from(a.to_f32()) + f64::from(b.to_f32())) / 2.0;
        // To single precision first, and to half precision then.
        let expected = E::nearest(middle as f32).to_f32();
        assert_same_f32("average", &[found.to_f32()], &[expected]);
    }
    assert!(angle.is_ok_and(|angle| (0.0..=1.0).contains(&angle)));
    assert_eq!(both.into_array().len(), 1 + a.len());
}

/// Casts between the types, back and forth.
pub fn check_casts(vector: &[f32], halfvec: &[f16]) {
    let dimensions = Some(vector.len());
    let other = Some(vector.len() + 1);
    let too_large = vector.iter().any(|x| x.abs() >= 65520.0);
    match vector_to_halfvec(vector, dimensions) {
        Ok(halves) => {
            assert!(!too_large);
            for (half, x) in halves.iter().zip(vector) {
                check_nearest::<f16>("to half", half.to_f32(), f64::from(*x));
            }
        }
        Err(error) => {
            assert!(too_large, "{error}");
            assert_eq!(error.sqlstate(), sqlstate::NUMERIC_VALUE_OUT_OF_RANGE);
        }
    }
    assert!(vector_to_halfvec(vector, other).is_err());

    let widened = halfvec_to_vector(halfvec, None).expect("every half is a real");
    assert_eq!(vector_to_halfvec(&widened, None).as_deref(), Ok(halfvec));

    let sparse = dense_to_sparsevec(vector, dimensions).expect("a vector is short");
    check_sparse_parts(&sparse);
    // The sign of a zero is not stored.
    let positive: Vec<f32> = vector.iter().map(|x| x + 0.0).collect();
    let back = sparsevec_to_vector(&sparse, dimensions).expect("as long as before");
    assert_same_f32("through sparsevec", &back, &positive);
    assert!(sparsevec_to_vector(&sparse, other).is_err());

    let array = || vector.iter().map(|x| Some(*x));
    let found = vector_from_array(array(), dimensions).expect("finite elements");
    assert_same_f32("from real[]", &found, vector);
    let found = vector_from_array(array().map(|x| x.map(f64::from)), None);
    assert_same_f32("from double precision[]", &found.expect("finite"), vector);
    assert!(vector_from_array(array().chain([None]), None).is_err());
    assert!(vector_from_array(array().chain([Some(f32::NAN)]), None).is_err());
}

/// A value that a function made is one that can be received.
pub fn check_sparse_parts(sparse: &SparseVec) {
    let SparseVec {
        dimensions,
        indices,
        values,
    } = sparse.clone();
    let checked = SparseVec::new(dimensions, indices, values);
    assert_eq!(checked.as_ref(), Ok(sparse));
}

/// Everything that takes one or two sparse vectors, against the same with dense ones where those are not too long.
pub fn check_sparse(a: &SparseVec, b: &SparseVec) {
    let unit = a.l2_normalize().expect("elements are finite");
    check_sparse_parts(&unit);
    assert_eq!(a.compare(b), b.compare(a).reverse());
    assert_eq!(a.compare(a), Ordering::Equal);
    let _ = sparsevec_to_halfvec(a, None);

    let sums = [
        a.l2_squared_distance(b),
        a.l1_distance(b),
        a.inner_product(b),
        a.negative_inner_product(b),
        a.l2_distance(b),
        a.cosine_distance(b),
    ];
    if a.dimensions != b.dimensions {
        assert!(sums.iter().all(Result::is_err), "different dimensions");
    }
    let (Ok(x), Ok(y)) = (sparsevec_to_vector(a, None), sparsevec_to_vector(b, None)) else {
        assert!(a.dimensions.max(b.dimensions) as usize > VECTOR_DIMENSIONS_MAX);
        return;
    };
    assert_eq!(norm(&x), a.norm());
    assert_eq!(compare(&x, &y), a.compare(b), "{a:?} and {b:?}");
    if a.dimensions != b.dimensions {
        return;
    }
    let sum = |term: fn(f32, f32) -> f32, x: &[f32], y: &[f32]| {
        x.iter()
            .zip(y)
            .fold(0.0_f32, |sum, (x, y)| sum + term(*x, *y))
    };
    let square = sum(|x, y| (x - y) * (x - y), &x, &y);
    let dot = sum(|x, y| x * y, &x, &y);
    let [left, right] = [&x, &y].map(|x| f64::from(sum(|x, y| x * y, x, x)));
    let cosine = f64::from(dot) / (left * right).sqrt();
    let expected = [
        f64::from(square),
        f64::from(sum(|x, y| (x - y).abs(), &x, &y)),
        f64::from(dot),
        f64::from(-dot),
        f64::from(square).sqrt(),
        1.0 - cosine.clamp(-1.0, 1.0),
    ];
    for (found, expected) in sums.into_iter().zip(expected) {
        let found = found.expect("the same dimensions");
        let same = found.to_bits() == expected.to_bits() || (found.is_nan() && expected.is_nan());
        assert!(same, "{found} is not {expected}: {a:?} and {b:?}");
    }
}
