//! `INSERT`, `UPDATE`, `DELETE` and `TRUNCATE`, generated, against a `Vec` of rows.
//!
//! A failing case prints its seed and its statements; `OGIVE_SEED=n` runs that one alone.

mod expression;
mod programs;
mod statement;

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use datafusion::arrow::compute::{cast, concat_batches};
use datafusion::arrow::datatypes::{DataType, Float32Type, Float64Type, Int64Type};
use datafusion::datasource::MemTable;
use datafusion::error::DataFusionError;
use ogive::{ErrorFields, Session, SessionBuilder};

use crate::generated::Random;
use expression::{COLUMNS, Kind, Row, Tables, Text, Value};
use statement::{Failure, Rules, Statement};

const SEEDS: u64 = 80;
const STATEMENTS: usize = 25;

/// A session and what its tables hold by the model.
struct Program {
    session: Session,
    rules: BTreeMap<String, Rules>,
    tables: Tables,
    /// What the tables held at `BEGIN`, and whether the block has failed.
    block: Option<(Tables, bool)>,
    prepared: usize,
    /// All statements so far.
    log: Vec<String>,
}

impl Program {
    async fn new(random: &mut Random) -> Self {
        let session = SessionBuilder::new()
            .with_target_partitions(1 + random.below(3) as usize)
            .build()
            .unwrap();
        let mut program = Self {
            session,
            rules: BTreeMap::new(),
            tables: BTreeMap::new(),
            block: None,
            prepared: 0,
            log: Vec::new(),
        };
        for name in ["plain", "cut", "keyed", "keyed_cut"] {
            program.create(random, name).await;
        }
        program
    }

    async fn create(&mut self, random: &mut Random, name: &str) {
        let mut rules = Rules {
            keys: name.starts_with("keyed"),
            ..Rules::default()
        };
        let mut columns = Vec::new();
        for (column, (column_name, kind)) in COLUMNS.into_iter().enumerate() {
            let mut text = format!("{column_name} {}", kind.sql());
            match column {
                0 if rules.keys => text += " PRIMARY KEY",
                1 if rules.keys => text += " UNIQUE",
                2 | 3 if random.below(4) == 0 => {
                    rules.not_null.push(column);
                    text += " NOT NULL";
                }
                _ => {}
            }
            let default = Value::of(random, kind);
            if column > 1 && random.below(3) == 0 && default != Value::Null {
                text += &format!(" DEFAULT {}", default.sql());
                rules.defaults.insert(column, default);
            }
            columns.push(text);
        }
        self.run(&format!("CREATE TABLE {name} ({})", columns.join(", ")))
            .await
            .unwrap();
        let mut rows: Vec<Row> = Vec::new();
        for number in 0..random.below(12) as i64 {
            let mut row: Row = COLUMNS.map(|(_, kind)| Value::of(random, kind)).into();
            if rules.keys {
                row[0] = Value::Int(number);
                row[1] = match row[1] {
                    Value::Null => Value::Null,
                    _ => Value::Text(format!("n{number}")),
                };
            }
            for column in &rules.not_null {
                while row[*column] == Value::Null {
                    row[*column] = Value::of(random, COLUMNS[*column].1);
                }
            }
            rows.push(row);
        }
        if !rows.is_empty() {
            let values: Vec<String> = rows.iter().map(literals).collect();
            self.run(&format!("INSERT INTO {name} VALUES {}", values.join(", ")))
                .await
                .unwrap();
        }
        if name.ends_with("cut") {
            self.cut(random, name).await;
        }
        self.tables.insert(name.to_string(), rows);
        self.rules.insert(name.to_string(), rules);
    }

