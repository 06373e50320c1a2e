//! Whole queries over S3: what they cost in requests and bytes, that they answer as on the local disk, and what they say
//! when the store does not answer.

use std::io::Cursor;
use std::process::Command;
use std::time::Duration;

use arrow::util::pretty::pretty_format_batches;
use datafusion::error::{DataFusionError, Result};
use ogive::{Session, SessionBuilder, store_failure};
use ogive_cvc::{Column, ColumnValues, Compression, DType, Schema, WriteOptions, Writer};

use crate::s3_server::S3Server;

const DIMENSION: usize = 32;

/// Counts the rows of `t` by a condition that needs every number of them, not only what the header says.
const READ_ALL: &str = "SELECT count(*) FROM t WHERE l2_distance(vector, vector) = 0";

/// The numbers of `rows` vectors, the same for the same seed. Quarters of small integers survive fp16.
fn numbers(rows: usize, seed: u64) -> Vec<f32> {
    let mut state = seed;
    (0..rows * DIMENSION)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            ((state >> 33) % 4096) as f32 / 4.0 - 512.0
        })
        .collect()
}

fn file(schema: Schema, chunk_rows: usize, values: &[ColumnValues<'_>]) -> Vec<u8> {
    let options = WriteOptions {
        chunk_rows,
        ..WriteOptions::default()
    };
    let mut writer = Writer::new(schema, options, Cursor::new(Vec::new())).unwrap();
    writer.write(values).unwrap();
    let mut bytes = Vec::new();
    writer.finish().unwrap().copy_to(&mut bytes).unwrap();
    bytes
}

/// A file with one column of vectors.
fn vectors(rows: usize, chunk_rows: usize, seed: u64) -> Vec<u8> {
    let schema = Schema::Single {
        dimension: DIMENSION,
        compression: Compression::Fp16,
    };
    file(
        schema,
        chunk_rows,
        &[ColumnValues::F32(&numbers(rows, seed))],
    )
}

/// A file with three columns of equal size.
fn three_columns(rows: usize, chunk_rows: usize) -> Vec<u8> {
    let column = |name: &str| Column {
        name: name.to_owned(),
        dtype: DType::Float32,
        dimension: DIMENSION,
        compression: Compression::Fp16,
    };
    let values = [1, 2, 3].map(|seed| numbers(rows, seed));
    file(
        Schema::Columnar(["a", "b", "c"].map(column).into()),
        chunk_rows,
        &values.each_ref().map(|values| ColumnValues::F32(values)),
    )
}

/// A table with as many columns of vectors as the file or directory at `location` has.
fn create(server: &S3Server, name: &str, location: &str, more_options: &str) -> String {
    format!(
        "CREATE EXTERNAL TABLE {name} STORED AS CVC LOCATION '{location}' {}",
        server.sql_options(more_options)
    )
}

fn session() -> Session {
    SessionBuilder::new()
        .with_target_partitions(2)
        .build()
        .unwrap()
}

/// Runs one statement to its end and renders the rows.
async fn run(session: &Session, sql: &str) -> Result<String> {
    let batches = session.sql(sql).await?.collect().await?;
    Ok(pretty_format_batches(&batches)?.to_string())
}

async fn value(session: &Session, sql: &str) -> String {
    let table = run(session, sql).await.unwrap();
    let row = table.lines().nth(3).unwrap_or_default();
    row.trim_matches(['|', ' ']).to_owned()
}

/// The sentence about the store in a failure of `sql`.
async fn failure(session: &Session, sql: &str) -> String {
    let error: DataFusionError = run(session, sql).await.unwrap_err();
    match store_failure(&error) {
        Some(failure) => failure.to_string(),
        None => panic!("not a failure of the store: {error}"),
    }
}

#[tokio::test]
async fn one_chunk_of_a_hundred_costs_three_requests() {
    let server = S3Server::start();
    server.put("bucket", "big.cvc", &vectors(50_000, 500, 7));
    let session = session();
    let create = create(&server, "big", "s3://bucket/big.cvc", "");
    run(&session, &create).await.unwrap();
    let sql = "SELECT count(*) FROM (SELECT vector FROM big WHERE _row BETWEEN 25010 AND 25019)";
    assert_eq!(value(&session, sql).await, "10");
    let counts = server.requests();
    assert!(counts.get <= 3, "{counts:?}");
    // A chunk is 32 000 bytes of 3.2 million.
    assert!(counts.bytes < 200_000, "{counts:?}");
}

#[tokio::test]
async fn one_column_of_three_moves_a_third_of_the_bytes() {
    let server = S3Server::start();
    let bytes = three_columns(20_000, 2_000);
    server.put("bucket", "three.cvc", &bytes);
    let session = session();
    let create = create(&server, "three", "s3://bucket/three.cvc", "");
    run(&session, &create).await.unwrap();
    let sql = "SELECT count(*) FROM three WHERE l2_distance(b, b) = 0";
    assert_eq!(value(&session, sql).await, "20000");
    let (moved, whole) = (server.requests().bytes as f64, bytes.len() as f64);
    assert!(
        (0.3..0.4).contains(&(moved / whole)),
        "{moved} bytes of {whole}"
    );
}

#[tokio::test]
async fn directories_and_partitions() {
    let server = S3Server::start();
    server.put("flat", "a.cvc", &vectors(10, 4, 1));
    server.put("flat", "p/b.cvc", &vectors(20, 4, 2));
    server.put("flat", "p/c.cvc", &vectors(40, 4, 3));
    for (year, rows) in [(2023, 3), (2024, 5)] {
        let key = format!("year={year}/part.cvc");
        server.put("hive", &key, &vectors(rows, 4, rows as u64));
    }
    let session = session();
    // Credentials for the whole bucket, which quoted paths use from then on.
    let whole = create(&server, "whole", "s3://flat/", "");
    run(&session, &whole).await.unwrap();
    for (table, rows) in [
        ("whole", "70"),
        ("'s3://flat/*.cvc'", "10"),
        ("'s3://flat/p/'", "60"),
        ("'s3://flat/p/b.cvc'", "20"),
    ] {
        let sql = format!("SELECT count(*) FROM {table}");
        assert_eq!(value(&session, &sql).await, rows, "{table}");
    }

    let hive = format!(
        "CREATE EXTERNAL TABLE hive STORED AS CVC PARTITIONED BY (year) LOCATION 's3://hive/' {}",
        server.sql_options("")
    );
    run(&session, &hive).await.unwrap();
    let count = |year| {
        format!(
            "SELECT count(*) FROM hive WHERE year = '{year}' AND l2_distance(vector, vector) = 0"
        )
    };
    assert_eq!(value(&session, &count(2024)).await, "5");
    server.deny("hive", "year=2024/part.cvc");
    assert_eq!(value(&session, &count(2023)).await, "3");
    let sentence = failure(&session, &count(2024)).await;
    assert!(
        sentence.starts_with("s3://hive/year=2024/part.cvc: access denied"),
        "{sentence}"
    );
}

#[tokio::test]
async fn patterns_of_names() {
    let server = S3Server::start();
    for (number, name) in ["a", "p/b", "p/c", "p/other"].into_iter().enumerate() {
        let key = format!("{name}.cvc");
        server.put("bucket", &key, &vectors(1 << number, 4, number as u64));
    }
    server.put("bucket", "p/b.txt", b"not vectors");
    let session = session();
    let whole = create(&server, "whole", "s3://bucket/", "");
    run(&session, &whole).await.unwrap();
    for (pattern, rows) in [
        ("s3://bucket/*.cvc", "1"),
        ("s3://bucket/p/*.cvc", "14"),
        ("s3://bucket/p/?.cvc", "6"),
        ("s3://bucket/p/[co]*.cvc", "12"),
    ] {
        let sql = format!("SELECT count(*) FROM '{pattern}'");
        assert_eq!(value(&session, &sql).await, rows, "{pattern}");
    }
    let sql = "SELECT count(*) FROM cvc_chunks('s3://bucket/p/*.cvc')";
    assert_eq!(value(&session, sql).await, "4");
    let table = create(&server, "t", "s3://bucket/p/?.cvc", "");
    run(&session, &table).await.unwrap();
    assert_eq!(value(&session, "SELECT count(*) FROM t").await, "6");
}

#[tokio::test]
async fn keys_have_any_sign() {
    let server = S3Server::start();
    for (number, key) in [
        "odd/#1.cvc",
        "odd/50% a+b?.cvc",
        "odd/ü#/[1].cvc",
        "odd/x%20y.cvc",
    ]
    .into_iter()
    .enumerate()
    {
        server.put("bucket", key, &vectors(1 << number, 4, number as u64));
    }
    let session = session();
    run(&session, &create(&server, "whole", "s3://bucket/", ""))
        .await
        .unwrap();
    for (location, rows) in [
        ("odd/#1.cvc", "1"),
        ("odd/50% a+b?.cvc", "2"),
        ("odd/ü#/[1].cvc", "4"),
        ("odd/x%20y.cvc", "8"),
        ("odd/", "15"),
        ("odd/*.cvc", "11"),
        ("odd/*/*", "4"),
        ("**/{#1,x*}.cvc", "9"),
    ] {
        let sql = format!("SELECT count(*) FROM 's3://bucket/{location}'");
        assert_eq!(value(&session, &sql).await, rows, "{location}");
    }
    for key in [
        "out/#1.csv",
        "out/wh?t.parquet",
        "out/[1].cvc",
        "out/*.json",
        "out/{a b}+%.tsv",
    ] {
        let copy = format!("COPY (SELECT 1.5 AS x) TO 's3://bucket/{key}'");
        assert_eq!(value(&session, &copy).await, "1", "{key}");
        assert!(server.object("bucket", key).is_some(), "{key}");
        let sql = format!("SELECT x FROM 's3://bucket/{key}'");
        assert_eq!(value(&session, &sql).await, "1.5", "{key}");
    }
    // Credentials of one statement go to the same place.
    let fenced = create(&server, "fenced", "s3://bucket/odd/#1.cvc", "");
    run(&session, &fenced).await.unwrap();
    assert_eq!(value(&session, "SELECT count(*) FROM fenced").await, "1");
}

#[tokio::test]
async fn what_is_gone_is_an_error() {
    let server = S3Server::start();
    server.put("bucket", "t/a.cvc", &vectors(3, 4, 1));
    let session = session();
    run(&session, &create(&server, "t", "s3://bucket/t/", ""))
        .await
        .unwrap();
    run(&session, &create(&server, "a", "s3://bucket/t/a.cvc", ""))
        .await
        .unwrap();
    server.remove("bucket", "t/a.cvc");
    for (table, name) in [("t", "s3://bucket/t/"), ("a", "s3://bucket/t/a.cvc")] {
        let error = run(&session, &format!("SELECT count(*) FROM {table}")).await;
        let error = error.unwrap_err().to_string();
        assert!(error.contains("no such"), "{error}");
        assert!(error.contains(&format!("'{name}'")), "{error}");
    }
}

#[tokio::test]
async fn written_files_read_back() {
    let server = S3Server::start();
    server.put("bucket", "in/a.cvc", &vectors(1_000, 100, 5));
    let session = session();
    let source = create(&server, "source", "s3://bucket/in/", "");
    run(&session, &source).await.unwrap();

    let copy = format!(
        "COPY (SELECT vector FROM source WHERE _row < 300) TO 's3://bucket/out/copied.cvc' STORED AS CVC {}",
        server.sql_options("'format.chunk_rows' '64'")
    );
    assert_eq!(value(&session, &copy).await, "300");
    let written = server.object("bucket", "out/copied.cvc").unwrap();
    assert_eq!(&written[..4], b"CVCF");

    let target = create(&server, "target", "s3://bucket/out/", "");
    run(&session, &target).await.unwrap();
    let insert = "INSERT INTO target (vector) SELECT vector FROM source WHERE _row >= 900";
    assert_eq!(value(&session, insert).await, "100");
    assert_eq!(value(&session, "SELECT count(*) FROM target").await, "400");
    let same = "SELECT count(*) FROM source s JOIN 's3://bucket/out/copied.cvc' c ON s._row = c._row \
                WHERE l2_distance(s.vector, c.vector) = 0";
    assert_eq!(value(&session, same).await, "300");
}

#[tokio::test]
async fn the_nearest_are_those_of_the_local_disk() {
    let server = S3Server::start();
    let local = tempfile::tempdir().unwrap();
    for part in 0..3 {
        let bytes = vectors(2_000, 256, 100 + part);
        server.put("bucket", &format!("near/{part}.cvc"), &bytes);
        std::fs::write(local.path().join(format!("{part}.cvc")), bytes).unwrap();
    }
    let session = session();
    let remote = create(&server, "remote", "s3://bucket/near/", "");
    run(&session, &remote).await.unwrap();
    let local = format!(
        "CREATE EXTERNAL TABLE local STORED AS CVC LOCATION '{}/'",
        local.path().display()
    );
    run(&session, &local).await.unwrap();

    let query: Vec<String> = numbers(1, 9).iter().map(ToString::to_string).collect();
    for function in ["l2_distance", "cosine_distance", "negative_inner_product"] {
        let answer = async |table: &str| {
            let sql = format!(
                "SELECT _row, {function}(vector, [{}]) AS d FROM {table} ORDER BY d, _row LIMIT 10",
                query.join(", ")
            );
            run(&session, &sql).await.unwrap()
        };
        assert_eq!(answer("remote").await, answer("local").await, "{function}");
    }
}

#[tokio::test]
async fn passing_failures_are_not_seen() {
    let server = S3Server::start();
    server.put("bucket", "a.cvc", &vectors(1_000, 100, 5));
    let session = session();
    server.fail_next(2, 503);
    let create = create(&server, "t", "s3://bucket/a.cvc", "'aws.timeout' '500ms'");
    run(&session, &create).await.unwrap();
    server.fail_next(3, 500);
    assert_eq!(value(&session, READ_ALL).await, "1000");
    assert_eq!(server.faults_left(), 0);
    server.stall_next(2, Duration::from_secs(30));
    assert_eq!(value(&session, READ_ALL).await, "1000");
    assert_eq!(server.faults_left(), 0);
    server.cut_next(1, 30_000);
    assert_eq!(value(&session, READ_ALL).await, "1000");
    assert_eq!(server.faults_left(), 0);
}

#[tokio::test]
async fn lasting_failures_name_bucket_and_key() {
    let server = S3Server::start();
    let bytes = vectors(1_000, 100, 5);
    server.put("bucket", "p/a.cvc", &bytes);
    server.put("bucket", "p/b.cvc", &bytes);
    let session = session();

    let missing = create(&server, "x", "s3://nothing/p/", "");
    let sentence = failure(&session, &missing).await;
    assert_eq!(sentence, "s3://nothing: no such bucket");

    let brief = create(&server, "t", "s3://bucket/p/", "'aws.max_retries' '2'");
    run(&session, &brief).await.unwrap();
    assert_eq!(value(&session, READ_ALL).await, "2000");

    server.deny("bucket", "p/b.cvc");
    let sentence = failure(&session, READ_ALL).await;
    assert!(
        sentence.starts_with("s3://bucket/p/b.cvc: access denied (AccessDenied"),
        "{sentence}"
    );

    server.reset();
    server.fail_next(100, 503);
    let sentence = failure(&session, READ_ALL).await;
    assert!(
        sentence.starts_with("s3://bucket/p")
            && sentence.contains("the server answered 503 Service Unavailable")
            && sentence.ends_with("(gave up after 2 retries)"),
        "{sentence}"
    );
    server.reset();

    let other = server
        .sql_options("")
        .replace("'aws.secret_access_key' '", "'aws.secret_access_key' 'not ");
    let wrong = format!("CREATE EXTERNAL TABLE w STORED AS CVC LOCATION 's3://bucket/p/' {other}");
    let sentence = failure(&session, &wrong).await;
    assert!(
        sentence.starts_with("s3://bucket/p: access denied (SignatureDoesNotMatch"),
        "{sentence}"
    );

    let typo = create(&server, "y", "s3://bucket/p/", "'aws.regoin' 'here'");
    let error = run(&session, &typo).await.unwrap_err().to_string();
    assert!(
        error.contains("unknown option 'aws.regoin'; accepted are aws.access_key_id, "),
        "{error}"
    );
    let error = run(&session, "SELECT * FROM 'hdfs://host/x.cvc'")
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("no object store is known for the scheme 'hdfs'"),
        "{error}"
    );
}

