//! Facts are kept between scans, and never wrong ones.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use ogive_codebase::{
    Cache, CacheOptions, Checkout, Lookup, NameRole, PathTest, ScanOptions, ScanStats, Scanned,
    Wanted,
};

struct Place {
    checkout: tempfile::TempDir,
    cache: tempfile::TempDir,
}

impl Place {
    /// A checkout of files that were written an hour ago.
    fn new() -> Self {
        let place = Self {
            checkout: tempfile::tempdir().unwrap(),
            cache: tempfile::tempdir().unwrap(),
        };
        for n in 0..20 {
            place.write(&format!("f{n:02}.py"), &format!("def f{n}(): pass\n"));
        }
        place
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.checkout.path().join(path);
        fs::write(&path, text).unwrap();
        let file = fs::File::options().write(true).open(path).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(3600))
            .unwrap();
    }

    fn options(&self) -> CacheOptions {
        CacheOptions {
            folder: Some(self.cache.path().to_owned()),
            ..CacheOptions::default()
        }
    }

    fn open(&self, cache: CacheOptions) -> Checkout {
        let options = ScanOptions {
            cache: Some(cache),
            ..ScanOptions::default()
        };
        Checkout::open(self.checkout.path(), options).unwrap()
    }

    /// The names of all functions, and what the scan did.
    fn scan(&self, cache: CacheOptions) -> (Vec<String>, ScanStats) {
        let mut scan = self.open(cache).scan().unwrap();
        let mut names = Vec::new();
        for scanned in scan.by_ref() {
            match scanned {
                Scanned::File(facts) => {
                    names.extend(facts.parsed.symbols.into_iter().map(|symbol| symbol.name));
                }
                Scanned::Failed(error) => panic!("{error:?}"),
            }
        }
        let stats = scan.stats();
        (names, stats)
    }

    fn cache(&self) -> Cache {
        self.open(self.options()).cache().unwrap().unwrap()
    }

    fn file(&self) -> PathBuf {
        let find = |entry: fs::DirEntry| {
            let path = entry.path();
            path.extension().is_some_and(|e| e == "db").then_some(path)
        };
        fs::read_dir(self.cache.path())
            .unwrap()
            .flatten()
            .find_map(find)
            .unwrap()
    }
}

fn remove_log(path: &Path) {
    for suffix in ["-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        let _ = fs::remove_file(PathBuf::from(name));
    }
}

#[test]
fn only_changed_files_are_parsed_again_and_deleted_ones_leave() {
    let place = Place::new();
    let (names, stats) = place.scan(place.options());
    assert_eq!((names.len(), stats.cached), (20, 0));
    let (again, stats) = place.scan(place.options());
    assert_eq!((&again, stats.cached), (&names, 20));
    // A change that keeps size and time is not seen, as with every such cache; size or time alone is enough.
    place.write("f03.py", "def changed(): pass\n");
    fs::remove_file(place.checkout.path().join("f04.py")).unwrap();
    let (names, stats) = place.scan(place.options());
    assert_eq!((names.len(), stats.cached), (19, 18));
    assert!(names.contains(&"changed".to_owned()) && !names.contains(&"f4".to_owned()));
    assert_eq!(place.cache().info().unwrap().entries, 19);
    // The same content with another time is known by its hash.
    let file = fs::File::options()
        .write(true)
        .open(place.checkout.path().join("f05.py"))
        .unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(60))
        .unwrap();
    let (_, stats) = place.scan(place.options());
    assert_eq!(stats.cached, 19);
    // What was written this moment may be written again with the same time: it is read again.
    fs::write(place.checkout.path().join("f06.py"), "def a6(): pass\n").unwrap();
    place.scan(place.options());
    fs::write(place.checkout.path().join("f06.py"), "def b6(): pass\n").unwrap();
    let (names, _) = place.scan(place.options());
    assert!(names.contains(&"b6".to_owned()));
}

