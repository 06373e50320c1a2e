//! `ogive doctor`: what this build and this machine can do.

use std::fmt::Write;

use crate::cli::error::Result;
use crate::cli::render::print;

/// What object stores are told by the environment, and for which of them.
const STORES: [(&str, &[&str]); 4] = [
    (
        "s3",
        &[
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_SESSION_TOKEN",
            "AWS_PROFILE",
            "AWS_REGION",
            "AWS_DEFAULT_REGION",
            "AWS_ENDPOINT",
            "AWS_ENDPOINT_URL",
            "AWS_ENDPOINT_URL_S3",
            "AWS_ALLOW_HTTP",
            "AWS_SKIP_SIGNATURE",
            "AWS_ROLE_ARN",
            "AWS_WEB_IDENTITY_TOKEN_FILE",
            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        ],
    ),
    (
        "gs",
        &[
            "GOOGLE_APPLICATION_CREDENTIALS",
            "GOOGLE_SERVICE_ACCOUNT",
            "GOOGLE_SERVICE_ACCOUNT_PATH",
            "GOOGLE_SERVICE_ACCOUNT_KEY",
            "SERVICE_ACCOUNT",
        ],
    ),
    (
        "az",
        &[
            "AZURE_STORAGE_ACCOUNT_NAME",
            "AZURE_STORAGE_ACCOUNT_KEY",
            "AZURE_STORAGE_ACCESS_KEY",
            "AZURE_STORAGE_SAS_KEY",
            "AZURE_STORAGE_TOKEN",
            "AZURE_CLIENT_ID",
            "AZURE_CLIENT_SECRET",
            "AZURE_TENANT_ID",
        ],
    ),
    ("http", &["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"]),
];

/// Runs the command.
pub fn run() -> Result<()> {
    print(report(|name| std::env::var_os(name).is_some()).as_bytes())
}

/// The report; `is_set` says whether an environment variable is. Values are never looked at: they are secrets.
fn report(is_set: impl Fn(&str) -> bool) -> String {
    let mut lines = String::new();
    let mut line = |name: &str, value: &str| {
        // Writing to a string does not fail.
        let _ = writeln!(lines, "{name:<16}{value}");
    };
    line("ogive", env!("CARGO_PKG_VERSION"));
    line("datafusion", datafusion::DATAFUSION_VERSION);
    line(
        "platform",
        &format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
    );
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    line("threads", &threads.to_string());
    line("cpu features", &listed(&ogive_kernels::cpu_features()));
    let sets: Vec<String> = ogive_kernels::available_instruction_sets()
        .iter()
        .map(ToString::to_string)
        .collect();
    line(
        "kernels",
        &ogive_kernels::active_instruction_set().to_string(),
    );
    line(
        "kernels there",
        &format!("{} (OGIVE_SIMD chooses)", sets.join(", ")),
    );
    line(
        "backends",
        "what page codecs work on; SET ogive.backend, ogive.device choose",
    );
    for backend in ogive_udfs::backends(&ogive_udfs::Execution::default()) {
        line(&format!("  {}", backend.name), &state(&backend));
    }
    let stores = if cfg!(feature = "s3") {
        "s3, gs, az, http"
    } else {
        "none: built without the feature s3"
    };
    line("object stores", stores);
    for (store, names) in STORES {
        let found: Vec<&str> = names.iter().copied().filter(|name| is_set(name)).collect();
        line(&format!("  {store}"), &listed(&found));
    }
    lines
}

/// A back end in a line.
fn state(backend: &ogive_udfs::BackendRow) -> String {
    let mut words = Vec::new();
    if let Some(device) = &backend.device {
        let memory = backend.memory_bytes.unwrap_or_default() >> 20;
        let driver = backend.driver.as_deref().unwrap_or("an unknown driver");
        words.push(format!("{device}, {memory} MiB, {driver}"));
    }
    words.push(match (&backend.why_not, backend.available) {
        (Some(why_not), true) => format!("there: {why_not}"),
        (Some(why_not), false) => format!("not there: {why_not}"),
        (None, _) => "used".to_owned(),
    });
    words.join("; ")
}

fn listed(words: &[&str]) -> String {
    if words.is_empty() {
        "none found".to_owned()
    } else {
        words.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_credentials_are_listed() {
        let report = report(|name| name == "AWS_ACCESS_KEY_ID");
        assert!(
            report.contains("  s3            AWS_ACCESS_KEY_ID\n"),
            "{report}"
        );
        assert!(report.contains("  gs            none found\n"), "{report}");
        assert!(report.contains("\n  cuda          "), "{report}");
        assert!(report.contains("\n  scalar        "), "{report}");
    }
}
