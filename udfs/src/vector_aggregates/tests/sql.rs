//! The functions in queries: vectors beside the built-ins' own types.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::util::pretty::pretty_format_batches;
use datafusion::datasource::MemTable;
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion_common::Result;
use datafusion_expr::AggregateUDF;

use super::{Row, column, dense, rows_of};
use crate::vector_aggregates::average_and_sum;
use crate::vector_types::SqlVectorType;

/// A session with tables `vectors` (k, v vector, h halfvec(2), l Float64 lists) and `numbers`; over two partitions, so
/// that aggregations have two stages.
async fn session(functions: &[Arc<AggregateUDF>]) -> SessionContext {
    let config = SessionConfig::new()
        .with_target_partitions(2)
        .with_batch_size(3);
    let session = SessionContext::new_with_config(config);
    for function in functions {
        session.register_udaf(function.as_ref().clone());
    }
    let lists = DataType::new_list(DataType::Float64, true);
    let schema = Arc::new(Schema::new(vec![
        Field::new("k", DataType::Int32, false),
        SqlVectorType::Vector.field("v", None),
        SqlVectorType::Halfvec.field("h", Some(2)),
        Field::new("l", lists.clone(), true),
    ]));
    let rows: Vec<Row> = vec![
        dense(&[1.0, 2.0]),
        dense(&[3.0, 6.0]),
        None,
        dense(&[1.0, 2.0]),
        dense(&[-4.0, 0.5]),
        dense(&[8.0, 0.0]),
    ];
    let partitions = [0..2, 2..6].map(|part| {
        let keys: Int32Array = part.clone().map(|row| row as i32 % 2).collect();
        let rows = &rows[part];
        let columns: Vec<ArrayRef> = vec![
            Arc::new(keys),
            column(schema.field(1).data_type(), rows),
            column(schema.field(2).data_type(), rows),
            column(&lists, rows),
        ];
        vec![RecordBatch::try_new(Arc::clone(&schema), columns).unwrap()]
    });
    let table = MemTable::try_new(schema, partitions.to_vec()).unwrap();
    session.register_table("vectors", Arc::new(table)).unwrap();
    let numbers = "create table numbers as select column1 as k, column2 as i,
        arrow_cast(column2, 'UInt8') as u, arrow_cast(column3, 'Float32') as f, column3 as d,
        arrow_cast(column3, 'Decimal128(10, 3)') as n, arrow_cast(column2, 'Duration(Second)') as t,
        arrow_cast(column3, 'Float16') as h
        from (values (1, 1, 1.5), (1, 2, -2.25), (2, NULL, 8.0), (2, 5, NULL), (3, NULL, NULL), (1, 2, 1.5))";
    session.sql(numbers).await.unwrap().collect().await.unwrap();
    session
}

async fn ours() -> SessionContext {
    session(&average_and_sum()).await
}

async fn batches(session: &SessionContext, query: &str) -> Result<Vec<RecordBatch>> {
    session.sql(query).await?.collect().await
}

/// The rows of a query's only column.
async fn answers(session: &SessionContext, query: &str) -> Vec<Row> {
    let found = batches(session, query).await.unwrap();
    found
        .iter()
        .flat_map(|batch| rows_of(batch.columns().last().unwrap()))
        .collect()
}

#[tokio::test]
async fn vectors_are_averaged_and_added_up_in_queries() {
    let session = ours().await;
    for column in ["v", "h", "l"] {
        for (query, expected) in [
            ("select avg(C) from vectors", vec![dense(&[1.8, 2.1])]),
            ("select mean(C) from vectors where k = 7", vec![None]),
            ("select sum(C) from vectors", vec![dense(&[9.0, 10.5])]),
            (
                "select sum(C) filter (where k = 0) from vectors",
                vec![dense(&[-3.0, 2.5])],
            ),
            (
                "select sum(distinct C) from vectors",
                vec![dense(&[8.0, 8.5])],
            ),
            (
                "select k, sum(distinct C), avg(distinct C), sum(C order by C) from vectors
                 group by k order by k",
                vec![dense(&[-3.0, 2.5]), dense(&[12.0, 8.0])],
            ),
            (
                "select k, sum(C) from vectors group by k order by k",
                vec![dense(&[-3.0, 2.5]), dense(&[12.0, 8.0])],
            ),
            (
                "select k, sum(C) filter (where k = 1) from vectors group by k order by k",
                vec![None, dense(&[12.0, 8.0])],
            ),
            (
                "select count(distinct k), sum(C) from vectors",
                vec![dense(&[9.0, 10.5])],
            ),
            (
                "select sum(C) over (order by k range between unbounded preceding and current row)
                 as s from (select * from vectors order by k) order by k limit 1",
                vec![dense(&[-3.0, 2.5])],
            ),
            (
                "select avg(C) over (partition by k order by C[1]
                 rows between 1 preceding and current row) from vectors where C is not null
                 order by k, C[1]",
                vec![
                    dense(&[-4.0, 0.5]),
                    dense(&[-1.5, 1.25]),
                    dense(&[1.0, 2.0]),
                    dense(&[2.0, 4.0]),
                    dense(&[5.5, 3.0]),
                ],
            ),
        ] {
            let found = answers(&session, &query.replace('C', column)).await;
            let close = |found: &Row, expected: &Row| match (found, expected) {
                (Some(found), Some(expected)) => {
                    found.len() == expected.len()
                        && found.iter().zip(expected).all(|(found, expected)| {
                            (found.unwrap() - expected.unwrap()).abs() < 1e-3
                        })
                }
                (found, expected) => found == expected,
            };
            assert!(
                found.len() == expected.len()
                    && found.iter().zip(&expected).all(|(f, e)| close(f, e)),
                "{query} of {column}: {found:?}"
            );
        }
    }
}