#[test]
fn a_damaged_cache_is_made_anew() {
    let place = Place::new();
    let (names, _) = place.scan(place.options());
    let path = place.file();
    let sound = fs::read(&path).unwrap();
    let mut damages: Vec<Vec<u8>> = vec![
        b"not a database at all".to_vec(),
        Vec::new(),
        sound[..5000].to_vec(),
    ];
    for at in [0, 20, 100, 4096, 8200, sound.len() / 2, sound.len() - 10] {
        let mut damaged = sound.clone();
        let end = (at + 64).min(damaged.len());
        damaged[at..end].fill(0x5a);
        damages.push(damaged);
    }
    for damaged in damages {
        remove_log(&path);
        fs::write(&path, &damaged).unwrap();
        for _ in 0..3 {
            assert_eq!(place.scan(place.options()).0, names);
        }
        let (_, stats) = place.scan(place.options());
        assert_eq!(stats.cached, 20, "the cache works again");
        assert!(place.cache().verify().unwrap().is_empty());
    }
}

#[test]
fn entries_expire_and_the_cache_is_bounded() {
    let place = Place::new();
    place.scan(place.options());
    let at_once = CacheOptions {
        ttl: Some(Duration::ZERO),
        ..place.options()
    };
    let (_, stats) = place.scan(at_once);
    assert_eq!(stats.cached, 0);
    let small = CacheOptions {
        bytes_max: 16 << 10,
        ..place.options()
    };
    place.scan(small);
    let info = place.cache().info().unwrap();
    assert!(info.entries < 20, "{info:?}");
}

