//! The format as its definition reads, bit by bit: the twin of packing and unpacking. It trusts its input.

/// Appends the payload.
pub(super) fn encode(values: &[f32], out: &mut Vec<u8>) {
    let plane = |index: usize| -> Vec<u8> {
        values
            .iter()
            .map(|value| value.to_bits().to_le_bytes()[index])
            .collect()
    };
    let planes = [0, 1, 2, 3].map(plane);
    let dictionaries = planes.clone().map(|mut bytes| {
        bytes.sort_unstable();
        bytes.dedup();
        if bytes.is_empty() {
            bytes.push(0);
        }
        bytes
    });
    let bits = dictionaries
        .clone()
        .map(|dictionary| (1..=8).find(|bits| 1 << bits >= dictionary.len()).unwrap());
    out.extend((values.len() as u32).to_le_bytes());
    out.extend(bits.map(|bits| bits as u8));
    for index in 0..4 {
        out.extend((dictionaries[index].len() as u16).to_le_bytes());
        out.extend(&dictionaries[index]);
        let mut stream = Vec::new();
        for byte in &planes[index] {
            let code = dictionaries[index].binary_search(byte).unwrap();
            stream.extend((0..bits[index]).rev().map(|bit| code >> bit & 1 == 1));
        }
        out.extend(stream.chunks(8).map(|byte| {
            byte.iter()
                .enumerate()
                .fold(0, |sum, (place, bit)| sum | u8::from(*bit) << (7 - place))
        }));
    }
}

/// Values of a good payload.
pub(super) fn decode(bytes: &[u8]) -> Vec<f32> {
    let count = u32::from_le_bytes(bytes[..4].try_into().unwrap()) as usize;
    let mut values = vec![0_u32; count];
    let mut at = 8;
    for plane in 0..4 {
        let bits = usize::from(bytes[4 + plane]);
        let entries = usize::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]));
        let dictionary = &bytes[at + 2..at + 2 + entries];
        let codes = &bytes[at + 2 + entries..];
        for (index, value) in values.iter_mut().enumerate() {
            let code = (index * bits..(index + 1) * bits).fold(0, |code, bit| {
                code << 1 | codes[bit / 8] >> (7 - bit % 8) & 1
            });
            *value |= u32::from(dictionary[usize::from(code)]) << (8 * plane);
        }
        at += 2 + entries + (count * bits).div_ceil(8);
    }
    values.into_iter().map(f32::from_bits).collect()
}
