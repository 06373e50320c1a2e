//! Builds the client of each vendor from options and environment.

use std::sync::Arc;
use std::time::Duration;

use datafusion::error::{DataFusionError, Result};
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::{GcpCredential, GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::http::HttpBuilder;
use object_store::{
    BackoffConfig, ClientConfigKey, ClientOptions, HeaderMap, HeaderValue, ObjectStore,
    RetryConfig, StaticCredentialProvider,
};
use url::Url;

use super::environment::Environment;
use super::location::{StoreKey, Vendor};
use super::options::{StoreOptions, configuration};

/// Retries of one request, counted beside the first attempt. With the back-off below they span about half a minute,
/// which is how long a busy bucket takes to be scaled out.
const MAX_RETRIES: usize = 10;
/// After this no further attempt is begun.
const RETRY_TIMEOUT: Duration = Duration::from_secs(60);
/// The wait before the first retry; each further one may double it.
const FIRST_BACKOFF: Duration = Duration::from_millis(50);
/// Retries when a cloud machine is asked for its own credentials. Away from a cloud nobody answers at that address,
/// and a person who only forgot to set the variables should read so within seconds.
const METADATA_MAX_RETRIES: usize = 1;
const METADATA_RETRY_TIMEOUT: Duration = Duration::from_secs(2);
/// The whole request for a machine's own credentials, connecting included.
const METADATA_TIMEOUT: &str = "2 seconds";

/// The store of a whole bucket.
pub(super) fn connect(
    key: &StoreKey,
    options: &StoreOptions,
    environment: &Environment,
) -> Result<Arc<dyn ObjectStore>> {
    let Some(vendor) = key.vendor() else {
        return Err(configuration(format!("{key} names no object store")));
    };
    let retry = retry_config(vendor, options, environment)?;
    let built = match vendor {
        Vendor::Aws => s3(key, options, environment, retry),
        Vendor::Gcp => gcs(key, options, environment, retry),
        Vendor::Azure => azure(key, options, environment, retry),
        Vendor::Http => http(key, options, retry),
    };
    built.map_err(|error| match error {
        BuildError::Client(error) => configuration(format!("{key}: {}", client_message(&error))),
        BuildError::Option(error) => error,
    })
}

/// Either side of building a client can fail.
enum BuildError {
    Client(object_store::Error),
    Option(DataFusionError),
}

impl From<object_store::Error> for BuildError {
    fn from(error: object_store::Error) -> Self {
        Self::Client(error)
    }
}

/// What a client says about its configuration, without the words "Generic S3 error".
fn client_message(error: &object_store::Error) -> String {
    match error {
        object_store::Error::Generic { source, .. } => source.to_string(),
        other => other.to_string(),
    }
}

fn retry_config(
    vendor: Vendor,
    options: &StoreOptions,
    environment: &Environment,
) -> Result<RetryConfig> {
    let max_retries = match (options.get(vendor, "max_retries"), vendor) {
        (Some(value), _) => value.parse().map_err(|_| {
            configuration(format!(
                "{}.max_retries is a number of retries, not '{value}'",
                vendor.option_prefix()
            ))
        })?,
        // The variable of Amazon's own tools counts the first attempt too.
        (None, Vendor::Aws) => match environment.get("AWS_MAX_ATTEMPTS") {
            Some(value) => value
                .parse::<usize>()
                .map_err(|_| {
                    configuration(format!(
                        "AWS_MAX_ATTEMPTS is a number of attempts, not '{value}'"
                    ))
                })?
                .saturating_sub(1),
            None => MAX_RETRIES,
        },
        (None, _) => MAX_RETRIES,
    };
    Ok(RetryConfig {
        max_retries,
        retry_timeout: RETRY_TIMEOUT,
        backoff: BackoffConfig {
            init_backoff: FIRST_BACKOFF,
            ..BackoffConfig::default()
        },
    })
}

/// Clients take what they are given and panic at their first request.
fn check_endpoint(name: &str, value: &str) -> std::result::Result<(), BuildError> {
    let is_address = Url::parse(value)
        .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if is_address {
        return Ok(());
    }
    Err(BuildError::Option(configuration(format!(
        "{name} is '{value}', expected an address such as https://host:9000"
    ))))
}

fn check_endpoint_option(
    vendor: Vendor,
    options: &StoreOptions,
) -> std::result::Result<(), BuildError> {
    match options.get(vendor, "endpoint") {
        Some(value) => check_endpoint(&format!("{}.endpoint", vendor.option_prefix()), value),
        None => Ok(()),
    }
}

fn metadata_retry_config(retry: &RetryConfig) -> RetryConfig {
    RetryConfig {
        max_retries: METADATA_MAX_RETRIES.min(retry.max_retries),
        retry_timeout: METADATA_RETRY_TIMEOUT,
        backoff: retry.backoff.clone(),
    }
}

/// The bucket or container: what stands between `//` and the end of the key.
fn bucket(key: &StoreKey) -> String {
    let text = key.to_string();
    text.split_once("://")
        .map_or(text.clone(), |(_, bucket)| bucket.to_owned())
}

fn s3(
    key: &StoreKey,
    options: &StoreOptions,
    environment: &Environment,
    retry: RetryConfig,
) -> std::result::Result<Arc<dyn ObjectStore>, BuildError> {
    use AmazonS3ConfigKey as Key;
    check_endpoint_option(Vendor::Aws, options)?;
    let mut builder = AmazonS3Builder::new();
    // Half of one identity and half of another is none, so a statement's own key hides the environment's.
    let own_identity = options.get(Vendor::Aws, "access_key_id").is_some()
        || options.get(Vendor::Aws, "secret_access_key").is_some();
    for (name, value) in environment.starting_with("AWS_") {
        match name.parse() {
            Ok(Key::AccessKeyId | Key::SecretAccessKey | Key::Token) if own_identity => {}
            // A statement's endpoint is the one meant, also where the variable for S3 alone would win.
            Ok(Key::S3Endpoint) if options.get(Vendor::Aws, "endpoint").is_some() => {}
            Ok(Key::Endpoint) if options.get(Vendor::Aws, "endpoint").is_some() => {}
            Ok(known) => {
                if let Key::Endpoint | Key::S3Endpoint | Key::MetadataEndpoint = known {
                    check_endpoint(&name.to_ascii_uppercase(), value)?;
                }
                builder = builder.with_config(known, value);
            }
            // Variables for other tools, such as AWS_PROFILE.
            Err(_) => {}
        }
    }
    for (name, value) in options.iter().filter(|(name, _)| *name != "max_retries") {
        builder = builder.with_config(name.parse::<Key>()?, value);
    }

    let set = |key: Key| builder.get_config_value(&key);
    let endpoint = set(Key::S3Endpoint).or_else(|| set(Key::Endpoint));
    let plain = endpoint.is_some_and(|endpoint| endpoint.starts_with("http://"));
    // Anything else that could name an identity; without it object_store asks the machine's metadata service.
    let identity = [
        Key::AccessKeyId,
        Key::SecretAccessKey,
        Key::WebIdentityTokenFile,
        Key::ContainerCredentialsRelativeUri,
        Key::ContainerCredentialsFullUri,
    ]
    .into_iter()
    .any(|key| set(key).is_some());

    if plain {
        builder = builder.with_config(Key::Client(ClientConfigKey::AllowHttp), "true");
    }
    builder = builder.with_bucket_name(bucket(key));
    if !identity {
        let machine = builder
            .clone()
            .with_retry(metadata_retry_config(&retry))
            .with_config(Key::Client(ClientConfigKey::Timeout), METADATA_TIMEOUT)
            .build()?;
        builder = builder.with_credentials(Arc::clone(machine.credentials()));
    }
    Ok(Arc::new(builder.with_retry(retry).build()?))
}

fn gcs(
    key: &StoreKey,
    options: &StoreOptions,
    environment: &Environment,
    retry: RetryConfig,
) -> std::result::Result<Arc<dyn ObjectStore>, BuildError> {
    use GoogleConfigKey as Key;
    check_endpoint_option(Vendor::Gcp, options)?;
    let mut builder = GoogleCloudStorageBuilder::new();
    let own_identity = [
        "service_account_path",
        "service_account_key",
        "application_credentials_path",
    ]
    .into_iter()
    .any(|name| options.get(Vendor::Gcp, name).is_some());
    let from_environment = environment
        .get("SERVICE_ACCOUNT")
        .map(|path| ("google_service_account".to_owned(), path))
        .into_iter()
        .chain(environment.starting_with("GOOGLE_"));
    for (name, value) in from_environment {
        match name.parse() {
            Ok(Key::ServiceAccount | Key::ServiceAccountKey | Key::ApplicationCredentials)
                if own_identity => {}
            Ok(Key::BaseUrl) if options.get(Vendor::Gcp, "endpoint").is_some() => {}
            Ok(known) => {
                if known == Key::BaseUrl {
                    check_endpoint(&name.to_ascii_uppercase(), value)?;
                }
                builder = builder.with_config(known, value);
            }
            Err(_) => {}
        }
    }
    for (name, value) in options.iter().filter(|(name, _)| *name != "max_retries") {
        let known = match name {
            "application_credentials_path" => Key::ApplicationCredentials,
            "endpoint" => Key::BaseUrl,
            name => name.parse()?,
        };
        builder = builder.with_config(known, value);
    }

    let identity = [
        Key::ServiceAccount,
        Key::ServiceAccountKey,
        Key::ApplicationCredentials,
    ]
    .into_iter()
    .any(|key| builder.get_config_value(&key).is_some());
    builder = builder.with_bucket_name(bucket(key));
    let unsigned = builder
        .get_config_value(&Key::SkipSignature)
        .is_some_and(|value| {
            let value = value.to_ascii_lowercase();
            ["1", "true", "on", "yes", "y"].contains(&value.as_str())
        });
    if unsigned && !identity {
        // The client reads without a token then, but asks for one when it writes.
        let none = GcpCredential {
            bearer: String::new(),
        };
        builder = builder.with_credentials(Arc::new(StaticCredentialProvider::new(none)));
    } else if !identity {
        let machine = builder
            .clone()
            .with_retry(metadata_retry_config(&retry))
            .with_config(Key::Client(ClientConfigKey::Timeout), METADATA_TIMEOUT)
            .build()?;
        builder = builder.with_credentials(Arc::clone(machine.credentials()));
    }
    Ok(Arc::new(builder.with_retry(retry).build()?))
}

fn azure(
    key: &StoreKey,
    options: &StoreOptions,
    environment: &Environment,
    retry: RetryConfig,
) -> std::result::Result<Arc<dyn ObjectStore>, BuildError> {
    use AzureConfigKey as Key;
    check_endpoint_option(Vendor::Azure, options)?;
    let mut builder = MicrosoftAzureBuilder::new();
    let own_identity = ["access_key", "sas_token", "client_id"]
        .into_iter()
        .any(|name| options.get(Vendor::Azure, name).is_some());
    for (name, value) in environment.starting_with("AZURE_") {
        match name.parse() {
            Ok(
                Key::AccessKey
                | Key::SasKey
                | Key::Token
                | Key::ClientId
                | Key::ClientSecret
                | Key::AuthorityId
                | Key::FederatedTokenFile,
            ) if own_identity => {}
            Ok(Key::Endpoint) if options.get(Vendor::Azure, "endpoint").is_some() => {}
            Ok(known) => {
                if let Key::Endpoint | Key::MsiEndpoint = known {
                    check_endpoint(&name.to_ascii_uppercase(), value)?;
                }
                builder = builder.with_config(known, value);
            }
            Err(_) => {}
        }
    }
    if let Some(endpoint) = environment.get("MSI_ENDPOINT") {
        check_endpoint("MSI_ENDPOINT", endpoint)?;
        builder = builder.with_msi_endpoint(endpoint);
    }
    for (name, value) in options.iter().filter(|(name, _)| *name != "max_retries") {
        builder = builder.with_config(name.parse::<Key>()?, value);
    }

    let set = |key: Key| builder.get_config_value(&key);
    let plain = set(Key::Endpoint).is_some_and(|endpoint| endpoint.starts_with("http://"));
    let identity = [
        Key::AccessKey,
        Key::SasKey,
        Key::Token,
        Key::ClientId,
        Key::FederatedTokenFile,
        Key::UseAzureCli,
        Key::UseEmulator,
    ]
    .into_iter()
    .any(|key| set(key).is_some_and(|value| value != "false"));
    if plain {
        builder = builder.with_config(Key::Client(ClientConfigKey::AllowHttp), "true");
    }
    // The URL says which container, and in the abfss form which account.
    builder = builder.with_url(key.to_string());
    if !identity {
        let machine = builder
            .clone()
            .with_retry(metadata_retry_config(&retry))
            .with_config(Key::Client(ClientConfigKey::Timeout), METADATA_TIMEOUT)
            .build()?;
        builder = builder.with_credentials(Arc::clone(machine.credentials()));
    }
    Ok(Arc::new(builder.with_retry(retry).build()?))
}

fn http(
    key: &StoreKey,
    options: &StoreOptions,
    retry: RetryConfig,
) -> std::result::Result<Arc<dyn ObjectStore>, BuildError> {
    let url = key.to_string();
    // The scheme in the URL is the person's own decision.
    let mut client = ClientOptions::new().with_allow_http(url.starts_with("http://"));
    for (name, value) in options.iter().filter(|(name, _)| *name != "max_retries") {
        if name == "authorization" {
            let mut value = HeaderValue::from_str(value).map_err(|_| {
                BuildError::Option(configuration(
                    "http.authorization holds a character that no header may have".to_owned(),
                ))
            })?;
            value.set_sensitive(true);
            let mut headers = HeaderMap::new();
            headers.insert("authorization", value);
            client = client.with_default_headers(headers);
        } else {
            client = client.with_config(name.parse::<ClientConfigKey>()?, value);
        }
    }
    let store = HttpBuilder::new()
        .with_url(url)
        .with_client_options(client)
        .with_retry(retry)
        .build()?;
    Ok(Arc::new(store))
}
