//! `DELETE` and `UPDATE` of programs with a `SessionContext` of their own, and of tables of their own.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::array::{AsArray, RecordBatch, UInt64Array};
use datafusion::arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use datafusion::catalog::Session;
use datafusion::common::not_impl_err;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::datasource::{MemTable, TableProvider, TableType};
use datafusion::error::Result;
use datafusion::execution::SessionStateBuilder;
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::SessionContext;
use tokio::sync::Mutex;

fn context() -> SessionContext {
    let mut builder = SessionStateBuilder::new_with_default_features();
    ogive::register_all(&mut builder);
    SessionContext::new_with_state(builder.build())
}

async fn run(context: &SessionContext, sql: &str) -> Result<Vec<RecordBatch>> {
    context.sql(sql).await?.collect().await
}

async fn with_tables() -> SessionContext {
    let context = context();
    for sql in [
        "CREATE TABLE t (id BIGINT, name TEXT, v vector(2))",
        "INSERT INTO t VALUES (1, 'a', '[1,0]'::vector(2)), (2, 'b', '[2,0]'::vector(2)), (3, NULL, NULL)",
        "CREATE TABLE other (id BIGINT)",
        "INSERT INTO other VALUES (2), (NULL)",
    ] {
        run(&context, sql).await.unwrap();
    }
    context
}

/// `id` and `name` of all rows.
async fn rows(context: &SessionContext) -> String {
    let batches = run(context, "SELECT id, name FROM t ORDER BY id").await;
    let mut text = Vec::new();
    for batch in batches.unwrap() {
        let ids = batch.column(0).as_primitive::<Int64Type>();
        let names = datafusion::arrow::compute::cast(batch.column(1), &DataType::Utf8).unwrap();
        for (id, name) in ids.iter().zip(names.as_string::<i32>()) {
            text.push(format!("{}{}", id.unwrap(), name.unwrap_or("")));
        }
    }
    text.join(" ")
}

#[tokio::test]
async fn changes_without_a_session_of_ogive() {
    let sets_id = "UPDATE t SET id = id + 10 WHERE";
    for (sql, expected) in [
        ("DELETE FROM t WHERE false", "1a 2b 3"),
        ("DELETE FROM t WHERE NULL", "1a 2b 3"),
        ("DELETE FROM t WHERE id = 1 AND id = 2", "1a 2b 3"),
        ("DELETE FROM t WHERE name = NULL", "1a 2b 3"),
        (
            "DELETE FROM t WHERE l2_distance(v, [2.0, 0.0]) < 0.5",
            "1a 3",
        ),
        ("DELETE FROM t WHERE id IN (SELECT 2)", "1a 3"),
        ("DELETE FROM t WHERE id NOT IN (SELECT 2)", "2b"),
        (
            "DELETE FROM t WHERE id NOT IN (SELECT id FROM other)",
            "1a 2b 3",
        ),
        ("DELETE FROM t WHERE id = (SELECT max(id) FROM t)", "1a 2b"),
        (
            "DELETE FROM t WHERE EXISTS (SELECT 1 FROM other o WHERE o.id = t.id)",
            "1a 3",
        ),
        (
            "DELETE FROM t WHERE NOT EXISTS (SELECT 1 FROM other o WHERE o.id = t.id)",
            "2b",
        ),
        (
            "DELETE FROM t WHERE id = 3 OR id IN (SELECT id FROM other)",
            "1a",
        ),
        ("DELETE FROM t LIMIT 0", "1a 2b 3"),
        ("DELETE FROM t WHERE id > 1 LIMIT 5", "1a"),
        ("DELETE FROM t", ""),
        ("UPDATE t SET name = 'x' WHERE false", "1a 2b 3"),
        ("UPDATE t SET name = 'x' WHERE NULL", "1a 2b 3"),
        (
            "UPDATE t SET name = 'x' WHERE id IN (SELECT id FROM other)",
            "1a 2x 3",
        ),
        ("UPDATE t SET id = id, name = upper(name)", "1A 2B 3"),
        ("UPDATE t AS i SET name = 'x' WHERE i.id = 3", "1a 2b 3x"),
        (&format!("{sets_id} id >= 2"), "1a 12b 13"),
        (
            &format!("{sets_id} EXISTS (SELECT 1 FROM other o WHERE o.id = t.id)"),
            "1a 3 12b",
        ),
        (
            &format!("{sets_id} NOT EXISTS (SELECT 1 FROM other o WHERE o.id = t.id)"),
            "2b 11a 13",
        ),
        ("EXPLAIN DELETE FROM t", "1a 2b 3"),
        (
            "EXPLAIN ANALYZE DELETE FROM t WHERE id IN (SELECT 2)",
            "1a 3",
        ),
        (
            "UPDATE t SET v = '[7,7]'::vector(2), name = 'v' WHERE l2_distance(v, [1.0, 0.0]) <= 0.5",
            "1v 2b 3",
        ),
    ] {
        let context = with_tables().await;
        run(&context, sql)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
        assert_eq!(rows(&context).await, expected, "{sql}");
    }
    let context = with_tables().await;
    run(&context, "DELETE FROM t LIMIT 1").await.unwrap();
    assert_eq!(rows(&context).await.split(' ').count(), 2);
}