#[tokio::test]
async fn answers_keep_the_type_of_the_argument() {
    let session = ours().await;
    let query = "select avg(v) as v, sum(h) as h, avg(l) as l, sum(distinct v) as d from vectors
        group by k";
    let frame = session.sql(query).await.unwrap();
    let plan = frame.clone().create_physical_plan().await.unwrap();
    let logical = frame.schema().as_arrow().clone();
    let batch = frame.collect().await.unwrap().remove(0);
    for schema in [&logical, plan.schema().as_ref(), batch.schema().as_ref()] {
        let marks: Vec<_> = schema
            .fields()
            .iter()
            .map(|field| SqlVectorType::of(field))
            .collect();
        let vector = Some(SqlVectorType::Vector);
        assert_eq!(marks, [vector, Some(SqlVectorType::Halfvec), None, vector]);
        let fixed = DataType::new_fixed_size_list(DataType::Float16, 2, true);
        assert_eq!(schema.field(1).data_type(), &fixed);
        let list = DataType::new_list(DataType::Float64, true);
        assert_eq!(schema.field(2).data_type(), &list);
    }
}

#[tokio::test]
async fn a_sum_of_ragged_vectors_fails_in_a_query() {
    let session = ours().await;
    let query = "select sum(x) from (select [arrow_cast(1, 'Float32')] as x
        union all select [arrow_cast(1, 'Float32'), arrow_cast(2, 'Float32')])";
    let error = batches(&session, query).await.unwrap_err().to_string();
    assert!(error.contains("different vector dimensions"), "{error}");
    for refused in [
        "sum(['a'])",
        "avg([1, 2])",
        "sum([[1.0]])",
        "avg(true, [1.0])",
        "sum()",
    ] {
        let query = format!("select {refused}");
        assert!(batches(&session, &query).await.is_err(), "{query}");
    }
}

/// Answers, names, types and plans.
#[tokio::test]
async fn everything_else_is_the_built_ins() {
    let (ours, theirs) = (ours().await, session(&[]).await);
    let columns = ["i", "u", "f", "d", "n", "t", "h"];
    let mut queries: Vec<String> = vec![
        "select avg(i), mean(d), sum(i) + avg(f) from numbers where k > 7".to_string(),
        "select k, sum(i), sum(i + 1), sum(i + 2), sum(1 + i) from numbers group by k order by k".into(),
        "select sum(i + 1), sum(i + 2) from numbers".into(),
        "select sum(distinct i), sum(d), count(distinct i) from numbers".into(),
        "select sum(NULL), avg(NULL)".into(),
        "select sum(arrow_cast(3, 'Dictionary(Int32, Int64)'))".into(),
        "select avg(arrow_cast(3.5, 'Dictionary(Int32, Float64)'))".into(),
        "select sum(interval '1 day')".into(),
        "select sum('1') from numbers".into(),
        "select avg('1') from numbers".into(),
        "select avg(true)".into(),
        "select sum(i) ignore nulls from numbers".into(),
        "select sum(distinct i) over (order by k rows between 1 preceding and current row) from numbers order by 1".into(),
    ];
    let plans: Vec<_> = queries
        .iter()
        .map(|query| format!("explain {query}"))
        .collect();
    queries.extend(plans);
    for column in columns {
        for call in [
            "avg(C)",
            "sum(C)",
            "avg(distinct C)",
            "sum(distinct C)",
            "sum(C order by k)",
        ] {
            let call = call.replace('C', column);
            queries.push(format!(
                "select k, {call} as a, {call} filter (where k < 2) as b from numbers
                 group by k order by k"
            ));
            queries.push(format!("select {call} from numbers"));
            queries.push(format!(
                "select k, {call} over (partition by k order by {column}
                 rows between 1 preceding and current row) from numbers order by 1, 2"
            ));
        }
    }
    let mut answered = 0;
    for query in queries {
        let (found, wanted) = (batches(&ours, &query).await, batches(&theirs, &query).await);
        match (found, wanted) {
            (Ok(found), Ok(wanted)) => {
                let schemas = [&found, &wanted].map(|batches| batches[0].schema());
                assert_eq!(schemas[0], schemas[1], "{query}");
                let texts = [found, wanted].map(|b| pretty_format_batches(&b).unwrap().to_string());
                assert_eq!(texts[0], texts[1], "{query}");
                answered += 1;
            }
            (Err(_), Err(_)) => {}
            (found, wanted) => panic!("{query}: {found:?} is not {wanted:?}"),
        }
    }
    assert!(answered > 80, "{answered}");
}

#[test]
fn the_names_are_the_built_ins() {
    let functions = average_and_sum();
    let names: Vec<_> = functions
        .iter()
        .map(|function| (function.name(), function.aliases().to_vec()))
        .collect();
    assert_eq!(names, [("avg", vec!["mean".to_string()]), ("sum", vec![])]);
    assert!(
        functions
            .iter()
            .all(|function| function.documentation().is_some())
    );
    assert_eq!(functions, average_and_sum());
    assert_ne!(functions[0], functions[1]);
}
