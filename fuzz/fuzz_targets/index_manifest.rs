//! Manifests of indexes.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ogive_fuzz::with_memory;
use ogive_index::manifest::Manifest;

fuzz_target!(|data: &[u8]| {
    with_memory("reading", (1 << 16) + 128 * data.len(), || check(data));
    // The same with the checksum made right.
    if let Some(inner) = data.strip_prefix(b"{\"checksum\":\"00000000\",\"manifest\":")
        && let Some(inner) = inner.strip_suffix(b"}")
    {
        let mut mended = format!(
            "{{\"checksum\":\"{:08x}\",\"manifest\":",
            crc32fast::hash(inner)
        )
        .into_bytes();
        mended.extend(inner);
        mended.push(b'}');
        check(&mended);
    }
});

fn check(text: &[u8]) {
    match Manifest::read(text) {
        Ok(manifest) => {
            let again = Manifest::read(manifest.write().as_bytes()).expect("what was written");
            assert_eq!(again, manifest);
            let _ = manifest.is_current(&again.source);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}
