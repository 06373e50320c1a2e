//! What needs no server: names, options, prefixes, wording.

#[cfg(feature = "s3")]
mod server;

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::error::DataFusionError;
use datafusion::execution::object_store::ObjectStoreRegistry;
use futures::TryStreamExt;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt};
use url::Url;

use super::explain::explain;
use super::location::{StoreKey, fixed_prefix};
use super::{
    LazyObjectStores, StoreOptions, store_failure, store_with_options, take_store_options,
};

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

fn options(pairs: &[(&str, &str)]) -> StoreOptions {
    let mut map: HashMap<String, String> = pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let taken = take_store_options(&mut map);
    assert!(map.is_empty(), "left over: {map:?}");
    taken
}

fn registry() -> LazyObjectStores {
    LazyObjectStores::with_environment(Vec::new())
}

#[test]
fn options_of_stores_are_taken_and_those_of_formats_stay() {
    let mut map: HashMap<String, String> = [
        ("aws.region", "eu-central-1"),
        ("AWS.Access_Key_Id", "key"),
        ("format.aws.endpoint", "http://localhost"),
        ("http.timeout", "1s"),
        ("format.compression", "int8"),
        ("awsome.thing", "x"),
        ("format.aws_region", "x"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    let taken = take_store_options(&mut map);
    let mut left: Vec<_> = map.into_keys().collect();
    left.sort();
    assert_eq!(
        left,
        ["awsome.thing", "format.aws_region", "format.compression"]
    );
    assert_eq!(
        format!("{taken:?}"),
        r#"{"aws.access_key_id", "aws.endpoint", "aws.region", "http.timeout"}"#
    );
    assert!(!taken.is_empty());
    assert!(take_store_options(&mut HashMap::new()).is_empty());
}

#[test]
fn secrets_are_not_printed() {
    let debug = format!(
        "{:?} {:?}",
        options(&[("aws.secret_access_key", "hush")]),
        LazyObjectStores::with_environment([("AWS_SECRET_ACCESS_KEY".into(), "hush".into())])
    );
    assert!(
        !debug.contains("hush") && debug.contains("AWS_SECRET_ACCESS_KEY"),
        "{debug}"
    );
}

#[test]
fn keys_tell_containers_apart_and_hide_passwords() {
    let cases = [
        ("s3://bucket/a/b.cvc", "s3://bucket"),
        ("s3a://bucket", "s3a://bucket"),
        (
            "https://me:secret@example.com:8443/x",
            "https://example.com:8443",
        ),
        (
            "abfss://data@account.dfs.core.windows.net/x",
            "abfss://data@account.dfs.core.windows.net",
        ),
        ("file:///tmp/x", "file://"),
    ];
    for (text, expected) in cases {
        assert_eq!(StoreKey::of(&url(text)).to_string(), expected);
    }
}

#[test]
fn a_prefix_ends_before_the_first_wildcard() {
    let cases = [
        ("s3://b", ""),
        ("s3://b/", ""),
        ("s3://b/p", "p"),
        ("s3://b/p/", "p"),
        ("s3://b/p/x.cvc", "p/x.cvc"),
        ("s3://b/p/*.cvc", "p"),
        ("s3://b/year/m*/x.cvc", "year"),
        ("s3://b/p/part-?.cvc", "p"),
        ("s3://b/p/[ab].cvc", "p"),
        ("s3://b/with%20space/x", "with space/x"),
    ];
    for (text, expected) in cases {
        assert_eq!(
            fixed_prefix(&url(text)).unwrap().as_ref(),
            expected,
            "{text}"
        );
    }
}

#[test]
fn wrong_schemes_and_options_are_refused_by_name() {
    let none = StoreOptions::default();
    #[cfg(feature = "s3")]
    let region = options(&[("aws.region", "x")]);
    let cases = [
        (
            "hdfs://host/x",
            none.clone(),
            "no object store is known for the scheme 'hdfs' of hdfs://host/x; known are file, s3, ",
        ),
        ("s3:///x", none.clone(), "s3:///x names no bucket"),
        (
            "s3://b/x",
            options(&[("aws.regoin", "x")]),
            "unknown option 'aws.regoin'; accepted are aws.access_key_id, aws.secret_access_key, ",
        ),
        (
            "gs://b/x",
            options(&[("gcp.project", "x")]),
            "unknown option 'gcp.project'; accepted are gcp.service_account_path, ",
        ),
        (
            "gs://b/x",
            options(&[("aws.region", "x")]),
            "option 'aws.region' does not apply to gs://b",
        ),
        (
            "file:///tmp/x",
            options(&[("aws.region", "x")]),
            "option 'aws.region' does not apply to file://",
        ),
        #[cfg(not(feature = "s3"))]
        ("s3://b/x", none, "s3:// needs a build with the feature s3"),
        #[cfg(feature = "s3")]
        (
            "s3://b/x",
            options(&[("aws.max_retries", "many")]),
            "aws.max_retries is a number of retries, not 'many'",
        ),
        #[cfg(feature = "s3")]
        (
            "s3://b/x",
            options(&[("aws.allow_http", "perhaps")]),
            "s3://b: ",
        ),
        #[cfg(feature = "s3")]
        (
            "https://example.com/x",
            options(&[("http.authorization", "a\nb")]),
            "http.authorization holds a character that no header may have",
        ),
    ];
    for (text, options, expected) in cases {
        let error = store_with_options(&url(text), &options).unwrap_err();
        assert!(error.to_string().contains(expected), "{text}: {error}");
    }
    #[cfg(feature = "s3")]
    assert!(store_with_options(&url("s3://b/x"), &region).is_ok());
}

#[cfg(feature = "s3")]
#[test]
fn every_accepted_option_is_understood_by_its_client() {
    let cases: &[(&str, &[(&str, &str)])] = &[
        (
            "s3://b",
            &[
                ("aws.access_key_id", "a"),
                ("aws.secret_access_key", "b"),
                ("aws.session_token", "c"),
                ("aws.region", "eu-west-1"),
                ("aws.endpoint", "http://localhost:9000/"),
                ("aws.allow_http", "true"),
                ("aws.skip_signature", "false"),
                ("aws.virtual_hosted_style_request", "false"),
                ("aws.request_payer", "true"),
                ("aws.timeout", "5s"),
                ("aws.connect_timeout", "1 second"),
                ("aws.max_retries", "3"),
            ],
        ),
        (
            "gs://b",
            &[
                ("gcp.endpoint", "http://localhost:4443"),
                ("gcp.allow_http", "true"),
                ("gcp.skip_signature", "true"),
                ("gcp.timeout", "5s"),
                ("gcp.connect_timeout", "1s"),
                ("gcp.max_retries", "0"),
            ],
        ),
        (
            "az://c",
            &[
                ("azure.account_name", "account"),
                ("azure.access_key", "a2V5"),
                ("azure.endpoint", "http://localhost:10000/account"),
                ("azure.allow_http", "true"),
                ("azure.skip_signature", "false"),
                ("azure.use_emulator", "false"),
                ("azure.timeout", "5s"),
                ("azure.connect_timeout", "1s"),
                ("azure.max_retries", "0"),
            ],
        ),
        (
            "azure://c",
            &[
                ("azure.account_name", "account"),
                ("azure.sas_token", "sv=1&sig=2"),
            ],
        ),
        (
            "abfss://c@account.dfs.core.windows.net",
            &[
                ("azure.client_id", "a"),
                ("azure.client_secret", "b"),
                ("azure.tenant_id", "c"),
            ],
        ),
        (
            "http://localhost:8000",
            &[
                ("http.authorization", "Bearer x"),
                ("http.user_agent", "ogive"),
                ("http.timeout", "5s"),
                ("http.connect_timeout", "1s"),
                ("http.max_retries", "0"),
            ],
        ),
    ];
    for (text, pairs) in cases {
        let built = store_with_options(&url(text), &options(pairs));
        assert!(built.is_ok(), "{text}: {}", built.unwrap_err());
    }
}

#[cfg(feature = "s3")]
#[test]
fn stores_are_built_once_and_the_local_disk_is_known() {
    let registry = registry();
    for text in ["s3://one", "gs://two", "https://example.com", "s3a://one"] {
        let first = registry.get_store(&url(text)).unwrap();
        let again = registry.get_store(&url(&format!("{text}/a/b"))).unwrap();
        assert!(Arc::ptr_eq(&first, &again), "{text}");
    }
    let [one, other] = ["s3://one", "s3://two"].map(|text| registry.get_store(&url(text)).unwrap());
    assert!(!Arc::ptr_eq(&one, &other));
    assert!(registry.get_store(&url("file:///tmp/x")).is_ok());
    // Half an identity is refused at once, with the bucket's name.
    let half = LazyObjectStores::with_environment([("AWS_ACCESS_KEY_ID".into(), "a".into())]);
    let error = half.get_store(&url("s3://b")).unwrap_err().to_string();
    assert!(error.contains("s3://b: "), "{error}");
}

#[tokio::test]
async fn a_location_has_its_own_store_and_the_rest_of_the_bucket_another() {
    let registry = registry();
    let [whole, part, file] = [(); 3].map(|()| Arc::new(InMemory::new()) as Arc<dyn ObjectStore>);
    for (store, content) in [(&whole, "whole"), (&part, "part"), (&file, "file")] {
        for path in ["a/x", "p/x", "p/y", "pq/x"] {
            store.put(&Path::from(path), content.into()).await.unwrap();
        }
    }
    registry.register_store(&url("s3://b"), whole);
    registry
        .register_for(&url("s3://b/p/*.cvc"), Arc::clone(&file))
        .unwrap();
    registry.register_for(&url("s3://b/p/"), part).unwrap();
    registry.register_for(&url("s3://b/p/y"), file).unwrap();

    let store = registry.get_store(&url("s3://b/")).unwrap();
    let read = async |path: &str| {
        let bytes = store.get(&Path::from(path)).await.unwrap().bytes().await;
        String::from_utf8(bytes.unwrap().to_vec()).unwrap()
    };
    for (path, expected) in [
        ("a/x", "whole"),
        ("p/x", "part"),
        ("p/y", "file"),
        ("pq/x", "whole"),
    ] {
        assert_eq!(read(path).await, expected, "{path}");
    }

    // Each deletion reaches the store in charge; both stores keep what the other one lost.
    let gone = ["p/x", "a/x"].map(|path| Ok(Path::from(path)));
    let gone: Vec<Path> = store
        .delete_stream(Box::pin(futures::stream::iter(gone)))
        .try_collect()
        .await
        .unwrap();
    assert_eq!(gone, [Path::from("p/x"), Path::from("a/x")]);
    let names = async |prefix: &str| -> Vec<String> {
        let listed = store.list(Some(&Path::from(prefix)));
        let mut names: Vec<String> = listed
            .map_ok(|meta| meta.location.to_string())
            .try_collect()
            .await
            .unwrap();
        names.sort();
        names
    };
    assert_eq!(names("p").await, ["p/y"]);
    assert_eq!(names("").await, ["p/x", "p/y", "pq/x"]);

    let error = store
        .copy(&Path::from("p/y"), &Path::from("a/z"))
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("s3://b/p/y and s3://b/a/z are registered with different options"),
        "{error}"
    );
    assert!(registry.deregister_store(&url("s3://b")).is_ok());
    assert!(registry.deregister_store(&url("s3://b")).is_err());
}

#[tokio::test]
async fn errors_name_bucket_and_key_through_any_wrapping() {
    let registry = registry();
    registry
        .register_for(&url("s3://b/"), Arc::new(InMemory::new()))
        .unwrap();
    let store = registry.get_store(&url("s3://b/")).unwrap();
    let error = store.get(&Path::from("p/x.cvc")).await.unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }), "{error:?}");
    let wrapped = DataFusionError::Context("scanning".into(), Box::new(error.into()));
    let failure = store_failure(&wrapped).unwrap();
    assert_eq!(failure.to_string(), "s3://b/p/x.cvc: no such object");
    assert!(store_failure(&DataFusionError::Plan("other".into())).is_none());
}

