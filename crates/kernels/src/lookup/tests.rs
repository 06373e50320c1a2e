//! Every set against the portable form, and that against the definition.

use super::*;
use crate::tests::{Random, sets};

fn blocks_of(shape: LookupShape, blocks: usize, random: &mut Random) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..blocks {
        for _ in 0..2 * LOOKUP_ROWS {
            let number = (random.unit() * 4.0) as f32;
            bytes.extend(((number.to_bits() >> 16) as u16).to_le_bytes());
        }
        for _ in 0..if shape.norms { LOOKUP_ROWS } else { 0 } {
            bytes.extend(((random.unit() * 9.0) as f32).to_le_bytes());
        }
        bytes.extend((0..shape.columns * LOOKUP_ROWS).map(|_| random.next() as u8));
    }
    bytes
}

fn check(shape: LookupShape, blocks: usize, greatest: bool, random: &mut Random) {
    let byte = |random: &mut Random| if greatest { 255 } else { random.next() as u8 };
    let tables = (0..2 * shape.columns)
        .map(|_| std::array::from_fn(|_| byte(random)))
        .collect::<Vec<[u8; 16]>>();
    let weights = (0..shape.columns.div_ceil(LOOKUP_SEGMENT))
        .map(|_| match greatest {
            true => LOOKUP_WEIGHT_MAX,
            false => random.below(usize::from(LOOKUP_WEIGHT_MAX) + 1) as u16,
        })
        .collect::<Vec<_>>();
    let terms = LookupTerms {
        unit: 1e-6,
        base: -0.75,
        error: 0.01,
        factor: 0.3,
        norms: random.below(3) > 0,
    };
    let bytes = blocks_of(shape, blocks, random);
    let rows = blocks * LOOKUP_ROWS;
    let lookup = Lookup::new(shape, terms, tables.clone(), weights.clone());
    let scan = |set| {
        let mut out = (vec![f32::NAN; rows], vec![f32::NAN; rows]);
        let lookup = lookup.clone().with_instruction_set(set);
        lookup.scan(&bytes, &mut out.0, &mut out.1);
        out
    };
    let expected = scan(InstructionSet::Scalar);
    for set in sets() {
        assert_eq!(scan(set), expected, "{set}, {shape:?}");
    }
    for row in 0..rows {
        let block = &bytes[row / LOOKUP_ROWS * shape.block_bytes()..][..shape.block_bytes()];
        let at = row % LOOKUP_ROWS;
        let half = |index: usize| bf16([block[2 * index], block[2 * index + 1]]);
        let (scale, spread) = (half(at), half(LOOKUP_ROWS + at));
        let norm = match shape.norms && terms.norms {
            true => {
                let from = 4 * (LOOKUP_ROWS + at);
                f32::from_le_bytes(block[from..from + 4].try_into().unwrap())
            }
            false => 0.0,
        };
        let mut sum = 0_i32;
        for column in 0..shape.columns {
            let code = usize::from(block[shape.codes_offset() + column * LOOKUP_ROWS + at]);
            let of = i32::from(tables[2 * column][code % 16])
                + i32::from(tables[2 * column + 1][code / 16]);
            sum += i32::from(weights[column / LOOKUP_SEGMENT]) * of;
        }
        let value = sum as f32 * terms.unit + terms.base;
        assert_eq!(expected.0[row], norm - scale * value, "{shape:?} {row}");
        let bound = norm - (scale * (value + terms.error) + spread * terms.factor);
        assert_eq!(expected.1[row], bound, "{shape:?} {row}");
    }
}

#[test]
fn sets_agree_with_the_definition() {
    let mut random = Random(41);
    for columns in (0..=40).chain([63, 64, 96, 124, 127, 128]) {
        for norms in [false, true] {
            let shape = LookupShape { columns, norms };
            check(shape, 3, false, &mut random);
            check(shape, 1, true, &mut random);
        }
    }
}