#[test]
fn many_scans_at_once_are_right() {
    let place = Place::new();
    let expected = place.scan(place.options()).0;
    remove_log(&place.file());
    fs::remove_file(place.file()).unwrap();
    std::thread::scope(|scope| {
        let scans: Vec<_> = (0..6)
            .map(|_| {
                scope.spawn(|| {
                    (0..3)
                        .map(|_| place.scan(place.options()).0)
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        for scan in scans {
            for names in scan.join().unwrap() {
                assert_eq!(names, expected);
            }
        }
    });
    assert!(place.cache().verify().unwrap().is_empty());
    assert_eq!(place.cache().info().unwrap().entries, 20);
}

#[test]
fn encodings_and_limits_have_entries_of_their_own() {
    let place = Place::new();
    place.scan(place.options());
    let mut options = place.open(place.options()).options().clone();
    options.encoding = ogive_codebase::Encoding::R50kBase;
    let mut scan = Checkout::open(place.checkout.path(), options)
        .unwrap()
        .scan()
        .unwrap();
    assert_eq!(scan.by_ref().count(), 20);
    assert_eq!(scan.stats().cached, 0);
}

/// What a look-up gives is what a scan of all gives and then looks at, whatever is in the cache.
#[test]
fn lookups_give_what_scans_give() {
    let place = Place::new();
    for n in 0..20 {
        let text = format!(
            "import mod{}.part\nfrom x import y{}\nclass C{}:\n    def m{}(self): return call{}(1)\n",
            n % 3,
            n % 4,
            n % 5,
            n % 6,
            n % 7
        );
        place.write(&format!("f{n:02}.py"), &text);
    }
    let files = |lookup: &Lookup| {
        let mut scan = place
            .open(place.options())
            .scan_for(lookup.clone())
            .unwrap();
        let files: Vec<_> = scan
            .by_ref()
            .map(|scanned| match scanned {
                Scanned::File(facts) => facts,
                Scanned::Failed(error) => panic!("{error:?}"),
            })
            .collect();
        (files, scan.stats())
    };
    let roles = [
        (NameRole::Module, "mod", 3),
        (NameRole::Imported, "y", 4),
        (NameRole::Exported, "C", 5),
        (NameRole::Class, "C", 5),
        (NameRole::Function, "m", 6),
        (NameRole::Symbol, "m", 6),
        (NameRole::Called, "call", 7),
        (NameRole::Used, "call", 7),
    ];
    for round in 0..3 {
        for (role, stem, count) in roles {
            for n in 0..=count {
                let name = format!("{stem}{n}");
                let lookup = Lookup {
                    names: vec![(role, vec![name.clone(), "nowhere".to_owned()])],
                    paths: vec![PathTest::Prefix("f".to_owned())],
                };
                let has = |facts: &ogive_codebase::FileFacts| {
                    let parsed = &facts.parsed;
                    match role {
                        NameRole::Module => parsed
                            .imports
                            .iter()
                            .any(|i| i.module == name || i.root() == Some(name.as_str())),
                        NameRole::Imported => parsed
                            .imports
                            .iter()
                            .any(|i| i.name.as_deref() == Some(&name)),
                        NameRole::Exported => parsed.exports.iter().any(|e| e.name == name),
                        NameRole::Called => parsed.calls.iter().any(|c| c.name == name),
                        NameRole::Used => parsed.references.iter().any(|r| r.name == name),
                        _ => parsed.symbols.iter().any(|s| s.name == name),
                    }
                };
                let (found, stats) = files(&lookup);
                let (all, _) = files(&Lookup::default());
                let paths = |files: &[Box<ogive_codebase::FileFacts>]| -> Vec<String> {
                    let meant = files.iter().filter(|facts| has(facts));
                    meant.map(|facts| facts.file.path.clone()).collect()
                };
                assert_eq!(paths(&found), paths(&all), "{role:?} {name}");
                assert_eq!(stats.pruned + found.len() as u64, 20);
                if round > 0 || n > 0 {
                    // All is in the cache: no other files come, but where hashes meet.
                    assert!(
                        found.len() <= paths(&all).len() + 1,
                        "{role:?} {name}: {stats:?}"
                    );
                }
            }
        }
        // A file that changed is looked at, whatever was known of it.
        place.write(
            "f00.py",
            &format!("class C4:\n    def m5(self): return {round}{round}\n"),
        );
    }
    let one = Lookup {
        paths: vec![PathTest::OneOf(vec!["f03.py".to_owned()])],
        ..Lookup::default()
    };
    let (found, stats) = files(&one);
    assert_eq!((found.len(), stats.pruned), (1, 19));
}

/// An entry of an outline serves outlines and nothing else; one of all facts serves both.
#[test]
fn outlines_are_kept_beside_facts() {
    let place = Place::new();
    let scan = |wanted| {
        let mut scan = place.open(place.options()).wanting(wanted).scan().unwrap();
        let tokens = scan.by_ref().all(|scanned| match scanned {
            Scanned::File(facts) => facts.file.tokens.is_some(),
            Scanned::Failed(_) => false,
        });
        (tokens, scan.stats().cached)
    };
    assert_eq!(scan(Wanted::Outline), (false, 0));
    assert_eq!(scan(Wanted::Outline), (false, 20));
    assert_eq!(scan(Wanted::All), (true, 0));
    assert_eq!(scan(Wanted::All), (true, 20));
    assert_eq!(scan(Wanted::Outline), (true, 20));
}

/// A fingerprint that is damaged leaves no file out.
#[test]
fn damaged_fingerprints_leave_nothing_out() {
    let place = Place::new();
    let lookup = || Lookup {
        names: vec![(NameRole::Function, vec!["f7".to_owned()])],
        ..Lookup::default()
    };
    let pruned = || {
        let mut scan = place.open(place.options()).scan_for(lookup()).unwrap();
        let count = scan.by_ref().count();
        assert_eq!(count as u64 + scan.stats().pruned, 20);
        scan.stats().pruned
    };
    assert_eq!(pruned(), 0);
    assert_eq!(pruned(), 19);
    let file = fs::read_dir(place.cache.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|extension| extension == "db"))
        .unwrap();
    let connection = rusqlite::Connection::open(file).unwrap();
    connection
        .execute(
            "UPDATE files SET names = zeroblob(length(names)) WHERE path = 'f03.py'",
            [],
        )
        .unwrap();
    connection
        .execute(
            "UPDATE files SET path = 'f05.py', settings = 'x' WHERE path = 'f04.py'",
            [],
        )
        .unwrap();
    drop(connection);
    // f03 is parsed again for its checksum, f04 is not known.
    assert_eq!(pruned(), 17);
    assert_eq!(pruned(), 19);
}
