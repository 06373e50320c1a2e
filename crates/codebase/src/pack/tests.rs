use super::*;
use crate::checkout::ScanOptions;
use crate::parse::parse_source;
use crate::tokens::Encoding;

/// A checkout with modules that import each other, a secret, and repeated files.
fn checkout() -> (tempfile::TempDir, Checkout) {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let body = |name: &str, functions: usize| {
        let mut text = format!("\"\"\"About {name}.\"\"\"\nimport core\n\n");
        for n in 0..functions {
            text.push_str(&format!(
                "def {name}_{n}(a, b):\n    \"\"\"Does {n}.\n\n    More.\n    \"\"\"\n    # why\n    if a and b:\n        return shared(a, {n})\n    return [x for x in b if x > {n}]\n\n\n"
            ));
        }
        text
    };
    write("core.py", "def shared(a, b):\n    return a + b\n");
    for (name, functions) in [("one", 3), ("two", 10), ("three", 40), ("four", 5)] {
        write(&format!("pkg/{name}.py"), &body(name, functions));
    }
    write("pkg/again.py", &body("one", 3));
    write(
        "lib/a.ts",
        "import { b } from './b';\nexport const a = () => b(`x\n\n\ny`); // note\n",
    );
    write("lib/b.ts", "export function b(x: string) { return x; }\n");
    write("README.md", "# Read me\n\nText with ``` in it.\n");
    write(
        "conf/settings.txt",
        concat!("key: AKIA", "IOSFODNN7EXAMPLE\n"),
    );
    write("binary.bin", "\0\0\0");
    let checkout = Checkout::open(folder.path(), ScanOptions::default()).unwrap();
    (folder, checkout)
}

/// Packs twice, and checks what must hold of every output.
fn packed(options: &PackOptions) -> Result<(Vec<PackedChunk>, Packed)> {
    let (_folder, checkout) = checkout();
    let options = PackOptions {
        title: Some("sample".to_owned()),
        ..options.clone()
    };
    let (chunks, packed) = pack(&checkout, &options)?;
    for chunk in &chunks {
        assert_eq!(chunk.tokens, Encoding::O200kBase.count(&chunk.content));
        if let Some(budget) = options.budget {
            assert!(chunk.tokens <= budget, "{} > {budget}", chunk.tokens);
        }
    }
    let again = pack(&checkout, &options)?;
    assert_eq!((&chunks, &packed), (&again.0, &again.1), "two runs differ");
    assert_eq!(packed.chunks as usize, chunks.len());
    Ok((chunks, packed))
}

const FORMATS: [Format; 4] = [Format::Markdown, Format::Json, Format::Xml, Format::Plain];

#[test]
fn every_output_keeps_to_its_budget() {
    for format in FORMATS {
        for budget in [150, 200, 300, 500, 1000, 2000, 4000, 100_000] {
            let options = PackOptions {
                budget: Some(budget),
                format,
                ..PackOptions::default()
            };
            match packed(&options) {
                Ok((chunks, _)) => assert_eq!(chunks.len(), 1),
                Err(Error::BudgetTooSmall { .. }) => assert!(budget < 300, "{format:?} {budget}"),
                Err(error) => panic!("{error}"),
            }
        }
    }
}

#[test]
fn more_budget_gives_more_of_the_files_that_matter() {
    let level_of = |budget: u64, path: &str| {
        let options = PackOptions {
            budget: Some(budget),
            ..PackOptions::default()
        };
        let (chunks, _) = packed(&options).unwrap();
        let file = chunks[0].files.iter().find(|file| file.path == path);
        file.map(|file| file.level)
    };
    assert_eq!(level_of(600, "core.py"), Some(Level::Full));
    assert!(level_of(600, "pkg/three.py") < Some(Level::Full));
    assert_eq!(level_of(100_000, "pkg/three.py"), Some(Level::Full));
}