/// DataFusion optimizes what is prepared before an analyzer has seen it.
#[tokio::test]
async fn what_was_optimized_too_early_is_done_or_refused() {
    for (sql, expected) in [
        ("DELETE FROM t WHERE id = $1", "1a 3"),
        ("DELETE FROM t WHERE id = $1 LIMIT 1", "1a 3"),
        ("DELETE FROM t WHERE id = $1 AND false", "1a 2b 3"),
        ("DELETE FROM t WHERE id IN (SELECT $1)", "1a 3"),
        ("DELETE FROM t WHERE id <= $1 LIMIT 0", "1a 2b 3"),
        ("UPDATE t SET name = 'x' WHERE id = $1", "1a 2x 3"),
        (
            "UPDATE t SET name = 'x' WHERE id = $1 AND id = 3",
            "1a 2b 3",
        ),
    ] {
        let context = with_tables().await;
        let prepare = format!("PREPARE p(BIGINT) AS {sql}");
        run(&context, &prepare).await.unwrap();
        match run(&context, "EXECUTE p(2)").await {
            Ok(_) => assert_eq!(rows(&context).await, expected, "{sql}"),
            Err(_) => assert_eq!(rows(&context).await, "1a 2b 3", "{sql}"),
        }
    }
}

/// A table that takes down the filters that it is given and changes nothing.
#[derive(Debug)]
struct OwnTable {
    rows: MemTable,
    handed: Mutex<Option<Vec<Expr>>>,
}

impl OwnTable {
    fn new() -> Self {
        let fields = ["id", "n"].map(|name| Field::new(name, DataType::Int64, true));
        let schema = Arc::new(Schema::new(fields.to_vec()));
        Self {
            rows: MemTable::try_new(schema, vec![vec![]]).unwrap(),
            handed: Mutex::new(None),
        }
    }

    async fn take_down(&self, filters: Vec<Expr>) -> Result<Arc<dyn ExecutionPlan>> {
        *self.handed.lock().await = Some(filters);
        let fields = vec![Field::new("count", DataType::UInt64, false)];
        let schema = Arc::new(Schema::new(fields));
        let count = Arc::new(UInt64Array::from(vec![0]));
        let count = RecordBatch::try_new(Arc::clone(&schema), vec![count])?;
        Ok(MemorySourceConfig::try_new_exec(
            &[vec![count]],
            schema,
            None,
        )?)
    }
}

#[async_trait]
impl TableProvider for OwnTable {
    fn schema(&self) -> SchemaRef {
        self.rows.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.rows.scan(state, projection, filters, limit).await
    }

    async fn delete_from(
        &self,
        _state: &dyn Session,
        filters: Vec<Expr>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.take_down(filters).await
    }

    async fn update(
        &self,
        _state: &dyn Session,
        assignments: Vec<(String, Expr)>,
        filters: Vec<Expr>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match assignments.is_empty() {
            true => not_impl_err!("an update of nothing"),
            false => self.take_down(filters).await,
        }
    }
}

#[tokio::test]
async fn a_table_of_a_program_is_handed_the_whole_condition_or_none() {
    // How many filters are handed on; `None` where the statement is refused.
    let cases = [
        ("", Some(0)),
        ("WHERE true", Some(0)),
        ("WHERE id = 1", Some(1)),
        ("WHERE id = 1 AND n < 3", Some(2)),
        ("WHERE id = 1 OR n < 3", Some(1)),
        ("WHERE id = (SELECT max(id) FROM other)", None),
        ("WHERE false", None),
        ("WHERE NULL", None),
        ("WHERE id = NULL", None),
        ("WHERE id = 1 AND id = 2", None),
        ("WHERE id IN (SELECT 2)", None),
        ("WHERE id = 1 AND n IN (SELECT id FROM other)", None),
        ("WHERE id NOT IN (SELECT id FROM other)", None),
        ("WHERE n = 1 OR id IN (SELECT id FROM other)", None),
        (
            "WHERE EXISTS (SELECT 1 FROM other o WHERE o.id = own.id)",
            None,
        ),
        ("WHERE EXISTS (SELECT 1 FROM other)", None),
        ("LIMIT 0", None),
        ("LIMIT 1", None),
        ("WHERE id = 1 LIMIT 1", None),
    ];
    for verb in [
        "DELETE FROM own",
        "UPDATE own SET n = id + 1",
        "EXPLAIN DELETE FROM own",
        "EXPLAIN ANALYZE DELETE FROM own",
    ] {
        for (condition, expected) in cases {
            if verb.starts_with("UPDATE") && condition.contains("LIMIT") {
                continue;
            }
            let context = with_tables().await;
            let own = Arc::new(OwnTable::new());
            context
                .register_table("own", Arc::clone(&own) as _)
                .unwrap();
            let sql = format!("{verb} {condition}");
            let done = run(&context, &sql).await;
            let handed = own.handed.lock().await.take();
            match expected {
                Some(filters) => {
                    done.unwrap_or_else(|error| panic!("{sql}: {error}"));
                    assert_eq!(handed.map(|f| f.len()), Some(filters), "{sql}");
                }
                None => {
                    assert!(handed.is_none(), "{sql}: {handed:?}");
                    assert!(done.is_err(), "{sql}");
                }
            }
        }
    }
}
