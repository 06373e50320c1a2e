//! Numbers as text: PostgreSQL's own cases, and the fast paths against the definition.

use super::*;
use crate::tests::Numbers;

const FLOAT4_ROUNDS: usize = 20_000;

/// The exact digits of an `f32`, the slow way.
fn exact_f32(value: f32) -> Decimal {
    let bits = value.to_bits() & 0x7fff_ffff;
    let mantissa = u64::from(bits & 0x7f_ffff);
    let bounds = match bits >> 23 {
        0 => Bounds {
            mantissa,
            exponent: -149,
            lower_is_closer: false,
        },
        exponent => Bounds {
            mantissa: mantissa | 1 << 23,
            exponent: exponent as i32 - 150,
            lower_is_closer: mantissa == 0 && exponent > 1,
        },
    };
    exact::shortest(bounds)
}

/// The same number with no zero at its end: the paths may differ in whether they leave one.
fn stripped(mut decimal: Decimal) -> Decimal {
    while decimal.digits != 0 && decimal.digits.is_multiple_of(10) {
        decimal.digits /= 10;
        decimal.exponent += 1;
    }
    decimal
}

fn check_f32(value: f32) {
    let bits = value.to_bits();
    let fast = single::shortest(bits >> 23 & 0xff, bits & 0x7f_ffff);
    assert_eq!(
        stripped(fast),
        stripped(exact_f32(value)),
        "{bits:#010x} {value:e}"
    );
    let text = format_float4(value);
    assert_eq!(text.parse::<f32>().map(f32::to_bits), Ok(bits), "{text}");
}

#[test]
fn special_numbers() {
    let cases = [
        (0.0, "0"),
        (-0.0, "-0"),
        (f64::INFINITY, "Infinity"),
        (f64::NEG_INFINITY, "-Infinity"),
        (f64::NAN, "NaN"),
        (-f64::NAN, "NaN"),
    ];
    for (value, expected) in cases {
        assert_eq!(format_float8(value), expected);
        assert_eq!(format_float4(value as f32), expected);
    }
}

