//! Against a server that speaks S3 on the loopback: identities, retries, and what permanent failures say.

#[path = "../../../../tests/it/s3_server.rs"]
#[allow(dead_code, reason = "shared with tests of whole queries")]
mod s3_server;

use std::time::{Duration, Instant};

use datafusion::execution::object_store::ObjectStoreRegistry;
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{
    Error, GetOptions, GetRange, ObjectStore, ObjectStoreExt, PutPayload, Result, WriteMultipart,
};

use super::{LazyObjectStores, options, store_failure, url};
use s3_server::{ACCESS_KEY_ID, Counts, S3Server, SECRET_ACCESS_KEY};

/// A server with one bucket and one object of 100 000 bytes, and a registry that can reach it.
fn fixture() -> (S3Server, LazyObjectStores, Vec<u8>) {
    let server = S3Server::start();
    let content: Vec<u8> = (0..100_000_u32).map(|i| (i * 31 % 251) as u8).collect();
    server.put("bucket", "dir/data.cvc", &content);
    let registry = LazyObjectStores::with_environment(server.environment());
    (server, registry, content)
}

fn data() -> Path {
    Path::from("dir/data.cvc")
}

async fn read(store: &dyn ObjectStore, path: &str) -> Result<Vec<u8>> {
    Ok(store.get(&Path::from(path)).await?.bytes().await?.to_vec())
}

fn sentence(error: &Error) -> String {
    store_failure(error).unwrap().to_string()
}

#[tokio::test]
async fn the_environment_is_enough() {
    let (server, registry, content) = fixture();
    let store = registry.get_store(&url("s3://bucket/")).unwrap();
    assert_eq!(read(&store, "dir/data.cvc").await.unwrap(), content);
    assert_eq!(store.head(&data()).await.unwrap().size, 100_000);
    let range = store.get_range(&data(), 10..20).await.unwrap();
    assert_eq!(range, &content[10..20]);
    let suffix = GetOptions::new().with_range(Some(GetRange::Suffix(5)));
    let suffix = store.get_opts(&data(), suffix).await.unwrap();
    assert_eq!(suffix.bytes().await.unwrap(), &content[99_995..]);
    let listed: Vec<_> = store.list(None).try_collect().await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(
        server.requests(),
        Counts {
            get: 3,
            head: 1,
            list: 1,
            bytes: 100_015,
            ..Counts::default()
        }
    );
}

#[tokio::test]
async fn writing_in_one_piece_and_in_parts() {
    let (server, registry, _) = fixture();
    let store = registry.get_store(&url("s3://bucket/")).unwrap();
    let payload = PutPayload::from_static(b"short");
    store.put(&Path::from("a"), payload).await.unwrap();
    assert_eq!(server.object("bucket", "a").unwrap(), b"short");

    let long = vec![7_u8; 11 << 20];
    let upload = store.put_multipart(&Path::from("b")).await.unwrap();
    let mut writer = WriteMultipart::new_with_chunk_size(upload, 5 << 20);
    server.fail_next(1, 503);
    writer.write(&long);
    writer.finish().await.unwrap();
    assert!(server.object("bucket", "b").unwrap() == long);

    server.deny("bucket", "c");
    let error = store
        .put(&Path::from("c"), PutPayload::new())
        .await
        .unwrap_err();
    assert!(
        sentence(&error).starts_with("s3://bucket/c: access denied"),
        "{error}"
    );
}

#[tokio::test]
async fn what_passes_is_retried() {
    let (server, registry, content) = fixture();
    registry
        .apply_options(&url("s3://bucket/"), &options(&[("aws.timeout", "500ms")]))
        .unwrap();
    let store = registry.get_store(&url("s3://bucket/")).unwrap();
    server.fail_next(2, 500);
    assert_eq!(read(&store, "dir/data.cvc").await.unwrap(), content);
    server.fail_next(2, 503);
    assert_eq!(read(&store, "dir/data.cvc").await.unwrap(), content);
    assert_eq!(server.requests().get, 6);

    server.reset();
    server.fail_next(1, 503);
    let listed: Vec<_> = store.list(None).try_collect().await.unwrap();
    assert_eq!((listed.len(), server.requests().list), (1, 2));

    server.reset();
    server.stall_next(1, Duration::from_secs(30));
    assert_eq!(read(&store, "dir/data.cvc").await.unwrap(), content);
    assert_eq!(server.requests().get, 2);

    // A body that breaks off is taken up where it ended.
    server.reset();
    server.cut_next(1, 40_000);
    assert_eq!(read(&store, "dir/data.cvc").await.unwrap(), content);
    assert_eq!(server.faults_left(), 0);
    let counts = server.requests();
    assert_eq!(counts.get, 2);
    assert!(counts.bytes < 160_000, "{counts:?}");
}