/// An error as object_store makes them, whose `RetryError` cannot be made from outside.
fn answer(text: &str) -> Error {
    Error::Generic {
        store: "S3",
        source: text.into(),
    }
}

#[test]
fn answers_of_servers_become_sentences() {
    let path = "p/x.cvc";
    let cases = [
        (
            "s3://b",
            answer(
                "Error performing list request: Error performing GET http://h/b?list-type=2&prefix=p in 1ms - \
                 Server returned non-2xx status code: 404 Not Found: <Error><Code>NoSuchBucket</Code></Error>",
            ),
            "s3://b: no such bucket",
        ),
        (
            "s3://b",
            Error::NotFound {
                path: path.into(),
                source: "Error performing HEAD http://h/b/p/x.cvc in 1ms - Server returned non-2xx status code: 404 Not Found: "
                    .into(),
            },
            "s3://b/p/x.cvc: no such object or bucket",
        ),
        (
            "s3://b",
            Error::PermissionDenied {
                path: path.into(),
                source: "Error performing GET http://h/b/p/x.cvc in 1ms - Server returned non-2xx status code: 403 Forbidden: \
                         <Error><Code>InvalidAccessKeyId</Code><Message>The key does not exist.</Message></Error>"
                    .into(),
            },
            "s3://b/p/x.cvc: access denied (InvalidAccessKeyId: The key does not exist; check AWS_ACCESS_KEY_ID and \
             AWS_SECRET_ACCESS_KEY, or aws.access_key_id and aws.secret_access_key)",
        ),
        (
            "s3://b",
            answer(
                "Error performing GET http://h/b/p/x.cvc in 9s, after 10 retries, max_retries: 10, retry_timeout: 60s  - \
                 Server returned non-2xx status code: 503 Service Unavailable: <Error><Code>SlowDown</Code><Message>Reduce \
                 your request rate.</Message></Error>",
            ),
            "s3://b/p/x.cvc: the server answered 503 Service Unavailable: SlowDown: Reduce your request rate \
             (gave up after 10 retries)",
        ),
        (
            "s3://b",
            answer("Error performing GET http://h/b/p/x.cvc in 9s, after 2 retries, max_retries: 2, retry_timeout: 60s  - HTTP error: error sending request"),
            "s3://b/p/x.cvc: HTTP error: error sending request (gave up after 2 retries)",
        ),
        (
            "s3://b",
            answer("Error performing GET https://s3.us-east-1.amazonaws.com/b/p/x.cvc in 9s - Received redirect without LOCATION, this normally indicates an incorrectly configured region"),
            "s3://b: the bucket is in another region (set AWS_REGION or the option aws.region)",
        ),
        (
            "s3://b",
            answer("Error performing PUT http://169.254.169.254/latest/api/token in 2s, after 1 retries, max_retries: 1, retry_timeout: 2s  - HTTP error: error sending request"),
            "s3://b/p/x.cvc: no credentials found (set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the options \
             aws.access_key_id and aws.secret_access_key, or AWS_SKIP_SIGNATURE=true for a public bucket)",
        ),
        (
            "https://example.com",
            answer("something else"),
            "https://example.com/p/x.cvc: something else",
        ),
    ];
    for (base, error, expected) in cases {
        let key = StoreKey::of(&url(base));
        let explained = explain(error, &key, &Path::from(path));
        assert_eq!(store_failure(&explained).unwrap().to_string(), expected);
        // Explaining twice changes nothing.
        let text = explained.to_string();
        assert_eq!(explain(explained, &key, &Path::ROOT).to_string(), text);
    }
}