/// Bits and texts from PostgreSQL's regression test of `float4`.
#[test]
fn float4_as_postgresql_prints_it() {
    let cases = [
        (0x00800000, "1.1754944e-38"),
        (0x00800005, "1.175495e-38"),
        (0x008002f2, "1.1756e-38"),
        (0x3356bf95, "5e-08"),
        (0x33d6bf96, "1.0000001e-07"),
        (0x3727c5ab, "9.999999e-06"),
        (0x3727c5ac, "1e-05"),
        (0x38d1b714, "9.9999976e-05"),
        (0x38d1b717, "0.0001"),
        (0x38d1b718, "0.000100000005"),
        (0x38dfffff, "0.000106811516"),
        (0x3a83126f, "0.001"),
        (0x3dcccccd, "0.1"),
        (0x3dcccd70, "0.100001216"),
        (0x3f333334, "0.70000005"),
        (0x3f7fffff, "0.99999994"),
        (0x3f800000, "1"),
        (0x3f800001, "1.0000001"),
        (0x3f800008, "1.000001"),
        (0x402df854, "2.7182817"),
        (0x447a0001, "1000.00006"),
        (0x461c4000, "10000"),
        (0x47c34fff, "99999.99"),
        (0x47c35000, "100000"),
        (0x497423ff, "999999.94"),
        (0x49742400, "1e+06"),
        (0x49742401, "1.00000006e+06"),
        (0x4b189680, "1e+07"),
        (0x4e6e6b29, "1.00000006e+09"),
        (0x501502f9, "1e+10"),
        (0x1f6c1e4a, "5e-20"),
        (0x59be6cea, "6.7e+15"),
        (0x5d5ab6c4, "9.85e+17"),
        (0x2cc4a9bd, "5.5895e-12"),
        (0x15ae43fd, "7.038531e-26"),
        (0x2cf757ca, "7.0299088e-12"),
        (0x665ba998, "2.5933168e+23"),
        (0x743c3324, "5.9642887e+31"),
        (0x47f1205a, "123456.7"),
        (0x4640e6ae, "12345.67"),
        (0x42f6e9d5, "123.4567"),
        (0x4c000004, "3.3554448e+07"),
        (0x50061c46, "8.999999e+09"),
        (0x510006a8, "3.4366718e+10"),
        (0x48951f84, "305404.12"),
        (0x45fd1840, "8099.0312"),
        (0x39800000, "0.00024414062"),
        (0x3b200000, "0.0024414062"),
        (0x3b900000, "0.0043945312"),
        (0x3bd00000, "0.0063476562"),
        (0x63800000, "4.7223665e+21"),
        (0x4b000000, "8.388608e+06"),
        (0x4b800000, "1.6777216e+07"),
        (0x4c000001, "3.3554436e+07"),
        (0x4c800b0d, "6.7131496e+07"),
        (0x00d24584, "1.9310392e-38"),
        (0x800000b0, "-2.47e-43"),
        (0x00d90b88, "1.993244e-38"),
        (0x45803f34, "4103.9004"),
        (0x4f9f24f7, "5.3399997e+09"),
        (0x3a8722c3, "0.0010310042"),
        (0x5c800041, "2.882326e+17"),
        (0x5d4cccfb, "9.223404e+17"),
        (0x4c800001, "6.710887e+07"),
        (0x57800ed8, "2.816025e+14"),
        (0x5f000000, "9.223372e+18"),
        (0x700000f0, "1.5846086e+29"),
        (0x5f23e9ac, "1.1811161e+19"),
        (0x5e9502f9, "5.368709e+18"),
        (0x5e8012b1, "4.6143166e+18"),
        (0x3c000028, "0.007812537"),
        (0x60cde861, "1.18697725e+20"),
        (0x03aa2a50, "1.00014165e-36"),
        (0x43480000, "200"),
        (0x4c000000, "3.3554432e+07"),
        (0x5d1502f9, "6.7108864e+17"),
        (0x5d9502f9, "1.3421773e+18"),
        (0x5e1502f9, "2.6843546e+18"),
        (0x3f9e0651, "1.2345678"),
        (0x03d20cfe, "1.23456735e-36"),
    ];
    for (bits, expected) in cases {
        let value = f32::from_bits(bits);
        assert_eq!(format_float4(value), expected, "{bits:#010x}");
        let mut written = String::new();
        write_float4(&mut written, value).unwrap();
        assert_eq!(written, expected);
    }
}

/// Bits and texts from PostgreSQL's regression test of `float8`, and the ends of fixed notation.
#[test]
fn float8_as_postgresql_prints_it() {
    let cases = [
        (0x0000000000000001, "5e-324"),
        (0x0000000000000002, "1e-323"),
        (0x0000000000000003, "1.5e-323"),
        (0x0000000000001000, "2.0237e-320"),
        (0x0000000100000000, "2.121995791e-314"),
        (0x0000800000000001, "6.95335580783505e-310"),
        (0x00000000000f4240, "4.940656e-318"),
        (0x000fffffffffffff, "2.225073858507201e-308"),
        (0x0010000000000000, "2.2250738585072014e-308"),
        (0x0018000000000000, "3.337610787760802e-308"),
        (0x3ddb7cdfd9d7bdbb, "1e-10"),
        (0x3e60000000000000, "2.9802322387695312e-08"),
        (0x3ee4f8b588e368ef, "9.999999999999997e-06"),
        (0x3ee4f8b588e368f1, "1e-05"),
        (0x3f1a36e2eb1c432d, "0.0001"),
        (0x3f1a36e2eb1c432e, "0.00010000000000000002"),
        (0x3fb999999999999a, "0.1"),
        (0x3feffffffffffff7, "0.999999999999999"),
        (0x3fefffffffffffff, "0.9999999999999999"),
        (0x3ff0000000000000, "1"),
        (0x3ff0000000000003, "1.0000000000000007"),
        (0x4005bf0a8b14576a, "2.7182818284590455"),
        (0x400921fb54442d18, "3.141592653589793"),
        (0x40c3880000000001, "10000.000000000002"),
        (0x41f0000000000000, "4294967296"),
        (0x42d6bcc41e900000, "100000000000000"),
        (0x430c6bf526340000, "1e+15"),
        (0x7fefffffffffffff, "1.7976931348623157e+308"),
    ];
    for (bits, expected) in cases {
        let value = f64::from_bits(bits);
        assert_eq!(format_float8(value), expected, "{bits:#018x}");
        assert_eq!(format_float8(-value), format!("-{expected}"));
        let mut written = String::new();
        write_float8(&mut written, value).unwrap();
        assert_eq!(written, expected);
    }
    assert_eq!(format_float8(123_456_789_012_345.0), "123456789012345");
    assert_eq!(format_float8(4_290_774_016.0), "4290774016");
    assert_eq!(
        format_float8(std::f64::consts::SQRT_2),
        "1.4142135623730951"
    );
}

