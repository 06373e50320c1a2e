//! kNN joins against one query for each row of the left, over generated tables and statements.
//!
//! A failing case prints its seed and the statement; `OGIVE_SEED=n` runs that one alone.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, Float32Builder, Int64Array, ListBuilder, RecordBatch,
};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, Float64Type, Int64Type};
use datafusion::datasource::MemTable;
use ogive::{Session, SessionBuilder};

use crate::generated::Random;

/// What kinds of rows a table has beside plain ones.
#[derive(Clone, Copy)]
struct Oddities {
    nulls: bool,
    holes: bool,
    not_numbers: bool,
}

/// Vectors on a coarse grid, so that distances tie; some zero, some NULL, some with a NULL element, some NaN.
fn vectors(random: &mut Random, rows: usize, dimension: usize, odd: Oddities) -> ArrayRef {
    let mut lists = ListBuilder::new(Float32Builder::new());
    for _ in 0..rows {
        let kind = random.below(30);
        if kind == 0 && odd.nulls {
            lists.append_null();
            continue;
        }
        for element in 0..dimension {
            let value = match kind {
                1 => 0.0,
                2 if odd.not_numbers => f32::NAN,
                3 if odd.not_numbers => 1e30,
                _ => random.below(7) as f32 - 3.0,
            };
            let hole = kind == 4 && odd.holes && element == 0;
            lists.values().append_option((!hole).then_some(value));
        }
        lists.append(true);
    }
    Arc::new(lists.finish())
}

fn list_type(element: DataType, dimension: usize, fixed: bool) -> DataType {
    let field = Arc::new(Field::new_list_field(element, true));
    if fixed {
        DataType::FixedSizeList(field, dimension as i32)
    } else {
        DataType::List(field)
    }
}

fn batch(vectors: &ArrayRef, list: &DataType, first_id: i64) -> RecordBatch {
    let ids = Int64Array::from_iter_values(first_id..first_id + vectors.len() as i64);
    let tags = Int64Array::from_iter_values(ids.values().iter().map(|id| id % 5));
    RecordBatch::try_from_iter_with_nullable([
        ("id", Arc::new(ids) as ArrayRef, false),
        ("v", cast(vectors, list).unwrap(), true),
        ("tag", Arc::new(tags) as ArrayRef, false),
    ])
    .unwrap()
}

/// A table of several partitions, each of several batches.
fn table(
    random: &mut Random,
    rows: usize,
    dimension: usize,
    list: &DataType,
    odd: Oddities,
) -> Arc<MemTable> {
    let partitions = 1 + random.below(4) as usize;
    let mut parts = vec![Vec::new(); partitions];
    let mut id = 0;
    while id < rows {
        let count = (1 + random.below(120) as usize).min(rows - id);
        let vectors = vectors(random, count, dimension, odd);
        let batch = batch(&vectors, list, id as i64);
        parts[random.below(partitions as u64) as usize].push(batch);
        id += count;
    }
    let empty = batch(&vectors(random, 0, dimension, odd), list, 0);
    Arc::new(MemTable::try_new(empty.schema(), parts).unwrap())
}

/// One column of ids and one of distances.
type Pairs = Vec<(Option<i64>, Option<f64>)>;

fn bits(distance: Option<f64>) -> Option<u64> {
    distance.map(|distance| (distance + 0.0).to_bits())
}

/// `SELECT key, id, distance`: the pairs for each key, in the order they come.
async fn pairs(session: &Session, sql: &str) -> HashMap<i64, Pairs> {
    let batches = session
        .sql(sql)
        .await
        .unwrap_or_else(|e| panic!("{sql}\n{e}"));
    let batches = batches
        .collect()
        .await
        .unwrap_or_else(|e| panic!("{sql}\n{e}"));
    let mut pairs: HashMap<i64, Pairs> = HashMap::new();
    for batch in batches {
        let keys = batch.column(0).as_primitive::<Int64Type>();
        let ids = batch.column(1).as_primitive::<Int64Type>();
        let distances = batch.column(2).as_primitive::<Float64Type>();
        for row in 0..batch.num_rows() {
            pairs.entry(keys.value(row)).or_default().push((
                ids.is_valid(row).then(|| ids.value(row)),
                distances.is_valid(row).then(|| distances.value(row)),
            ));
        }
    }
    pairs
}