    /// The same table in several partitions of several batches, some of no rows.
    async fn cut(&mut self, random: &mut Random, name: &str) {
        let table = self.session.context().table_provider(name).await.unwrap();
        let table = table.downcast_ref::<MemTable>().unwrap();
        let whole = batches_of(table).await;
        let whole = concat_batches(&datafusion::catalog::TableProvider::schema(table), &whole);
        let whole = whole.unwrap();
        let mut partitions = vec![Vec::new(); 1 + random.below(4) as usize];
        let mut start = 0;
        while start < whole.num_rows() {
            let rows = random.below(4) as usize;
            let rows = rows.min(whole.num_rows() - start);
            let partition = random.below(partitions.len() as u64) as usize;
            partitions[partition].push(whole.slice(start, rows));
            start += rows;
        }
        let schema = whole.schema();
        let defaults = schema.fields().iter().filter_map(|field| {
            let table: &dyn datafusion::catalog::TableProvider = table;
            let default = table.get_column_default(field.name())?;
            Some((field.name().clone(), default.clone()))
        });
        let defaults = defaults.collect();
        let constraints = datafusion::catalog::TableProvider::constraints(table).cloned();
        let cut = MemTable::try_new(schema, partitions)
            .unwrap()
            .with_constraints(constraints.unwrap_or_default())
            .with_column_defaults(defaults);
        let context = self.session.context();
        context.deregister_table(name).unwrap();
        context.register_table(name, Arc::new(cut)).unwrap();
    }

    async fn run(&mut self, sql: &str) -> Result<Vec<RecordBatch>, DataFusionError> {
        self.log.push(sql.to_string());
        self.session.sql(sql).await?.collect().await
    }

    /// A statement and the model's word on it.
    async fn step(&mut self, random: &mut Random) {
        match (random.below(16), self.block.is_some()) {
            (0, false) => {
                self.run("BEGIN").await.unwrap();
                self.block = Some((self.tables.clone(), false));
            }
            (0..=1, true) => {
                let commit = random.below(2) == 0;
                let word = if commit { "COMMIT" } else { "ROLLBACK" };
                self.run(word).await.unwrap();
                if let Some((before, failed)) = self.block.take()
                    && (failed || !commit)
                {
                    self.tables = before;
                }
            }
            (2, true) => {
                let sql = random.pick(&[
                    "SELECT * FROM nothing",
                    "SELECT 1 / (count(*) - count(*)) FROM plain",
                    "DELETE FROM plain WHERE",
                    "UPDATE plain SET nothing = 1",
                ]);
                self.run(sql).await.unwrap_err();
                self.block.as_mut().unwrap().1 = true;
            }
            (3, _) => {
                let statement = Statement::of(random, &self.rules, &self.tables);
                let mut text = Text::default();
                statement.write(&mut text);
                let sql = format!("EXPLAIN {}", text.sql);
                let done = self.run(&sql).await;
                let failed = self.block.as_ref().is_some_and(|(_, failed)| *failed);
                match done {
                    Ok(_) => assert!(!failed, "it runs in a block that has failed"),
                    Err(error) if failed => assert_eq!(sqlstate(&error), "25P02"),
                    Err(error) => panic!("{error}"),
                }
            }
            _ => self.change(random).await,
        }
    }

    async fn change(&mut self, random: &mut Random) {
        let statement = Statement::of(random, &self.rules, &self.tables);
        let expected = match &self.block {
            Some((_, true)) => Err(Failure::Refused(vec!["25P02"])),
            _ => statement.apply(&self.rules, &self.tables),
        };
        if expected.as_ref().err() == Some(&Failure::Undefined) {
            return;
        }
        let mut text = Text::default();
        // PREPARE does not take a cast of a text to one of pgvector's types, as a default is.
        let has_default = self.rules[statement.table()].defaults.contains_key(&3);
        let prepares = random.below(4) == 0 && !has_default;
        text.parameters = prepares.then(Vec::new);
        statement.write(&mut text);
        let found = match text.parameters {
            Some(parameters) if !parameters.is_empty() => {
                self.run_prepared(&text.sql, &parameters).await
            }
            _ => self.run(&text.sql).await,
        };
        match (&expected, found) {
            (Ok(done), Ok(batches)) => {
                match &done.returned {
                    Some(rows) => assert_eq!(sorted(rows_of(&batches)), sorted(rows.clone())),
                    None => {
                        let count = batches[0].column(0);
                        let count = cast(count, &DataType::Int64).unwrap();
                        let count = count.as_primitive::<Int64Type>().value(0);
                        assert_eq!(count, done.count as i64, "rows that were changed");
                    }
                }
                self.tables.insert(done.table.clone(), done.rows.clone());
            }
            (Err(failure), Err(error)) => {
                let found = sqlstate(&error);
                let is_expected =
                    matches!(failure, Failure::Refused(states) if states.contains(&found));
                assert!(is_expected, "{failure:?}, not {found}: {error}");
                if let Some((_, failed)) = &mut self.block {
                    *failed = true;
                }
            }
            (Ok(_), Err(error)) => panic!("it fails: {error}"),
            (Err(failure), Ok(_)) => panic!("it runs, and should fail: {failure:?}"),
        }
    }