#[test]
fn what_is_left_out_is_named() {
    let options = PackOptions {
        budget: Some(400),
        level: PackLevel::Fixed(Level::Full),
        ..PackOptions::default()
    };
    let (chunks, packed) = packed(&options).unwrap();
    let reason = |path: &str| {
        packed
            .left_out
            .iter()
            .find(|left| left.path == path)
            .map(|left| left.reason.clone())
    };
    assert_eq!(
        reason("conf/settings.txt"),
        Some(Reason::Secret("an access key of AWS".to_owned()))
    );
    assert_eq!(
        reason("pkg/one.py"),
        Some(Reason::Duplicate("pkg/again.py".to_owned(), 1.0))
    );
    assert_eq!(reason("pkg/three.py"), Some(Reason::Budget));
    let header = chunks[0].content.split("\n## ").next().unwrap();
    for part in [
        "conf/settings.txt (an access key of AWS)",
        "pkg/one.py (as pkg/again.py)",
        "pkg/three.py",
    ] {
        assert!(header.contains(part), "{header}");
    }
    assert!(!chunks[0].content.contains("AKIA"));
    let options = PackOptions {
        secrets: true,
        ..PackOptions::default()
    };
    let (chunks, _) = self::packed(&options).unwrap();
    assert!(chunks[0].content.contains("AKIA"));
}

/// The text of each file, from all chunks together.
fn texts(chunks: &[PackedChunk]) -> BTreeMap<String, String> {
    let mut texts: BTreeMap<String, String> = BTreeMap::new();
    for chunk in chunks {
        let value: serde_json::Value = serde_json::from_str(&chunk.content).unwrap();
        for file in value["files"].as_array().unwrap() {
            texts
                .entry(file["path"].as_str().unwrap().to_owned())
                .or_default()
                .push_str(file["content"].as_str().unwrap());
        }
    }
    texts
}

#[test]
fn chunks_hold_every_file_whole() {
    for chunking in [Chunking::Size, Chunking::Balanced, Chunking::Semantic] {
        for budget in [400, 700, 3000] {
            let options = PackOptions {
                budget: Some(budget),
                chunks: Some(chunking),
                format: Format::Json,
                ..PackOptions::default()
            };
            let (chunks, packed) = packed(&options).unwrap();
            assert!(
                packed
                    .left_out
                    .iter()
                    .all(|left| left.reason != Reason::Budget)
            );
            let (_folder, checkout) = checkout();
            for (path, text) in texts(&chunks) {
                let content = checkout.read(&path).unwrap();
                let language = Language::detect(&path, b"");
                assert_eq!(
                    text,
                    compress(&path, &content, language, Level::Full),
                    "{path}"
                );
                assert!(parse_source(&text, language).problems.is_empty());
            }
            assert_eq!(texts(&chunks).len(), 8, "{chunking:?} {budget}");
        }
    }
}

#[test]
fn all_formats_deal_within_the_budget() {
    for format in FORMATS {
        for chunking in [Chunking::Size, Chunking::Balanced, Chunking::Semantic] {
            let options = PackOptions {
                budget: Some(500),
                chunks: Some(chunking),
                format,
                ..PackOptions::default()
            };
            assert!(packed(&options).unwrap().0.len() > 3);
        }
    }
}

#[test]
fn semantic_chunks_keep_groups_together() {
    let options = PackOptions {
        budget: Some(4500),
        chunks: Some(Chunking::Semantic),
        ..PackOptions::default()
    };
    let (chunks, _) = packed(&options).unwrap();
    let chunk_of = |path: &str| {
        chunks
            .iter()
            .position(|chunk| chunk.files.iter().any(|file| file.path == path))
    };
    assert_eq!(chunk_of("lib/a.ts"), chunk_of("lib/b.ts"));
}

