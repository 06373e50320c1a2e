use ogive_vault::{Kv, ValueType, decode, prefix_range, split_header};

use crate::expected::{expected, hex, open, same_value, sum};

#[test]
fn entries_in_key_order() {
    let mut checked = 0;
    for name in crate::expected::FILES {
        let wanted = expected(name);
        let Some(tables) = wanted["tables"].as_array() else {
            continue;
        };
        let file = open(name);
        assert_eq!(
            file.contents.kv.len(),
            tables.len().max(usize::from(name == "mixed")),
            "{name}"
        );
        for wanted in tables {
            let table_name = wanted["table"].as_str().unwrap().trim_matches('"');
            let table = file
                .contents
                .kv
                .iter()
                .find(|table| table.name == table_name)
                .unwrap_or_else(|| panic!("{name}: {table_name} among {:?}", file.contents.kv));
            let kv = Kv::new(&file.reader, file.vault.file(), table);
            let mut entries = Vec::new();
            kv.range(&(..), |key, value| {
                entries.push((key.to_vec(), value.to_vec()));
                true
            })
            .unwrap();
            let wanted = wanted["entries"].as_array().unwrap();
            assert_eq!(entries.len(), wanted.len(), "{name}.{table_name}");
            for ((key, value), wanted) in entries.iter().zip(wanted) {
                let label = format!("{name}.{table_name} '{}'", key.escape_ascii());
                assert_eq!(*key, hex(wanted["key_hex"].as_str().unwrap()), "{label}");
                match wanted["stored_hex"].as_str() {
                    Some(text) => assert_eq!(*value, hex(text), "{label}"),
                    None => assert_eq!(
                        sum(value),
                        wanted["stored_sha256"].as_str().unwrap(),
                        "{label}"
                    ),
                }
                assert_eq!(kv.get(key).unwrap().as_ref(), Some(value), "{label}");
                assert!(kv.contains(key).unwrap());
                assert_eq!(
                    kv.read_at(key, 1, 3).unwrap().unwrap(),
                    value.iter().skip(1).take(3).copied().collect::<Vec<u8>>()
                );
                let mut streamed = Vec::new();
                std::io::copy(&mut kv.reader(key).unwrap().unwrap(), &mut streamed).unwrap();
                assert_eq!(streamed, *value, "{label}");
                let get = &wanted["package_get"];
                if get.is_object() && get["t"] != "error" {
                    let pickled = get["t"] == "python" || value_is_pickle(value);
                    let found = decode(value).unwrap_or_else(|error| panic!("{label}: {error}"));
                    if pickled {
                        assert_eq!(ogive_vault::value_type(value), ValueType::Pickle, "{label}");
                    } else {
                        // The package loses unsigned integers beyond 2^63; the file has them.
                        let lost = get["dtype"] == "uint64" && same_value(&found, &wanted["wrote"]);
                        assert!(
                            lost || same_value(&found, get),
                            "{label}: {found:?} is not {get}"
                        );
                    }
                } else if get.is_object() || get.is_string() {
                    assert!(decode(value).is_err(), "{label}: {get}");
                }
                checked += 1;
            }
            assert_eq!(kv.len().unwrap() as usize, entries.len());
        }
        for scan in wanted["scans"].as_array().into_iter().flatten() {
            let table = &file.contents.kv[0];
            let kv = Kv::new(&file.reader, file.vault.file(), table);
            let prefix = hex(scan["prefix_hex"].as_str().unwrap());
            let mut keys = Vec::new();
            kv.range(&prefix_range(&prefix), |key, _| {
                keys.push(key.to_vec());
                true
            })
            .unwrap();
            assert_eq!(keys.len() as u64, scan["count"].as_u64().unwrap(), "{scan}");
            let ends = (
                scan["first_hex"].as_str().map(hex),
                scan["last_hex"].as_str().map(hex),
            );
            assert_eq!(
                (keys.first().cloned(), keys.last().cloned()),
                ends,
                "{scan}"
            );
        }
    }
    assert!(checked > 400, "{checked}");
}

fn value_is_pickle(value: &[u8]) -> bool {
    matches!(split_header(value), Ok((ogive_vault::Encoding::Pickle, _)))
}