    async fn run_prepared(
        &mut self,
        sql: &str,
        parameters: &[(Value, Kind)],
    ) -> Result<Vec<RecordBatch>, DataFusionError> {
        self.prepared += 1;
        let name = format!("p{}", self.prepared);
        let kinds: Vec<&str> = parameters.iter().map(|(_, kind)| kind.sql()).collect();
        let values: Vec<String> = parameters.iter().map(|(value, _)| value.sql()).collect();
        let kinds = kinds.join(", ");
        self.run(&format!("PREPARE {name}({kinds}) AS {sql}"))
            .await?;
        let execute = format!("EXECUTE {name}({})", values.join(", "));
        self.run(&execute).await
    }

    /// All tables hold what they should.
    async fn check(&self) {
        for (name, rows) in &self.tables {
            let table = self.session.context().table_provider(name.as_str()).await;
            let table = table.unwrap();
            let batches = batches_of(table.downcast_ref::<MemTable>().unwrap()).await;
            assert_eq!(sorted(rows_of(&batches)), sorted(rows.clone()), "{name}");
        }
    }
}

fn sqlstate(error: &DataFusionError) -> &'static str {
    let text = error.to_string();
    if text.contains("Divide by zero") {
        return "22012";
    }
    // Of VALUES and of DataFusion's own INSERT.
    if text.contains("is declared as non-nullable") || text.contains("specifies non-nullable") {
        return "23502";
    }
    ErrorFields::of(error).sqlstate
}

async fn batches_of(table: &MemTable) -> Vec<RecordBatch> {
    let mut batches = Vec::new();
    for partition in &table.batches {
        batches.extend(partition.read().await.iter().cloned());
    }
    batches
}

fn literals(row: &Row) -> String {
    let values: Vec<String> = row.iter().map(Value::sql).collect();
    format!("({})", values.join(", "))
}

/// Rows as text, in an order of their own.
fn sorted(rows: Vec<Row>) -> Vec<String> {
    let mut rows: Vec<String> = rows.iter().map(literals).collect();
    rows.sort();
    rows
}

fn rows_of(batches: &[RecordBatch]) -> Vec<Row> {
    let mut rows = Vec::new();
    for batch in batches {
        let columns: Vec<Vec<Value>> = batch.columns().iter().map(values_of).collect();
        rows.extend((0..batch.num_rows()).map(|row| {
            let values = columns.iter().map(|column| column[row].clone());
            values.collect::<Row>()
        }));
    }
    rows
}

fn values_of(column: &ArrayRef) -> Vec<Value> {
    let value = |row: usize| match column.data_type() {
        DataType::Null => Value::Null,
        DataType::FixedSizeList(_, _) | DataType::List(_) => {
            let vector = match column.as_fixed_size_list_opt() {
                Some(vectors) => vectors.value(row),
                None => column.as_list::<i32>().value(row),
            };
            let vector = vector.as_primitive::<Float32Type>();
            Value::Vector([vector.value(0), vector.value(1)])
        }
        other if other.is_integer() => {
            let numbers = cast(column, &DataType::Int64).unwrap();
            Value::Int(numbers.as_primitive::<Int64Type>().value(row))
        }
        other if other.is_floating() => {
            let numbers = cast(column, &DataType::Float64).unwrap();
            Value::Double(numbers.as_primitive::<Float64Type>().value(row))
        }
        _ => {
            let texts = cast(column, &DataType::Utf8).unwrap();
            Value::Text(texts.as_string::<i32>().value(row).to_string())
        }
    };
    (0..column.len())
        .map(|row| match column.is_null(row) {
            true => Value::Null,
            false => value(row),
        })
        .collect()
}