#[test]
fn balanced_chunks_are_alike() {
    let candidates: Vec<Candidate> = (0..40u64)
        .map(|n| Candidate {
            path: format!("{n:02}"),
            language: Language::TEXT,
            bytes: 0,
            score: 0.0,
            costs: BTreeMap::from([(Level::Full, 10 + n * 7 % 31)]),
        })
        .collect();
    let all: Vec<&Candidate> = candidates.iter().collect();
    let total: u64 = all
        .iter()
        .map(|candidate| candidate.costs[&Level::Full])
        .sum();
    let chunks = deal::balanced(&all, 210);
    let sums: Vec<u64> = chunks
        .iter()
        .map(|chunk| {
            chunk
                .iter()
                .map(|candidate| candidate.costs[&Level::Full])
                .sum()
        })
        .collect();
    assert_eq!(sums.iter().sum::<u64>(), total);
    assert!(sums.len() as u64 <= total.div_ceil(210) + 1, "{sums:?}");
    let (least, most) = (sums.iter().min().unwrap(), sums.iter().max().unwrap());
    assert!(most - least <= 10 && *most <= 210, "{sums:?}");
}

#[test]
fn a_selection_is_all_there_is() {
    let selected = |path: &str, level, score| Selected {
        path: path.to_owned(),
        level,
        score: Some(score),
    };
    let options = PackOptions {
        selection: Some(vec![
            selected("pkg/two.py", Some(Level::Signature), 1.0),
            selected("./core.py", None, 2.0),
        ]),
        ..PackOptions::default()
    };
    let (chunks, packed) = packed(&options).unwrap();
    let files: Vec<_> = chunks[0]
        .files
        .iter()
        .map(|file| (file.path.as_str(), file.level))
        .collect();
    assert_eq!(
        files,
        [("core.py", Level::Full), ("pkg/two.py", Level::Signature)]
    );
    assert!(packed.left_out.is_empty());
}

#[test]
fn selections_are_read_as_they_were_written() {
    let selected = |path: &str, level, score| Selected {
        path: path.to_owned(),
        level,
        score,
    };
    let all = [
        selected("a \"b\"\n\u{1f}", Some(Level::Structural), Some(0.1 + 0.2)),
        selected("c", None, Some(f64::INFINITY)),
        selected("d", None, None),
    ];
    let read = selection_from_text(&selection_to_text(&all)).unwrap();
    assert_eq!(read[0], all[0]);
    assert_eq!(read[1].score, Some(f64::MAX));
    assert_eq!(read[2], all[2]);
    assert!(selection_from_text("[1]").is_err());
}

#[test]
fn templates_are_filled_within_the_budget() {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| std::fs::write(folder.path().join(path), text).unwrap();
    write("a.py", "def first(x):\n    return x\n");
    write("b.py", "def second(x):\n    y = x + 1\n    return y\n");
    let checkout = Checkout::open(folder.path(), ScanOptions::default()).unwrap();
    let text = "{{ title }} in {{ encoding }}\n{% for file in files %}\n<{{ file.path }} {{ file.language }} {{ file.level }}>\n{{ file.content }}\n{% endfor %}\n{% for left in left_out %}\nnot {{ left.path }}: {{ left.why }}\n{% endfor %}\n";
    let template = Template::new(text).unwrap();
    for budget in [None, Some(45), Some(60), Some(100)] {
        let options = PackOptions {
            budget,
            template: Some(template.clone()),
            title: Some("t".to_owned()),
            ..PackOptions::default()
        };
        let (chunks, _) = pack(&checkout, &options).unwrap();
        let chunk = &chunks[0];
        assert_eq!(chunk.tokens, Encoding::O200kBase.count(&chunk.content));
        assert!(budget.is_none_or(|budget| chunk.tokens <= budget));
        assert!(
            chunk.content.starts_with("t in o200k_base\n"),
            "{}",
            chunk.content
        );
        if budget.is_none() {
            assert!(
                chunk
                    .content
                    .contains("<b.py python full>\ndef second(x):\n")
            );
        }
    }
    assert!(Template::new("{% for %}").is_err());
    let options = PackOptions {
        template: Some(Template::new("{{ nothing }}").unwrap()),
        ..PackOptions::default()
    };
    let error = pack(&checkout, &options).unwrap_err();
    assert!(error.to_string().contains("undefined"), "{error}");
}
