//! The JSON of headers: texts that are read must come back as they were written, and whatever strict JSON allows must be
//! read, to the same values.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ogive_cvc::Json;
use ogive_fuzz::with_memory;

fuzz_target!(|data: &[u8]| {
    // Two bytes of a list become 32 of a value, in a vector that doubles.
    let memory = (1 << 16) + 128 * data.len();
    let parsed = with_memory("parsing", memory, || Json::parse(data));
    match (&parsed, serde_json::from_slice::<serde_json::Value>(data)) {
        (Ok(json), Ok(strict)) => assert!(same(json, &strict), "{json} against {strict}"),
        (Err(error), Ok(strict)) => panic!("{error} for {strict}"),
        _ => {}
    }
    let json = match parsed {
        Ok(json) => json,
        Err(error) => {
            assert!(error.offset <= data.len());
            let _ = error.to_string();
            return;
        }
    };
    let sorted = json.to_sorted_text();
    let back = Json::parse(sorted.as_bytes()).expect("text that was written");
    assert_eq!(back.to_sorted_text(), sorted);
    let spaced = json.to_spaced_text();
    let again = Json::parse(spaced.as_bytes()).expect("text that was written");
    assert_eq!(again.to_spaced_text(), spaced);
    assert_eq!(again.to_sorted_text(), sorted);
    // NaN equals nothing, so neither does a value that holds one.
    if !holds_nan(&json) {
        assert_eq!(again, json);
        assert!(json.equals(&json) && json.equals(&back));
    } else {
        assert!(!json.equals(&json));
    }
    let _ = (
        json.as_u64(),
        json.as_f64(),
        json.as_str(),
        json.get("chunks"),
    );
});

fn holds_nan(json: &Json) -> bool {
    match json {
        Json::Float(number) => number.is_nan(),
        Json::Array(items) => items.iter().any(holds_nan),
        Json::Object(entries) => entries.iter().any(|entry| holds_nan(&entry.1)),
        _ => false,
    }
}

fn same(json: &Json, strict: &serde_json::Value) -> bool {
    use serde_json::Value;
    match (json, strict) {
        (Json::Null, Value::Null) => true,
        (Json::Bool(a), Value::Bool(b)) => a == b,
        (Json::String(a), Value::String(b)) => a == b,
        (Json::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Json::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(key, value)| b.get(key).is_some_and(|strict| same(value, strict)))
        }
        // The other parser takes long integers, and minus zero, for floating point.
        (_, Value::Number(number)) => match (json.as_f64(), number.as_f64()) {
            (Some(a), Some(b)) => a == b,
            _ => false,
        },
        _ => false,
    }
}
