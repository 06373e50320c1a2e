//! The registry: from a URL to its store.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::error::{DataFusionError, Result};
use datafusion::execution::object_store::ObjectStoreRegistry;
use object_store::ObjectStore;
use parking_lot::RwLock;
use url::Url;

use super::environment::Environment;
use super::local::LocalDisk;
use super::location::{SCHEMES, StoreKey, fixed_prefix};
use super::options::StoreOptions;
use super::prefix_store::PrefixStore;

/// Stores by URL, built on first use.
///
/// A store covers a bucket (for `http`, a host). Which credentials it uses comes from the environment variables of the
/// vendor: `AWS_*`, `GOOGLE_*`, `AZURE_*`, read when the registry is made. [`register_for`](Self::register_for) gives one
/// location within a bucket a store of its own.
#[derive(Debug)]
pub struct LazyObjectStores {
    environment: Environment,
    stores: RwLock<HashMap<StoreKey, Registered>>,
}

#[derive(Debug, Clone)]
enum Registered {
    /// Ours: credentials by location, and errors that name it.
    Bucket(Arc<PrefixStore>),
    /// Somebody's own store, handed out as it came.
    Given(Arc<dyn ObjectStore>),
}

impl Registered {
    fn store(&self) -> Arc<dyn ObjectStore> {
        match self {
            Self::Bucket(bucket) => Arc::clone(bucket) as Arc<dyn ObjectStore>,
            Self::Given(store) => Arc::clone(store),
        }
    }
}

impl Default for LazyObjectStores {
    fn default() -> Self {
        Self::new()
    }
}

impl LazyObjectStores {
    /// A registry that knows the local disk and the credentials in the process environment.
    pub fn new() -> Self {
        Self::of(Environment::of_process())
    }

    /// The same with the given variables (name, value) in place of the process environment.
    pub fn with_environment(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        Self::of(Environment::new(variables))
    }

    fn of(environment: Environment) -> Self {
        let local = Registered::Given(Arc::new(LocalDisk::default()));
        let stores = Url::parse("file:///").map(|url| (StoreKey::of(&url), local));
        Self {
            environment,
            stores: RwLock::new(stores.into_iter().collect()),
        }
    }

    /// Puts `store` in charge of the location `url` (a file, a directory, or a pattern up to its first wildcard),
    /// leaving the rest of its bucket as it is. A later call for the same location replaces the store.
    ///
    /// # Errors
    /// When the path of `url` is not a usable object path.
    pub fn register_for(&self, url: &Url, store: Arc<dyn ObjectStore>) -> Result<()> {
        let prefix = fixed_prefix(url)?;
        let key = StoreKey::of(url);
        let mut stores = self.stores.write();
        let bucket = match stores.get(&key) {
            Some(Registered::Bucket(bucket)) => Arc::clone(bucket),
            // A store given for the whole bucket keeps serving what lies outside the location.
            Some(Registered::Given(given)) => {
                Arc::new(PrefixStore::around(key.clone(), Arc::clone(given)))
            }
            None => Arc::new(PrefixStore::new(key.clone(), self.environment.clone())),
        };
        bucket.insert(prefix, store);
        stores.insert(key, Registered::Bucket(bucket));
        Ok(())
    }

    /// Builds the store of `url` with the options of one statement on top of this registry's environment, and puts it
    /// in charge of that location. Without options nothing is done: the store of the bucket will serve.
    ///
    /// # Errors
    /// Those of [`store_with_options`] and [`register_for`](Self::register_for).
    pub fn apply_options(&self, url: &Url, options: &StoreOptions) -> Result<()> {
        if options.is_empty() {
            return Ok(());
        }
        let store = build(url, options, &self.environment)?;
        self.register_for(url, store)
    }
}

impl ObjectStoreRegistry for LazyObjectStores {
    fn register_store(
        &self,
        url: &Url,
        store: Arc<dyn ObjectStore>,
    ) -> Option<Arc<dyn ObjectStore>> {
        self.stores
            .write()
            .insert(StoreKey::of(url), Registered::Given(store))
            .map(|previous| previous.store())
    }

    fn deregister_store(&self, url: &Url) -> Result<Arc<dyn ObjectStore>> {
        let key = StoreKey::of(url);
        match self.stores.write().remove(&key) {
            Some(previous) => Ok(previous.store()),
            None => Err(DataFusionError::Plan(format!(
                "no object store is registered for {key}"
            ))),
        }
    }

    fn get_store(&self, url: &Url) -> Result<Arc<dyn ObjectStore>> {
        let key = StoreKey::of(url);
        let known = self.stores.read().get(&key).cloned();
        let registered = match known {
            Some(registered) => registered,
            None => {
                check_vendor(&key, url)?;
                let bucket = Arc::new(PrefixStore::new(key.clone(), self.environment.clone()));
                bucket.connect_if_unrouted()?;
                // Another thread may have been faster; everybody gets the same store.
                let mut stores = self.stores.write();
                stores
                    .entry(key)
                    .or_insert(Registered::Bucket(bucket))
                    .clone()
            }
        };
        Ok(registered.store())
    }
}

/// The store of `url` with a statement's own credentials, on top of the process environment.
///
/// # Errors
/// An option that is unknown or of another vendor, a scheme that names no store, a build without the feature `s3`, or
/// values that the vendor's client refuses.
pub fn store_with_options(url: &Url, options: &StoreOptions) -> Result<Arc<dyn ObjectStore>> {
    build(url, options, &Environment::of_process())
}

fn build(
    url: &Url,
    options: &StoreOptions,
    environment: &Environment,
) -> Result<Arc<dyn ObjectStore>> {
    let key = StoreKey::of(url);
    options.check(&key)?;
    if url.scheme() == "file" {
        return Ok(Arc::new(LocalDisk::default()));
    }
    check_vendor(&key, url)?;
    let store = connect(&key, options, environment)?;
    Ok(Arc::new(PrefixStore::around(key, store)))
}

fn check_vendor(key: &StoreKey, url: &Url) -> Result<()> {
    if key.vendor().is_none() {
        return Err(DataFusionError::Plan(format!(
            "no object store is known for the scheme '{}' of {url}; known are {SCHEMES}",
            url.scheme()
        )));
    }
    if matches!(url.host_str(), None | Some("")) {
        return Err(DataFusionError::Plan(format!("{url} names no bucket")));
    }
    Ok(())
}

#[cfg(feature = "s3")]
pub(super) use super::connect::connect;

/// What is left of `connect` in a build without remote stores.
#[cfg(not(feature = "s3"))]
pub(super) fn connect(
    key: &StoreKey,
    _options: &StoreOptions,
    _environment: &Environment,
) -> Result<Arc<dyn ObjectStore>> {
    let text = key.to_string();
    let scheme = text.split("://").next().unwrap_or_default();
    Err(DataFusionError::Plan(format!(
        "{scheme}:// needs a build with the feature s3"
    )))
}
