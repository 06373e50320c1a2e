//! From what a store's client reports to what a person can act on.
//!
//! object_store's errors carry the HTTP answer as text, its `RetryError` being private, and the errors of a listing come
//! as `Generic` whatever the status. So the text is read here, in one place, and its shapes are pinned by tests.

use std::error::Error as StdError;

use object_store::Error;
use object_store::path::Path;

use super::failure::StoreFailure;
use super::location::{StoreKey, Vendor};

/// What a message means to the caller, beyond its wording.
enum Meaning {
    NotFound,
    Denied,
    Other,
}

/// Rewrites `error` so that it names `path` in the store `key` and says what to do. The variant is kept, or made more
/// exact, because callers act on it; an error that is already explained passes unchanged.
pub(super) fn explain(error: Error, key: &StoreKey, path: &Path) -> Error {
    let inner = match &error {
        Error::Generic { source, .. }
        | Error::NotFound { source, .. }
        | Error::PermissionDenied { source, .. }
        | Error::Unauthenticated { source, .. }
        | Error::AlreadyExists { source, .. }
        | Error::Precondition { source, .. } => source.as_ref(),
        // Not about a place: a bad path, an operation the store lacks, a lost task, an unchanged object.
        _ => return error,
    };
    if is_explained(inner) {
        return error;
    }

    let text = error.to_string();
    let (message, meaning) = match describe(&error, &text, key, path) {
        Some(known) => known,
        None => (
            format!("{}: {}", key.at(path), reason(&text)),
            Meaning::Other,
        ),
    };
    let store = match &error {
        Error::Generic { store, .. } => *store,
        _ => "object store",
    };
    let (path, kind) = (path.to_string(), Kind::of(&error));
    let source = Box::new(StoreFailure::new(message, Box::new(error)));
    match (meaning, kind) {
        (Meaning::NotFound, _) => Error::NotFound { path, source },
        (Meaning::Denied, Kind::Unauthenticated) => Error::Unauthenticated { path, source },
        (Meaning::Denied, _) => Error::PermissionDenied { path, source },
        (Meaning::Other, Kind::AlreadyExists) => Error::AlreadyExists { path, source },
        (Meaning::Other, Kind::Precondition) => Error::Precondition { path, source },
        (Meaning::Other, _) => Error::Generic { store, source },
    }
}

/// The variants that callers tell apart.
enum Kind {
    Unauthenticated,
    AlreadyExists,
    Precondition,
    Other,
}

impl Kind {
    fn of(error: &Error) -> Self {
        match error {
            Error::Unauthenticated { .. } => Self::Unauthenticated,
            Error::AlreadyExists { .. } => Self::AlreadyExists,
            Error::Precondition { .. } => Self::Precondition,
            _ => Self::Other,
        }
    }
}