#[tokio::test]
async fn what_stays_is_reported_with_the_place() {
    let (server, registry, _) = fixture();
    let [bucket, missing] =
        ["s3://bucket/", "s3://nothing/"].map(|text| registry.get_store(&url(text)).unwrap());

    let error = read(&bucket, "dir/none.cvc").await.unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }));
    assert_eq!(sentence(&error), "s3://bucket/dir/none.cvc: no such object");

    let error = bucket.head(&Path::from("none")).await.unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }));
    assert_eq!(
        sentence(&error),
        "s3://bucket/none: no such object or bucket"
    );

    let listed: Result<Vec<_>> = missing.list(Some(&Path::from("p"))).try_collect().await;
    assert_eq!(
        sentence(&listed.unwrap_err()),
        "s3://nothing: no such bucket"
    );

    server.deny("bucket", "dir/data.cvc");
    let error = read(&bucket, "dir/data.cvc").await.unwrap_err();
    assert!(matches!(error, Error::PermissionDenied { .. }));
    assert!(
        sentence(&error)
            .starts_with("s3://bucket/dir/data.cvc: access denied (AccessDenied: Access Denied; "),
        "{error}"
    );
    // Not a passing failure, so asked for once.
    assert_eq!(server.requests().get, 2);

    server.reset();
    registry
        .apply_options(&url("s3://bucket/"), &options(&[("aws.max_retries", "2")]))
        .unwrap();
    server.fail_next(10, 503);
    let error = read(&bucket, "dir/data.cvc").await.unwrap_err();
    assert_eq!(
        sentence(&error),
        "s3://bucket/dir/data.cvc: the server answered 503 Service Unavailable: InternalError: \
         This failure was asked for (gave up after 2 retries)"
    );
    assert_eq!(server.requests().get, 3);
}

#[tokio::test]
async fn a_wrong_or_missing_identity_is_said_quickly() {
    let (server, _, content) = fixture();
    let open = |variables: &[(&str, &str)]| {
        let endpoint = server.endpoint();
        let first = ("AWS_ENDPOINT_URL", endpoint.as_str());
        let variables = variables.iter().copied().chain([first]);
        LazyObjectStores::with_environment(
            variables.map(|(name, value)| (name.to_owned(), value.to_owned())),
        )
    };

    let wrong = open(&[
        ("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID),
        ("AWS_SECRET_ACCESS_KEY", "guess"),
    ]);
    let store = wrong.get_store(&url("s3://bucket/")).unwrap();
    let error = read(&store, "dir/data.cvc").await.unwrap_err();
    assert!(
        sentence(&error).contains("access denied (SignatureDoesNotMatch"),
        "{error}"
    );

    // Nobody listens where the machine's own identity is asked for.
    let none = open(&[("AWS_METADATA_ENDPOINT", "http://127.0.0.1:9")]);
    let store = none.get_store(&url("s3://bucket/")).unwrap();
    let started = Instant::now();
    let error = read(&store, "dir/data.cvc").await.unwrap_err();
    assert!(
        sentence(&error).contains("s3://bucket/dir/data.cvc: no credentials found (set AWS_"),
        "{error}"
    );
    assert!(
        started.elapsed() < Duration::from_secs(10),
        "{:?}",
        started.elapsed()
    );

    // A statement's identity replaces the environment's whole, session token included.
    let mixed = open(&[
        ("AWS_ACCESS_KEY_ID", "other"),
        ("AWS_SECRET_ACCESS_KEY", "other"),
        ("AWS_SESSION_TOKEN", "other"),
    ]);
    let identity = options(&[
        ("aws.access_key_id", ACCESS_KEY_ID),
        ("aws.secret_access_key", SECRET_ACCESS_KEY),
    ]);
    mixed
        .apply_options(&url("s3://bucket/dir/"), &identity)
        .unwrap();
    let store = mixed.get_store(&url("s3://bucket/")).unwrap();
    assert_eq!(read(&store, "dir/data.cvc").await.unwrap(), content);
    // Elsewhere in the bucket the environment's still counts.
    let error = read(&store, "elsewhere").await.unwrap_err();
    assert!(sentence(&error).contains("access denied"), "{error}");
}

#[tokio::test]
async fn public_buckets_and_plain_http_need_no_identity() {
    let server = S3Server::start_public();
    server.put("bucket", "dir/data.cvc", b"0123456789");
    let registry = LazyObjectStores::with_environment([
        ("AWS_ENDPOINT_URL".to_owned(), server.endpoint()),
        ("AWS_SKIP_SIGNATURE".to_owned(), "true".to_owned()),
        // Would be waited for if credentials were sought.
        ("AWS_METADATA_ENDPOINT".to_owned(), server.endpoint()),
    ]);
    let store = registry.get_store(&url("s3://bucket/")).unwrap();
    let content = read(&store, "dir/data.cvc").await.unwrap();
    assert_eq!(content, b"0123456789");

    let http = registry.get_store(&url(&server.endpoint())).unwrap();
    let path = Path::from("bucket/dir/data.cvc");
    assert_eq!(http.head(&path).await.unwrap().size, 10);
    assert_eq!(http.get_range(&path, 3..6).await.unwrap(), "345");
    let error = read(&http, "bucket/none").await.unwrap_err();
    assert_eq!(
        sentence(&error),
        format!("{}/bucket/none: no such object", server.endpoint())
    );
    let counts = server.requests();
    assert_eq!((counts.get, counts.head, counts.other), (3, 1, 0));
}