async fn explain(session: &Session, sql: &str) -> String {
    let frame = session.sql(&format!("EXPLAIN {sql}")).await.unwrap();
    let batches = frame.collect().await.unwrap();
    datafusion::arrow::util::pretty::pretty_format_batches(&batches)
        .unwrap()
        .to_string()
}

struct Case {
    left_rows: usize,
    join: String,
    /// The query for the row `{id}` of the left, with and without a limit.
    single: String,
    every: String,
    has_operator: bool,
    keeps_left: bool,
    /// The sort key is the distance rounded to fewer digits, so that other distances tie.
    rounds: bool,
}

impl Case {
    /// Distances in the eyes of the sort, in no order.
    fn keys(&self, pairs: &Pairs) -> Vec<Option<u64>> {
        let keys = pairs.iter().map(|(_, distance)| match self.rounds {
            true => bits(distance.map(|distance| distance * 2.0 + 1.0)),
            false => bits(*distance),
        });
        let mut keys: Vec<_> = keys.collect();
        keys.sort_unstable();
        keys
    }
}

fn case(random: &mut Random, left_rows: usize) -> Case {
    let function = *random.pick(&[
        "l2_distance",
        "l2_squared_distance",
        "l1_distance",
        "inner_product",
        "negative_inner_product",
        "cosine_distance",
        "cosine_similarity",
        "array_distance",
    ]);
    let swapped = random.below(3) == 0;
    let call = |query: &str| match swapped {
        true => format!("{function}({query}, d.v)"),
        false => format!("{function}(d.v, {query})"),
    };
    let wrapper = random.below(6);
    let key = |query: &str| match wrapper {
        0 => format!("-{}", call(query)),
        1 => format!("{} * 2 + 1", call(query)),
        _ => call(query),
    };
    let order = *random.pick(&["", "DESC", "DESC NULLS LAST", "NULLS FIRST"]);
    let (filter, correlated) = match random.below(8) {
        0 => ("d.id % 3 = 1", false),
        1 => ("d.id > 40 AND d.tag <> 2", false),
        2 => ("d.id < 0", false),
        3 => ("d.tag = {tag}", true),
        4 => ("d.id > {id}", true),
        _ => ("true", false),
    };
    let filter = |id: &str, tag: &str| filter.replace("{id}", id).replace("{tag}", tag);
    let k = *random.pick(&[1, 2, 10, 17, 400]);
    let skip = random.below(8) == 0;
    let offset = if skip { "OFFSET 2" } else { "" };
    let keeps_left = random.below(3) == 0;
    let join = if keeps_left {
        "LEFT JOIN LATERAL"
    } else {
        "INNER JOIN LATERAL"
    };
    let join = format!(
        "SELECT q.id, x.id, x.distance FROM q {join} (SELECT d.id, {} AS distance FROM d WHERE {} ORDER BY {} {order} LIMIT {k} {offset}) x ON true",
        call("q.v"),
        filter("q.id", "q.tag"),
        key("q.v"),
    );
    let query = "(SELECT q.v FROM q WHERE q.id = {id})";
    let tag = "(SELECT q.tag FROM q WHERE q.id = {id})";
    let every = format!(
        "SELECT 0, d.id, {} AS distance FROM d WHERE {}",
        call(query),
        filter("{id}", tag)
    );
    Case {
        left_rows,
        join,
        single: format!("{every} ORDER BY {} {order} LIMIT {k} {offset}", key(query)),
        every,
        has_operator: !correlated && !skip,
        keeps_left,
        rounds: wrapper == 1,
    }
}

async fn check(session: &Session, plain: &Session, case: &Case, context: &str) {
    let joined = pairs(session, &case.join).await;
    for id in 0..case.left_rows as i64 {
        let of = |sql: &str| sql.replace("{id}", &id.to_string());
        let mut expected = pairs(plain, &of(&case.single))
            .await
            .remove(&0)
            .unwrap_or_default();
        if expected.is_empty() && case.keeps_left {
            expected.push((None, None));
        }
        let found = joined.get(&id).cloned().unwrap_or_default();
        assert_eq!(
            case.keys(&found),
            case.keys(&expected),
            "{context}\n{}\nrow {id}: {found:?}\nexpected {expected:?}",
            case.join
        );
        let every: HashMap<_, _> = pairs(plain, &of(&case.every))
            .await
            .remove(&0)
            .unwrap_or_default()
            .into_iter()
            .map(|(id, distance)| (id, bits(distance)))
            .collect();
        let mut seen = std::collections::HashSet::new();
        for (neighbour, distance) in &found {
            assert!(
                seen.insert(*neighbour),
                "{context}\n{}\nrow {id} twice",
                case.join
            );
            if neighbour.is_some() {
                assert_eq!(every.get(neighbour), Some(&bits(*distance)), "{context}");
            }
        }
    }
}