fn is_explained(error: &(dyn StdError + 'static)) -> bool {
    super::failure::store_failure(error).is_some()
}

/// The cases that have a sentence of their own.
fn describe(error: &Error, text: &str, key: &StoreKey, path: &Path) -> Option<(String, Meaning)> {
    let place = key.at(path);
    let vendor = key.vendor();
    let says = |needle: &str| text.contains(needle);

    if lacks_credentials(text) {
        let advice = match vendor {
            Some(Vendor::Gcp) => {
                "set GOOGLE_APPLICATION_CREDENTIALS or the option gcp.service_account_path, \
                 or GOOGLE_SKIP_SIGNATURE=true for a public bucket"
            }
            Some(Vendor::Azure) => {
                "set AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY, or the options \
                 azure.account_name and azure.access_key, or AZURE_SKIP_SIGNATURE=true for a public container"
            }
            _ => {
                "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the options aws.access_key_id and \
                 aws.secret_access_key, or AWS_SKIP_SIGNATURE=true for a public bucket"
            }
        };
        return Some((
            format!("{place}: no credentials found ({advice})"),
            Meaning::Denied,
        ));
    }
    if says("NoSuchBucket") || says("ContainerNotFound") {
        return Some((format!("{key}: no such bucket"), Meaning::NotFound));
    }
    if says("Received redirect without LOCATION")
        || says("PermanentRedirect")
        || says("AuthorizationHeaderMalformed")
    {
        return Some((
            format!(
                "{key}: the bucket is in another region (set AWS_REGION or the option aws.region)"
            ),
            Meaning::Other,
        ));
    }
    if matches!(error, Error::NotFound { .. }) {
        // The answer to a HEAD request has no body, so it cannot tell a missing bucket from a missing object.
        let what = if !says("<Code>") && vendor == Some(Vendor::Aws) && says("HEAD") {
            "no such object or bucket"
        } else {
            "no such object"
        };
        return Some((format!("{place}: {what}"), Meaning::NotFound));
    }
    let denied = matches!(
        error,
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. }
    ) || says("403 Forbidden")
        || says("401 Unauthorized");
    if denied {
        let credentials = match vendor {
            Some(Vendor::Gcp) => "check GOOGLE_APPLICATION_CREDENTIALS or gcp.service_account_path",
            Some(Vendor::Azure) => {
                "check AZURE_STORAGE_ACCOUNT_KEY or azure.access_key, azure.sas_token"
            }
            Some(Vendor::Http) => "check http.authorization",
            _ => {
                "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or aws.access_key_id and aws.secret_access_key"
            }
        };
        let answer = match server_answer(text) {
            Some(answer) => format!("{answer}; {credentials}"),
            None => credentials.to_owned(),
        };
        return Some((
            format!("{place}: access denied ({answer})"),
            Meaning::Denied,
        ));
    }
    match error {
        Error::AlreadyExists { .. } => Some((format!("{place}: exists already"), Meaning::Other)),
        Error::Precondition { .. } => Some((
            format!("{place}: changed while it was being read or written"),
            Meaning::Other,
        )),
        _ => None,
    }
}

/// Whether the failed request was one to a machine's metadata service, the last place where credentials are sought.
fn lacks_credentials(text: &str) -> bool {
    [
        "/latest/api/token",
        "/latest/meta-data/iam/",
        "/computeMetadata/v1/",
        "/metadata/identity/oauth2/token",
    ]
    .iter()
    .any(|path| text.contains(path))
}

/// `Code: Message` of the XML body that S3 and its kin put into an error answer.
fn server_answer(text: &str) -> Option<String> {
    let element = |name: &str| {
        let (_, rest) = text.split_once(&format!("<{name}>"))?;
        let (value, _) = rest.split_once(&format!("</{name}>"))?;
        Some(value.trim())
    };
    let code = element("Code")?;
    Some(match element("Message") {
        Some(message) if !message.is_empty() => {
            format!("{code}: {}", message.trim_end_matches('.'))
        }
        _ => code.to_owned(),
    })
}

/// The useful part of a client's message: what was answered last, and how often it was tried.
fn reason(text: &str) -> String {
    let retries = text
        .split_once(", after ")
        .and_then(|(_, rest)| rest.split_once(" retries"))
        .filter(|(count, _)| count.bytes().all(|byte| byte.is_ascii_digit()))
        .map(|(count, _)| format!(" (gave up after {count} retries)"))
        .unwrap_or_default();
    let last = match text.split_once("Error performing ") {
        Some((_, rest)) => rest.split_once(" - ").map_or(rest, |(_, last)| last),
        None => text
            .strip_prefix("Generic ")
            .and_then(|rest| rest.split_once(" error: "))
            .map_or(text, |(_, rest)| rest),
    };
    let last = match (last.find('<'), server_answer(last)) {
        (Some(body), Some(answer)) => format!("{}{answer}", last.get(..body).unwrap_or_default()),
        _ => last.trim().trim_end_matches(':').to_owned(),
    };
    let last = last
        .strip_prefix("Server returned non-2xx status code: ")
        .map_or_else(
            || last.clone(),
            |status| format!("the server answered {status}"),
        );
    format!("{last}{retries}")
}
