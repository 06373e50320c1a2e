//! Stored values of vaults: headers, MessagePack, CBOR, JSON, and every type of the package's packer.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ogive_fuzz::{Random, with_memory};
use ogive_vault::{
    DType, ValueType, VectorTag, decode, decode_as, decode_to_json, normalize_json, pack,
    read_cbor, read_json, read_msgpack, split_header, unpack, value_type, write_cbor, write_json,
    write_msgpack,
};

const DTYPES: [&str; 14] = [
    "i8", "u16", "i64", "f16", "f32", "f64", "bool", "str", "str:8:utf8", "bytes", "bytes:4",
    "vec:f32", "vec:f32:3", "msgpack",
];

const TYPES: [ValueType; 5] = [
    ValueType::I64,
    ValueType::F64,
    ValueType::Array,
    ValueType::Json,
    ValueType::Str,
];

fuzz_target!(|data: &[u8]| {
    let mut random = Random::of(data);
    // A value takes more room than its bytes, but not without bound.
    let memory = (4 << 20) + 256 * data.len();
    with_memory("decoding", memory, || {
        let _ = value_type(data);
        let _ = split_header(data);
        let _ = decode(data);
        let _ = decode_to_json(data);
        for expected in TYPES {
            let _ = decode_as(data, expected);
        }
        if let Ok(text) = std::str::from_utf8(data) {
            let _ = normalize_json(text);
            if let Ok(value) = read_json(text) {
                let mut written = String::new();
                write_json(&value, &mut written);
                assert!(read_json(&written).is_ok(), "{written} of {text}");
            }
        }
    });
    with_memory("views", memory, || {
        if let Ok((value, rest)) = read_msgpack(data) {
            assert!(rest.len() <= data.len());
            let mut written = Vec::new();
            if write_msgpack(&value, &mut written).is_ok() {
                let (again, rest) = read_msgpack(&written).expect("what is written is read");
                assert!(rest.is_empty());
                // NaN and infinities are written as nil, keys in order: what is written stays.
                let mut second = Vec::new();
                write_msgpack(&again, &mut second).expect("what is read is written");
                assert_eq!(written, second);
            }
        }
        if let Ok((value, rest)) = read_cbor(data) {
            assert!(rest.len() <= data.len());
            let mut written = Vec::new();
            if write_cbor(&value, &mut written).is_ok() {
                assert!(read_cbor(&written).is_ok());
            }
        }
    });
    with_memory("unpacking", memory, || {
        let name = DTYPES[random.up_to(DTYPES.len() - 1)];
        let dtype = DType::parse(name).expect("a known type");
        if let Ok(value) = unpack(&dtype, data, VectorTag::Byte) {
            let mut packed = Vec::new();
            if pack(&dtype, &value, VectorTag::Byte, &mut packed).is_ok() {
                assert!(unpack(&dtype, &packed, VectorTag::Byte).is_ok(), "{name}");
            }
        }
        if let Ok(text) = std::str::from_utf8(data) {
            let _ = DType::parse(text);
        }
    });
});
