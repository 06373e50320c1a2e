//! The functions in queries.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::util::pretty::pretty_format_batches;
use datafusion::datasource::MemTable;
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion_common::Result;

use super::Random;
use crate::vector_types::SqlVectorType;

/// A session with a table of 4,000 rows in three partitions: `id`, a group `g`, a text `s`, a key `d` (sometimes NULL), a
/// vector `v`. Its aggregations have two stages and give up on the first where it does not pay.
async fn session() -> SessionContext {
    let config = SessionConfig::new()
        .with_target_partitions(3)
        .with_batch_size(100)
        .set_u64(
            "datafusion.execution.skip_partial_aggregation_probe_rows_threshold",
            200,
        );
    let session = SessionContext::new_with_config(config);
    for function in crate::aggregate_functions() {
        session.register_udaf(function.as_ref().clone());
    }
    let schema = Arc::new(Schema::new(vec![
        Field::new("id", DataType::Int64, false),
        Field::new("g", DataType::Int32, false),
        Field::new("s", DataType::Utf8, true),
        Field::new("d", DataType::Float64, true),
        SqlVectorType::Vector.field("v", Some(2)),
    ]));
    let random = &mut Random(7);
    let mut partitions = vec![Vec::new(); 3];
    for batch in 0..40 {
        let ids: Vec<i64> = (0..100).map(|row| batch * 100 + row).collect();
        let groups: Int32Array = ids.iter().map(|_| random.below(700) as i32).collect();
        let texts: StringArray = ids.iter().map(|id| Some(format!("s{id}"))).collect();
        let keys: Float64Array = ids
            .iter()
            .map(|_| (random.below(10) > 0).then(|| random.below(1 << 40) as f64))
            .collect();
        let numbers: Vec<Option<i64>> = ids.iter().copied().map(Some).collect();
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from(ids)),
            Arc::new(groups),
            Arc::new(texts),
            Arc::new(keys),
            super::values(schema.field(4).data_type(), &numbers),
        ];
        let batch_of = RecordBatch::try_new(Arc::clone(&schema), columns).unwrap();
        partitions[batch as usize % 3].push(batch_of);
    }
    let table = MemTable::try_new(schema, partitions).unwrap();
    session.register_table("t", Arc::new(table)).unwrap();
    session
}

async fn text(session: &SessionContext, query: &str) -> Result<String> {
    let batches = session.sql(query).await?.collect().await?;
    Ok(pretty_format_batches(&batches)?.to_string())
}

/// A query with the functions, and one that sorts and numbers rows instead.
#[tokio::test]
async fn queries_agree_with_sorting() {
    let session = session().await;
    for (ours, sorted) in [
        (
            "select min_by(id, d) as a, max_by(s, d) as b from t",
            "select (select id from t order by d limit 1) as a,
             (select s from t order by d desc nulls last limit 1) as b",
        ),
        (
            "select min_by(id, d, 25) as a from t",
            "select array_agg(id order by d) as a from (select id, d from t order by d limit 25)",
        ),
        (
            "select g, max_by(s, d, 3) as a from t group by g order by g",
            "select g, array_agg(s order by d desc) filter (where d is not null and n <= 3) as a from
             (select *, row_number() over (partition by g order by d desc nulls last) as n from t)
             group by g order by g",
        ),
        (
            "select g, min_by(s, d) filter (where id % 3 = 0) as a, count(*) as c from t
             group by g order by g",
            "select g, first_value(s order by d) filter (where id % 3 = 0 and d is not null) as a,
             count(*) as c from t group by g order by g",
        ),
        // Ties, decided by the order.
        (
            "select g % 5 as h, min_by(s, floor(d / 1e10), 7 order by id desc) as a from t
             group by h order by h",
            "select h, array_agg(s order by n) as a from
             (select s, g % 5 as h, row_number() over
             (partition by g % 5 order by floor(d / 1e10), id desc) as n from t) where n <= 7
             group by h order by h",
        ),
        (
            "select max_by(distinct s, d) as a, arg_max(s, d) as b, argmax(s, d) as c from t",
            "select max_by(s, d) as a, max_by(s, d) as b, max_by(s, d) as c from t",
        ),
        (
            "select min_by(distinct d, d) as a from t",
            "select min(d) as a from t",
        ),
        // A window that grows.
        (
            "select id, min_by(s, d) over (order by id) as a,
             arg_min(id, d, 2) over (partition by g % 5 order by id) as b
             from t order by id limit 300",
            "select a.id, min_by(b.s, b.d) as a,
             min_by(b.id, b.d, 2) filter (where a.g % 5 = b.g % 5) as b
             from t a join t b on b.id <= a.id where a.id < 300 group by a.id order by a.id",
        ),
    ] {
        let found = text(&session, ours).await.unwrap();
        let expected = text(&session, sorted).await.unwrap();
        assert_eq!(found, expected, "{ours}");
    }
}