#[tokio::test]
async fn public_files_need_no_credentials() {
    let server = S3Server::start_public();
    server.put("bucket", "p/a.cvc", &vectors(30, 4, 1));
    let session = session();
    let sql = format!(
        "SELECT count(vector) FROM '{}/bucket/p/a.cvc'",
        server.endpoint()
    );
    assert_eq!(value(&session, &sql).await, "30");

    let create = format!(
        "CREATE EXTERNAL TABLE t STORED AS CVC LOCATION 's3://bucket/p/' \
         OPTIONS ('aws.endpoint' '{}', 'aws.skip_signature' 'true')",
        server.endpoint()
    );
    run(&session, &create).await.unwrap();
    assert_eq!(value(&session, READ_ALL).await, "30");
}

#[tokio::test]
async fn google_cloud_storage_is_read_and_written() {
    let server = S3Server::start_google();
    server.put("bucket", "in/a.cvc", &vectors(1_000, 100, 5));
    server.put("bucket", "in/b.cvc", &vectors(1_000, 100, 6));
    let session = session();
    let options = |more: &str| {
        format!(
            "OPTIONS ('gcp.endpoint' '{}', 'gcp.skip_signature' 'true'{more})",
            server.endpoint()
        )
    };
    let create = |name: &str, location: &str| {
        format!(
            "CREATE EXTERNAL TABLE {name} STORED AS CVC LOCATION '{location}' {}",
            options("")
        )
    };
    run(&session, &create("source", "gs://bucket/in/"))
        .await
        .unwrap();
    assert_eq!(value(&session, "SELECT count(*) FROM source").await, "2000");

    // Of 13 MB: more than fits into one request.
    let copy = format!(
        "COPY (SELECT vector FROM source, generate_series(1, 50)) TO 'gs://bucket/out/copied.cvc' STORED AS CVC {}",
        options(", 'format.compression' 'none'")
    );
    assert_eq!(value(&session, &copy).await, "100000");
    let counts = server.requests();
    assert!(counts.put >= 2 && counts.other >= 2, "{counts:?}");
    let written = server.object("bucket", "out/copied.cvc").unwrap();
    assert!(written.len() > 12_800_000);

    run(&session, &create("target", "gs://bucket/out/"))
        .await
        .unwrap();
    let insert = "INSERT INTO target (vector) SELECT vector FROM source WHERE _row >= 900";
    assert_eq!(value(&session, insert).await, "200");
    let sum = |from: &str| format!("SELECT sum(vector[1]) + sum(vector[32]) FROM {from}");
    let fifty = value(&session, &sum("'gs://bucket/out/copied.cvc'")).await;
    let once = value(&session, &sum("source")).await;
    let (fifty, once): (f64, f64) = (fifty.parse().unwrap(), once.parse().unwrap());
    assert_eq!(fifty, once * 50.0);
    assert_eq!(
        value(&session, "SELECT count(*) FROM target").await,
        "100200"
    );

    server.deny("bucket", "out/copied.cvc");
    let text = failure(&session, "SELECT * FROM 'gs://bucket/out/copied.cvc'").await;
    assert!(text.contains("gs://bucket/out/copied.cvc"), "{text}");
}

#[test]
fn the_command_takes_credentials_from_the_environment() {
    let server = S3Server::start();
    server.put("bucket", "p/a.cvc", &vectors(30, 4, 1));
    let ogive = |sql: &str| {
        Command::new(env!("CARGO_BIN_EXE_ogive"))
            .args(["--quiet", "--format", "csv", "-c", sql])
            .envs(server.environment())
            .output()
            .unwrap()
    };
    let output = ogive("SELECT count(*) AS n FROM 's3://bucket/p/'");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{errors}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "n\n30\n");

    let output = ogive("SELECT count(*) FROM 's3://nothing/p/'");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains("s3://nothing: no such bucket"), "{errors}");
}
