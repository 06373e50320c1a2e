//! Every operator on every one of pgvector's types, with the rules on and off, over generated statements.
//!
//! A failing case prints its seed and the statement; `OGIVE_SEED=n` runs that one alone.

use ogive::{Session, SessionBuilder};

use crate::generated::{Random, keys};

const DIMENSION: usize = 6;
/// So long that constants become a part of the function.
const LONG: usize = 20;
const ROWS: usize = 220;

/// A type with its operators, and texts of its values.
struct Kind {
    declared: &'static str,
    operators: &'static [&'static str],
    value: fn(&mut Random) -> String,
}

const DISTANCES: &[&str] = &["<->", "<#>", "<=>", "<+>"];
const BITS: &[&str] = &["<~>", "<%>"];

const KINDS: [Kind; 8] = [
    Kind {
        declared: "vector(6)",
        operators: DISTANCES,
        value: dense,
    },
    Kind {
        declared: "vector(20)",
        operators: DISTANCES,
        value: |random| dense_of(random, LONG),
    },
    Kind {
        declared: "halfvec(20)",
        operators: DISTANCES,
        value: |random| dense_of(random, LONG),
    },
    Kind {
        declared: "vector",
        operators: DISTANCES,
        value: dense,
    },
    Kind {
        declared: "halfvec(6)",
        operators: DISTANCES,
        value: dense,
    },
    Kind {
        declared: "sparsevec(6)",
        operators: DISTANCES,
        value: sparse,
    },
    // Whole bytes, which the kernels read where they lie, and others.
    Kind {
        declared: "bit(16)",
        operators: BITS,
        value: |random| bits(random, 16),
    },
    Kind {
        declared: "bit(5)",
        operators: BITS,
        value: |random| bits(random, 5),
    },
];

/// On a coarse grid, so that distances tie; some zero, some so large that sums overflow single precision.
fn dense(random: &mut Random) -> String {
    dense_of(random, DIMENSION)
}

fn dense_of(random: &mut Random, dimension: usize) -> String {
    let kind = random.below(25);
    let numbers: Vec<String> = (0..dimension)
        .map(|_| match kind {
            0 => "0".to_string(),
            1 => "60000".to_string(),
            _ => format!("{}", random.below(9) as f32 / 2.0 - 2.0),
        })
        .collect();
    format!("[{}]", numbers.join(","))
}

fn sparse(random: &mut Random) -> String {
    let mut entries = Vec::new();
    for index in 1..=DIMENSION {
        if random.below(3) == 0 {
            entries.push(format!("{index}:{}", random.below(7) as f32 - 3.0));
        }
    }
    format!("{{{}}}/{DIMENSION}", entries.join(","))
}

fn bits(random: &mut Random, length: usize) -> String {
    let zero = random.below(20) == 0;
    (0..length)
        .map(|_| match random.below(2) {
            1 if !zero => '1',
            _ => '0',
        })
        .collect()
}

/// The rows of a kind, as `INSERT` takes them; every ninth is NULL.
fn rows(kind: &Kind, random: &mut Random) -> String {
    let rows: Vec<String> = (0..ROWS)
        .map(|id| match random.below(9) {
            0 => format!("({id}, NULL)"),
            _ => format!("({id}, '{}')", (kind.value)(random)),
        })
        .collect();
    rows.join(", ")
}