/// Prints what led to a failure.
struct Trace<'a>(u64, &'a mut Program);

impl Drop for Trace<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("OGIVE_SEED={}\n{};", self.0, self.1.log.join(";\n"));
        }
    }
}

async fn run_program(seed: u64) {
    let mut random = Random(seed);
    let mut program = Program::new(&mut random).await;
    let trace = Trace(seed, &mut program);
    trace.1.check().await;
    for _ in 0..STATEMENTS {
        trace.1.step(&mut random).await;
        trace.1.check().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_are_those_of_the_model() {
    let only: Option<u64> = std::env::var("OGIVE_SEED")
        .ok()
        .map(|seed| seed.parse().unwrap());
    let mut failed = Vec::new();
    for seed in only.map_or(0..SEEDS, |seed| seed..seed + 1) {
        if tokio::spawn(run_program(seed)).await.is_err() {
            failed.push(seed);
        }
    }
    assert!(failed.is_empty(), "seeds {failed:?}");
}

async fn numbers(session: &Session, sql: &str) -> Vec<i64> {
    let batches = session.sql(sql).await.unwrap().collect().await.unwrap();
    let columns = batches.iter().flat_map(RecordBatch::columns);
    columns
        .map(|column| {
            let column = cast(column, &DataType::Int64).unwrap();
            column.as_primitive::<Int64Type>().value(0)
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_change_of_another_task_is_lost() {
    const ROUNDS: usize = 100;
    let session = SessionBuilder::new()
        .with_target_partitions(2)
        .build()
        .unwrap();
    for sql in [
        "CREATE TABLE t (id BIGINT, n BIGINT)",
        "INSERT INTO t VALUES (1, 0), (2, 0)",
    ] {
        session.sql(sql).await.unwrap().collect().await.unwrap();
    }
    let statements = [
        "UPDATE t SET n = n + 1",
        "UPDATE t SET n = n + 1",
        "INSERT INTO t VALUES (3, 0)",
        "INSERT INTO t VALUES (4, 0) RETURNING n",
        "DELETE FROM t WHERE id = 4",
    ];
    let tasks = statements.map(|sql| {
        let session = session.clone();
        tokio::spawn(async move {
            for _ in 0..ROUNDS {
                session.sql(sql).await.unwrap().collect().await.unwrap();
            }
        })
    });
    for task in tasks {
        task.await.unwrap();
    }
    let rounds = ROUNDS as i64;
    let sums = "SELECT min(n), max(n) FROM t WHERE id < 3";
    assert_eq!(numbers(&session, sums).await, [2 * rounds, 2 * rounds]);
    let inserted = "SELECT count(*) FROM t WHERE id = 3";
    assert_eq!(numbers(&session, inserted).await, [rounds]);
}

/// The new values of a batch come in many parts and in any order.
#[tokio::test]
async fn rows_of_one_batch_are_set_from_many() {
    const ROWS: i64 = 20_000;
    let session = SessionBuilder::new()
        .with_target_partitions(2)
        .build()
        .unwrap();
    let made = format!("SELECT value AS id, 0 AS n FROM generate_series(1, {ROWS})");
    for sql in [
        format!("SET datafusion.execution.batch_size = {ROWS}"),
        format!("CREATE TABLE t AS {made}"),
        "SET datafusion.execution.batch_size = 100".to_string(),
        format!("CREATE TABLE o AS {made} ORDER BY value % 97, value"),
    ] {
        session.sql(&sql).await.unwrap().collect().await.unwrap();
    }
    let updated = "UPDATE t SET n = t.id * 2 FROM o WHERE o.id = t.id AND t.id % 3 > 0";
    let count = (1..=ROWS).filter(|id| id % 3 > 0).count() as i64;
    assert_eq!(numbers(&session, updated).await, [count]);
    let wrong = "SELECT count(*) FROM t WHERE n <> CASE WHEN id % 3 > 0 THEN id * 2 ELSE 0 END";
    assert_eq!(numbers(&session, wrong).await, [0]);
    let deleted = numbers(&session, "DELETE FROM t WHERE id % 2 = 0").await;
    assert_eq!(deleted, [ROWS / 2]);
    assert_eq!(numbers(&session, wrong).await, [0]);
}
