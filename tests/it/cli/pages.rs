//! Pages of the user's own files.

use super::ogive;

#[test]
fn algorithms_are_compared_over_the_users_own_pages() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    // Four pages of zeros, four of text, and a part of a page, which is left out.
    let mut bytes = vec![0; 4 * 4096];
    let text = b"pages of text are smaller by any of them; ".iter().cycle();
    bytes.extend(text.take(4 * 4096 + 100).copied());
    std::fs::write(at.join("data"), &bytes).unwrap();
    let bench = |more: &[&str]| {
        ogive(
            at,
            &[&["pages", "bench", "data", "--format", "csv"], more].concat(),
        )
    };
    let outcome = bench(&["--plot", "speed.svg"]).ok();
    let lines: Vec<&str> = outcome.stdout.lines().collect();
    let heads = [
        "algorithm,ratio,compress_mb_s,decompress_mb_s,pages,same_fill,incompressible",
        "kept_in,bytes_before,bytes_after,bytes_saved,percent_saved",
    ];
    assert_eq!(lines[0], heads[0]);
    assert!(lines.contains(&heads[1]), "{outcome:?}");
    for name in ["same_fill", "lz4", "lz4hc", "zstd 1", "zstd 3", "auto"] {
        let line = lines
            .iter()
            .find(|line| line.starts_with(&format!("{name},")))
            .unwrap_or_else(|| panic!("no {name} in {outcome:?}"));
        let cells: Vec<&str> = line.split(',').collect();
        let incompressible = if name == "same_fill" { "4" } else { "0" };
        assert_eq!(cells[4..], ["8", "4", incompressible], "{line}");
    }
    // Nothing for zeros, less than half of a page for text.
    let zram = lines
        .iter()
        .find(|line| line.starts_with("zram with lz4,"))
        .unwrap_or_else(|| panic!("no zram in {outcome:?}"));
    let after: u64 = zram.split(',').nth(2).unwrap().parse().unwrap();
    assert!((4..4 * 2048).contains(&after), "{zram}");
    let svg = std::fs::read_to_string(at.join("speed.svg")).unwrap();
    assert!(svg.starts_with("<svg") && svg.contains("lz4hc"), "{svg}");

    bench(&["--plot", "speed.svg"]).fails(1, &["speed.svg"]);
    bench(&["--plot", "speed.svg", "--force"]).ok();
    bench(&["--plot", "speed.png"]).fails(2, &["should end in .svg"]);
    ogive(at, &["pages", "bench", "nowhere"]).fails(1, &["nowhere"]);
    std::fs::write(at.join("empty"), b"").unwrap();
    ogive(at, &["pages", "bench", "empty"]).fails(1, &["no bytes"]);
}

/// Of files longer than the sample all parts count, and the command says so.
#[test]
fn long_files_are_sampled_all_over() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let run = 64 * 4096;
    let mut bytes = vec![0; 4 * run];
    // Noise in every other run.
    let mut state = 1_u64;
    for part in [0, 2] {
        for byte in &mut bytes[part * run..(part + 1) * run] {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            *byte = (state >> 56) as u8;
        }
    }
    std::fs::write(at.join("long"), &bytes).unwrap();
    let sampled = ogive(
        at,
        &[
            "pages", "bench", "long", "--sample", "512KB", "--format", "csv",
        ],
    )
    .ok();
    assert!(
        sampled.stderr.contains("524288 of 1048576 bytes"),
        "{sampled:?}"
    );
    let lz4 = sampled.stdout.lines().find(|line| line.starts_with("lz4,"));
    let cells: Vec<&str> = lz4.unwrap().split(',').collect();
    assert_eq!(cells[4], "128");
}