fn statement(random: &mut Random, kind: &Kind, tables: &[String]) -> String {
    let table = random.pick(tables).clone();
    let operator = *random.pick(kind.operators);
    let query = match random.below(5) {
        0 => format!(
            "(SELECT v FROM {} WHERE id = {})",
            random.pick(tables),
            random.below(ROWS as u64)
        ),
        1 => format!("'{}'::{}", (kind.value)(random), kind.declared),
        _ => format!("'{}'", (kind.value)(random)),
    };
    let key = match random.below(4) {
        0 => format!("({query} {operator} v)"),
        _ => format!("(v {operator} {query})"),
    };
    let filter = match random.below(4) {
        0 => format!("WHERE id % {} = 0", 2 + random.below(4)),
        1 => format!("WHERE {key} < {}", random.below(9)),
        2 => format!("WHERE {key} <= {} AND id > 20", random.below(4)),
        _ => String::new(),
    };
    let direction = random.pick(&["", "DESC", "DESC NULLS LAST", "NULLS FIRST"]);
    let second = random.pick(&["", ", id"]);
    let limit = match random.below(4) {
        0 => String::new(),
        _ => format!(
            "LIMIT {} OFFSET {}",
            random.pick(&[1, 4, 30, 1000]),
            random.below(3)
        ),
    };
    format!(
        "SELECT CAST(id AS BIGINT) AS id, {key} AS d, {key} AS key FROM {table} {filter} ORDER BY key {direction}{second} {limit}"
    )
}

async fn run(session: &Session, sql: &str) {
    let frame = session
        .sql(sql)
        .await
        .unwrap_or_else(|e| panic!("{sql}: {e}"));
    frame
        .collect()
        .await
        .unwrap_or_else(|e| panic!("{sql}: {e}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rules_change_no_answer_of_any_operator() {
    let only: Option<u64> = std::env::var("OGIVE_SEED")
        .ok()
        .map(|seed| seed.parse().unwrap());
    let scratch = tempfile::tempdir().unwrap();
    let session = |partitions| {
        SessionBuilder::new()
            .with_target_partitions(partitions)
            .build()
            .unwrap()
    };
    let (on, off) = (session(3), session(1));
    off.sql("SET ogive.enable_top_k = false").await.unwrap();
    on.sql("SET ogive.split_min_bytes = 0").await.unwrap();
    let mut tables = Vec::new();
    for (index, kind) in KINDS.iter().enumerate() {
        let memory = format!("m{index}");
        let values = rows(kind, &mut Random(index as u64));
        for session in [&on, &off] {
            run(
                session,
                &format!("CREATE TABLE {memory} (id INT, v {})", kind.declared),
            )
            .await;
            run(session, &format!("INSERT INTO {memory} VALUES {values}")).await;
        }
        let mut of_kind = vec![memory.clone()];
        let mut files = vec![
            ("plain.parquet", "'format.compression' 'uncompressed'", ""),
            ("packed.parquet", "'format.max_row_group_size' '70'", ""),
        ];
        if kind.declared.contains("vec")
            && !kind.declared.starts_with("sparse")
            && kind.declared.contains('(')
        {
            // Files of vectors have no NULL.
            files.push((
                "vectors.cvc",
                "compression 'none', chunk_rows '50'",
                "WHERE v IS NOT NULL",
            ));
        }
        for (name, options, filter) in files {
            let path = scratch.path().join(format!("{index}_{name}"));
            let path = path.display();
            run(
                &on,
                &format!(
                    "COPY (SELECT id, v FROM {memory} {filter}) TO '{path}' OPTIONS ({options})"
                ),
            )
            .await;
            of_kind.push(format!("'{path}'"));
        }
        tables.push(of_kind);
    }
    let mut pushed = 0;
    for seed in only.map_or(0..480, |seed| seed..seed + 1) {
        let kind = (seed % KINDS.len() as u64) as usize;
        let sql = statement(&mut Random(seed), &KINDS[kind], &tables[kind]);
        match (keys(&on, &sql).await, keys(&off, &sql).await) {
            (Ok((keys_on, rows_on)), Ok((keys_off, rows_off))) => {
                assert_eq!(keys_on, keys_off, "seed {seed}: {sql}");
                if sql.contains(", id ") {
                    assert_eq!(rows_on, rows_off, "seed {seed}: {sql}");
                }
            }
            (with_rule, without) => panic!("seed {seed}: {with_rule:?} {without:?}: {sql}"),
        }
        let plan = on.sql(&format!("EXPLAIN {sql}")).await.unwrap();
        let plan = plan.to_string().await.unwrap();
        pushed += usize::from(plan.contains("topk=[") || plan.contains("range=["));
    }
    if only.is_none() {
        assert!(pushed > 160, "only {pushed} of 480 queries were searched");
    }
}