#[tokio::test]
async fn answers_keep_the_type_of_the_value() {
    let session = session().await;
    let query = "select min_by(v, d) as v, max_by(v, d, 2) as l, min_by(id, d, 2) as i from t";
    for query in [query.to_string(), format!("{query} group by g")] {
        let frame = session.sql(&query).await.unwrap();
        let plan = frame.clone().create_physical_plan().await.unwrap();
        let logical = frame.schema().as_arrow().clone();
        let batch = frame.collect().await.unwrap().remove(0);
        for schema in [&logical, plan.schema().as_ref(), batch.schema().as_ref()] {
            let vector = Some(SqlVectorType::Vector);
            assert_eq!(SqlVectorType::of(schema.field(0)), vector);
            let element = |column: usize| match schema.field(column).data_type() {
                DataType::List(element) => Arc::clone(element),
                other => panic!("{other}"),
            };
            assert_eq!(SqlVectorType::of(&element(1)), vector);
            assert_eq!(element(2).data_type(), &DataType::Int64);
        }
    }
}

#[tokio::test]
async fn mistakes_are_named() {
    let session = session().await;
    for (call, message) in [
        ("min_by(id)", "takes a value, a key"),
        ("min_by(id, d, 2, 3)", "takes a value, a key"),
        ("min_by(id, d, 0)", "from 1 to 999999, not 0"),
        ("max_by(id, d, -1)", "from 1 to 999999, not -1"),
        ("min_by(id, d, 1000000)", "from 1 to 999999, not 1000000"),
        ("min_by(id, d, NULL)", "from 1 to 999999, not NULL"),
        ("min_by(id, d, 1.5)", "the count is an integer"),
        ("min_by(id, d, '3')", "the count is an integer"),
        ("min_by(id, d, id)", "has to be a constant"),
        ("min_by(distinct id, d, 3)", "with DISTINCT and a count"),
    ] {
        for query in [
            format!("select {call} from t"),
            format!("select {call} from t where id < 0 group by g"),
            format!("select {call} over (order by id) from t"),
        ] {
            let error = text(&session, &query).await.unwrap_err().to_string();
            assert!(error.contains(message), "{query}: {error}");
        }
    }
    let field = SqlVectorType::Sparsevec.field("v", None);
    let error = crate::min_by_udaf()
        .return_field(&[Arc::new(field.clone()), Arc::new(field)])
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("cannot order by a key of type sparsevec"),
        "{error}"
    );
}

/// The partial aggregation of many groups goes to the disk and comes back.
#[tokio::test]
async fn groups_that_do_not_fit_are_spilled() {
    use datafusion::execution::memory_pool::FairSpillPool;
    use datafusion::execution::runtime_env::RuntimeEnvBuilder;

    let query = "select g, min_by(s, d, 3) as a from big group by g order by g limit 50";
    let mut answers = Vec::new();
    for memory in [usize::MAX, 12 << 20] {
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(FairSpillPool::new(memory)))
            .build_arc()
            .unwrap();
        let config = SessionConfig::new().with_target_partitions(1);
        let session = SessionContext::new_with_config_rt(config, runtime);
        for function in crate::aggregate_functions() {
            session.register_udaf(function.as_ref().clone());
        }
        let big = "create view big as select value % 60000 as g, 'text ' || value as s,
            (value * 7919) % 1000003 as d from generate_series(1, 200000)";
        session.sql(big).await.unwrap();
        let plan = session.sql(query).await.unwrap();
        let plan = plan.create_physical_plan().await.unwrap();
        let batches = datafusion::physical_plan::collect(Arc::clone(&plan), session.task_ctx())
            .await
            .unwrap();
        answers.push(pretty_format_batches(&batches).unwrap().to_string());
        let mut spills = 0;
        let mut nodes = vec![plan];
        while let Some(node) = nodes.pop() {
            spills += node
                .metrics()
                .and_then(|metrics| metrics.spill_count())
                .unwrap_or(0);
            nodes.extend(node.children().into_iter().map(Arc::clone));
        }
        assert_eq!(spills > 0, memory != usize::MAX, "{spills} spills");
    }
    assert_eq!(answers[0], answers[1]);
}