#[test]
fn the_fast_path_of_f32_agrees_with_the_definition() {
    // Every power of two and its neighbours, and whole numbers and fractions that end early.
    for exponent in 0..255u32 {
        for mantissa in [
            0, 1, 2, 0x3f_ffff, 0x40_0000, 0x40_0001, 0x7f_fffe, 0x7f_ffff,
        ] {
            if exponent | mantissa != 0 {
                check_f32(f32::from_bits(exponent << 23 | mantissa));
            }
        }
    }
    for whole in 1..5_000u32 {
        for scale in [
            1.0,
            0.5,
            0.125,
            1.0 / 64.0,
            1.0 / 1024.0,
            1.0 / 65536.0,
            1e4,
            65536.0,
        ] {
            check_f32(whole as f32 * scale);
        }
    }
    let mut numbers = Numbers(0x5eed_0001);
    for _ in 0..FLOAT4_ROUNDS {
        let value = f32::from_bits(numbers.next() as u32);
        if value.is_finite() && value != 0.0 {
            check_f32(value);
        }
        // Few significant bits, where ties and exact halfway points are.
        let sparse = (numbers.next() as u32) & 0x7fff_e000;
        let value = f32::from_bits(sparse | 1 << 23);
        if value.is_finite() {
            check_f32(value);
        }
    }
}

#[test]
fn the_fast_path_of_f64_agrees_with_the_definition() {
    let mut numbers = Numbers(0x5eed_0002);
    let mut fast = 0;
    for round in 0..20_000 {
        let random = numbers.next();
        let value = match round % 4 {
            0 => f64::from_bits(random),
            // Numbers about one with as many significant bits as the round says.
            1 => f64::from_bits((random >> 12 | 0x3fe0_0000_0000_0000) & !0 << (random % 50)),
            2 => f64::from(f32::from_bits(random as u32)),
            _ => (random % 1_000_000) as f64 / 1_000.0,
        };
        if !value.is_finite() || value == 0.0 {
            continue;
        }
        let bounds = bounds_f64(value);
        let exact = exact::shortest(bounds);
        if !bounds.may_meet_a_decimal() {
            let standard = standard_digits(value.abs()).unwrap();
            assert_eq!(stripped(standard), stripped(exact), "{value:e}");
            fast += 1;
        }
        let text = format_float8(value);
        assert_eq!(
            text.parse::<f64>().map(f64::to_bits),
            Ok(value.to_bits()),
            "{text}"
        );
    }
    assert!(fast > 5_000, "only {fast} numbers took the fast path");
}

/// A power of two, whose nearest decimal of 16 digits, ending in 1, reads back as the number below it.
#[test]
fn the_lower_neighbour_of_a_power_of_two_is_closer() {
    assert_eq!(format_float8(2f64.powi(-44)), "5.684341886080802e-14");
}

#[test]
fn ties_go_to_the_even_digit() {
    assert_eq!(format_float4(128.015_62), "128.01562");
    assert_eq!(format_float4(8_388_609.0 / 4.0), "2.0971522e+06");
}
