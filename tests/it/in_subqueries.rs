//! `IN` and `EXISTS` over subqueries, in every place of a statement, against the rule of three values written out.

use ogive::{Session, SessionBuilder};

/// A number, or NULL.
type Value = Option<i64>;
type Truth = Option<bool>;

/// What SQL says of `value IN (set)`.
fn is_in(value: Value, set: &[Value]) -> Truth {
    if set.is_empty() {
        return Some(false);
    }
    let value = value?;
    if set.contains(&Some(value)) {
        return Some(true);
    }
    match set.contains(&None) {
        true => None,
        false => Some(false),
    }
}

fn or(left: Truth, right: Truth) -> Truth {
    match (left, right) {
        (Some(true), _) | (_, Some(true)) => Some(true),
        (Some(false), Some(false)) => Some(false),
        _ => None,
    }
}

fn not(truth: Truth) -> Truth {
    truth.map(|truth| !truth)
}

const ROWS: [Value; 4] = [Some(1), Some(2), Some(3), None];

fn sets() -> Vec<Vec<Value>> {
    let values = [Some(1), Some(2), None];
    (0..8)
        .map(|bits| {
            let chosen = (0..3).filter(|bit| bits >> bit & 1 == 1);
            chosen.map(|bit| values[bit]).collect()
        })
        .collect()
}

fn values(set: &[Value]) -> String {
    let rows = set.iter().map(|value| format!("({}, 1)", id(*value)));
    rows.collect::<Vec<_>>().join(", ")
}

async fn numbers(session: &Session, sql: &str) -> Vec<String> {
    let frame = session
        .sql(sql)
        .await
        .unwrap_or_else(|e| panic!("{sql}: {e}"));
    let batches = frame
        .collect()
        .await
        .unwrap_or_else(|e| panic!("{sql}: {e}"));
    let mut lines = Vec::new();
    for batch in &batches {
        let columns: Vec<_> = batch.columns().iter().collect();
        for row in 0..batch.num_rows() {
            let cells = columns.iter().map(|column| {
                let options =
                    datafusion::arrow::util::display::FormatOptions::new().with_null("NULL");
                let cells =
                    datafusion::arrow::util::display::ArrayFormatter::try_new(column, &options)
                        .unwrap();
                cells.value(row).to_string()
            });
            lines.push(cells.collect::<Vec<_>>().join(" "));
        }
    }
    lines.sort();
    lines
}

fn shown(truth: Truth) -> String {
    truth.map_or("NULL".to_owned(), |truth| truth.to_string())
}

fn id(value: Value) -> String {
    value.map_or("NULL".to_owned(), |value| value.to_string())
}

/// A condition, and what it is of a value and a set.
type Condition = (String, fn(Value, &[Value]) -> Truth);

/// Conditions over `x` and the set, and what they are.
fn conditions(of: &str) -> Vec<Condition> {
    vec![
        (format!("x IN ({of})"), is_in),
        (format!("x NOT IN ({of})"), |x, s| not(is_in(x, s))),
        (format!("NOT (x IN ({of}))"), |x, s| not(is_in(x, s))),
        (format!("NOT (x NOT IN ({of}))"), is_in),
        (format!("x IN ({of}) OR x = 3"), |x, s| {
            or(is_in(x, s), x.map(|x| x == 3))
        }),
        (format!("x NOT IN ({of}) OR x = 3"), |x, s| {
            or(not(is_in(x, s)), x.map(|x| x == 3))
        }),
        (format!("NOT (x IN ({of}) OR x = 3)"), |x, s| {
            not(or(is_in(x, s), x.map(|x| x == 3)))
        }),
        (format!("(x IN ({of})) IS NULL"), |x, s| {
            Some(is_in(x, s).is_none())
        }),
        (format!("(x NOT IN ({of})) IS NOT TRUE"), |x, s| {
            Some(not(is_in(x, s)) != Some(true))
        }),
        (
            format!("CASE WHEN x IN ({of}) THEN true WHEN x NOT IN ({of}) THEN false END"),
            is_in,
        ),
        (format!("coalesce(x IN ({of}), x IS NULL)"), |x, s| {
            Some(is_in(x, s).unwrap_or(x.is_none()))
        }),
        (format!("EXISTS ({of})"), |_, s| Some(!s.is_empty())),
        (format!("NOT EXISTS ({of}) OR x = 1"), |x, s| {
            or(Some(s.is_empty()), x.map(|x| x == 1))
        }),
        (format!("EXISTS ({of} AND s = x) OR x = 3"), |x, s| {
            let found = x.is_some() && s.contains(&x);
            or(Some(found), x.map(|x| x == 3))
        }),
    ]
}

async fn session() -> Session {
    let session = SessionBuilder::new()
        .with_target_partitions(2)
        .build()
        .unwrap();
    for statement in [
        "CREATE TABLE t (x int)",
        "INSERT INTO t VALUES (1), (2), (3), (NULL)",
        "CREATE TABLE g (s int, g int)",
    ] {
        numbers(&session, statement).await;
    }
    session
}

async fn fill(session: &Session, set: &[Value]) {
    numbers(session, "DELETE FROM g").await;
    if !set.is_empty() {
        let insert = format!("INSERT INTO g VALUES {}", values(set));
        numbers(session, &insert).await;
    }
    // Rows of another group are in no subquery.
    numbers(session, "INSERT INTO g VALUES (3, 2), (NULL, 2)").await;
}

/// The rows for which a condition is true, sorted as text.
fn kept(truth: fn(Value, &[Value]) -> Truth, set: &[Value]) -> Vec<String> {
    let mut kept: Vec<String> = ROWS
        .iter()
        .filter(|x| truth(**x, set) == Some(true))
        .map(|x| id(*x))
        .collect();
    kept.sort();
    kept
}

#[tokio::test]
async fn in_every_place() {
    let session = session().await;
    for set in sets() {
        fill(&session, &set).await;
        for (condition, truth) in conditions("SELECT s FROM g WHERE g = 1") {
            let kept = kept(truth, &set);
            let filter = format!("SELECT x FROM t WHERE {condition}");
            assert_eq!(numbers(&session, &filter).await, kept, "{set:?}: {filter}");
            let joined = format!("SELECT x FROM t JOIN (SELECT 1 AS one) o ON {condition}");
            assert_eq!(numbers(&session, &joined).await, kept, "{set:?}: {joined}");

            let mut all: Vec<String> = ROWS
                .iter()
                .map(|x| format!("{} {}", id(*x), shown(truth(*x, &set))))
                .collect();
            all.sort();
            let listed = format!("SELECT x, {condition} AS c FROM t");
            assert_eq!(numbers(&session, &listed).await, all, "{set:?}: {listed}");
            let sorted = format!("SELECT x FROM t ORDER BY {condition}, x");
            assert_eq!(
                numbers(&session, &sorted).await.len(),
                ROWS.len(),
                "{sorted}"
            );

            let counted = format!("SELECT count(*) FILTER (WHERE {condition}) FROM t");
            assert_eq!(
                numbers(&session, &counted).await,
                [kept.len().to_string()],
                "{counted}"
            );
        }
    }
}

/// A subquery that refers to the row outside.
#[tokio::test]
async fn correlated() {
    let session = session().await;
    for set in sets() {
        fill(&session, &set).await;
        for (condition, truth) in conditions("SELECT s FROM g WHERE g.g = o.one") {
            let kept = kept(truth, &set);
            let filter = format!("SELECT x FROM (SELECT x, 1 AS one FROM t) o WHERE {condition}");
            assert_eq!(numbers(&session, &filter).await, kept, "{set:?}: {filter}");
        }
    }
}