async fn run(seed: u64) -> bool {
    let mut random = Random(seed);
    let odd = Oddities {
        nulls: random.below(2) == 0,
        holes: random.below(3) == 0,
        not_numbers: random.below(3) == 0,
    };
    let dimension = *random.pick(&[1, 2, 3, 8, 17]);
    let element = |random: &mut Random| {
        random
            .pick(&[
                DataType::Float32,
                DataType::Float32,
                DataType::Float64,
                DataType::Float16,
            ])
            .clone()
    };
    let fixed = random.below(2) == 0;
    let left_list = list_type(element(&mut random), dimension, fixed);
    let right_list = list_type(element(&mut random), dimension, fixed);
    let left_rows = *random.pick(&[1, 5, 6, 20]);
    let right_rows = *random.pick(&[0, 1, 30, 500]);
    let left = table(&mut random, left_rows, dimension, &left_list, odd);
    let right = table(&mut random, right_rows, dimension, &right_list, odd);
    let case = case(&mut random, left_rows);

    let session = |partitions| {
        let session = SessionBuilder::new()
            .with_target_partitions(partitions)
            .build()
            .unwrap();
        let context = session.context();
        context.register_table("q", Arc::clone(&left) as _).unwrap();
        context
            .register_table("d", Arc::clone(&right) as _)
            .unwrap();
        session
    };
    let on = session(1 + random.below(3) as usize);
    let off = session(2);
    off.sql("SET ogive.enable_top_k = false").await.unwrap();
    let context = format!("OGIVE_SEED={seed}");
    let plan = explain(&on, &case.join).await;
    assert_eq!(
        plan.contains("KnnJoinExec"),
        case.has_operator,
        "{context}\n{}\n{plan}",
        case.join
    );
    check(&on, &off, &case, &context).await;
    check(&off, &off, &case, &context).await;
    case.has_operator
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn joins_are_the_single_queries() {
    if let Ok(seed) = std::env::var("OGIVE_SEED") {
        run(seed.parse().unwrap()).await;
        return;
    }
    let mut operators = 0;
    for seed in 0..60 {
        operators += usize::from(run(seed).await);
    }
    assert!(
        operators > 30,
        "only {operators} of the cases had the operator"
    );
}

/// Under a memory limit the left is searched in several blocks, and the right run once for each.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_memory_limit_makes_blocks() {
    let mut random = Random(1);
    let odd = Oddities {
        nulls: true,
        holes: false,
        not_numbers: false,
    };
    let list = list_type(DataType::Float32, 8, true);
    let left = table(&mut random, 4000, 8, &list, odd);
    let right = table(&mut random, 300, 8, &list, odd);
    let session = |limit: Option<usize>| {
        let mut builder = SessionBuilder::new().with_target_partitions(2);
        if let Some(bytes) = limit {
            builder = builder.with_memory_limit(bytes);
        }
        let session = builder.build().unwrap();
        let context = session.context();
        context.register_table("q", Arc::clone(&left) as _).unwrap();
        context
            .register_table("d", Arc::clone(&right) as _)
            .unwrap();
        session
    };
    let sql = "SELECT q.id, x.id, x.distance FROM q CROSS JOIN LATERAL \
               (SELECT d.id, d.v <-> q.v AS distance FROM d WHERE d.id % 2 = 0 ORDER BY distance LIMIT 5) x";
    let limited = session(Some(6 * 1024 * 1024));
    let free = session(None);
    let (with, without) = (pairs(&limited, sql).await, pairs(&free, sql).await);
    assert_eq!(with.len(), 4000);
    for (id, found) in with {
        let distances = |pairs: &Pairs| pairs.iter().map(|(_, d)| bits(*d)).collect::<Vec<_>>();
        assert_eq!(distances(&found), distances(&without[&id]), "row {id}");
    }
    let analyzed = explain(&limited, &format!("ANALYZE {sql}")).await;
    let blocks = analyzed
        .split("query_blocks=")
        .nth(1)
        .and_then(|rest| rest.split([',', ']']).next())
        .and_then(|count| count.trim().parse::<usize>().ok());
    assert!(blocks.is_some_and(|blocks| blocks > 1), "{analyzed}");
}
