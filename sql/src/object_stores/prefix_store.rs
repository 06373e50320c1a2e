//! One bucket, several sets of credentials: the store that a registry hands out.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload,
    PutResult, RenameOptions, Result, UploadPart,
};
use parking_lot::RwLock;

use super::environment::Environment;
use super::explain::explain;
use super::location::StoreKey;
use super::options::StoreOptions;
use super::registry::connect;

/// Deletions in flight when paths of different stores come in one stream, where no batch request can be used.
const DELETES_IN_FLIGHT: usize = 8;

/// All of one bucket. A path goes to the store registered for its longest prefix, and to the bucket's own store, built
/// from the environment on first need, when there is none. Every error is rewritten to name bucket and key.
pub(super) struct PrefixStore {
    key: StoreKey,
    routes: RwLock<Vec<Route>>,
    environment: Environment,
}

/// The bucket's own store is the route of the empty prefix.
#[derive(Clone)]
struct Route {
    prefix: Path,
    store: Arc<dyn ObjectStore>,
}

impl PrefixStore {
    /// A bucket about which nothing is known but the environment.
    pub(super) fn new(key: StoreKey, environment: Environment) -> Self {
        Self {
            key,
            routes: RwLock::new(Vec::new()),
            environment,
        }
    }

    /// A bucket whose every path is served by `store`.
    pub(super) fn around(key: StoreKey, store: Arc<dyn ObjectStore>) -> Self {
        let bucket = Self::new(key, Environment::default());
        bucket.insert(Path::ROOT, store);
        bucket
    }

    /// Puts `store` in charge of everything below `prefix`, in place of an earlier store for the same prefix.
    pub(super) fn insert(&self, prefix: Path, store: Arc<dyn ObjectStore>) {
        let mut routes = self.routes.write();
        routes.retain(|route| route.prefix != prefix);
        routes.push(Route { prefix, store });
        // Longest first, so that the first match is the most specific.
        routes.sort_by_key(|route| std::cmp::Reverse(route.prefix.parts_count()));
    }

    /// Builds the bucket's own store now, so that a configuration that cannot work is reported where it is used first.
    /// A bucket with a registered location is left alone: it may have no credentials in the environment at all.
    pub(super) fn connect_if_unrouted(&self) -> datafusion::error::Result<()> {
        if self.routes.read().is_empty() {
            self.connect_root()?;
        }
        Ok(())
    }

    fn connect_root(&self) -> datafusion::error::Result<Arc<dyn ObjectStore>> {
        let store = connect(&self.key, &StoreOptions::default(), &self.environment)?;
        self.insert(Path::ROOT, Arc::clone(&store));
        Ok(store)
    }

    /// The store in charge of `path`.
    fn route(&self, path: &Path) -> Result<Arc<dyn ObjectStore>> {
        if let Some(store) = find(&self.routes.read(), path) {
            return Ok(store);
        }
        self.connect_root().map_err(|source| Error::Generic {
            store: "object store",
            source: Box::new(source),
        })
    }

    /// The one store in charge of both paths.
    fn route_both(&self, from: &Path, to: &Path) -> Result<Arc<dyn ObjectStore>> {
        let (store, other) = (self.route(from)?, self.route(to)?);
        if Arc::ptr_eq(&store, &other) {
            return Ok(store);
        }
        Err(Error::NotSupported {
            source: format!(
                "{} and {} are registered with different options, and no single request can read one and write the other",
                self.key.at(from),
                self.key.at(to)
            )
            .into(),
        })
    }

    fn explained(&self, path: &Path) -> impl Fn(Error) -> Error + Send + use<> {
        let (key, path) = (self.key.clone(), path.clone());
        move |error| explain(error, &key, &path)
    }
}

fn find(routes: &[Route], path: &Path) -> Option<Arc<dyn ObjectStore>> {
    routes
        .iter()
        .find(|route| path.prefix_matches(&route.prefix))
        .map(|route| Arc::clone(&route.store))
}

impl fmt::Debug for PrefixStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let routes = self.routes.read();
        formatter
            .debug_struct("PrefixStore")
            .field("key", &self.key)
            .field(
                "prefixes",
                &routes.iter().map(|route| &route.prefix).collect::<Vec<_>>(),
            )
            .finish_non_exhaustive()
    }
}

impl fmt::Display for PrefixStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.key.fmt(formatter)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for PrefixStore {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        self.route(location)?
            .put_opts(location, payload, options)
            .await
            .map_err(self.explained(location))
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let upload = self
            .route(location)?
            .put_multipart_opts(location, options)
            .await
            .map_err(self.explained(location))?;
        Ok(Box::new(ExplainedUpload {
            upload,
            key: self.key.clone(),
            path: location.clone(),
        }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let mut result = self
            .route(location)?
            .get_opts(location, options)
            .await
            .map_err(self.explained(location))?;
        // The connection can fail while the body is read, long after this call.
        result.payload = match result.payload {
            GetResultPayload::Stream(body) => {
                GetResultPayload::Stream(body.map_err(self.explained(location)).boxed())
            }
            file => file,
        };
        Ok(result)
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.route(location)?
            .get_ranges(location, ranges)
            .await
            .map_err(self.explained(location))
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        // Connects the bucket's own store if nothing is registered yet.
        if let Err(error) = self.route(&Path::ROOT)
            && self.routes.read().is_empty()
        {
            return stream::once(async { Err(error) }).boxed();
        }
        let routes = self.routes.read().clone();
        if let [only] = routes.as_slice()
            && only.prefix.is_root()
        {
            return only
                .store
                .delete_stream(locations)
                .map_err(self.explained(&Path::ROOT))
                .boxed();
        }
        let key = self.key.clone();
        locations
            .map(move |location| {
                let found = location.and_then(|path| match find(&routes, &path) {
                    Some(store) => Ok((store, path)),
                    None => Err(Error::NotSupported {
                        source: format!("no store is registered for {}", key.at(&path)).into(),
                    }),
                });
                let key = key.clone();
                async move {
                    let (store, path) = found?;
                    match store.delete(&path).await {
                        Ok(()) => Ok(path),
                        Err(error) => Err(explain(error, &key, &path)),
                    }
                }
            })
            .buffered(DELETES_IN_FLIGHT)
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let place = &prefix.cloned().unwrap_or_default();
        match self.route(place) {
            Ok(store) => store.list(prefix).map_err(self.explained(place)).boxed(),
            Err(error) => stream::once(async { Err(error) }).boxed(),
        }
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let place = &prefix.cloned().unwrap_or_default();
        match self.route(place) {
            Ok(store) => store
                .list_with_offset(prefix, offset)
                .map_err(self.explained(place))
                .boxed(),
            Err(error) => stream::once(async { Err(error) }).boxed(),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let place = &prefix.cloned().unwrap_or_default();
        self.route(place)?
            .list_with_delimiter(prefix)
            .await
            .map_err(self.explained(place))
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.route_both(from, to)?
            .copy_opts(from, to, options)
            .await
            .map_err(self.explained(from))
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.route_both(from, to)?
            .rename_opts(from, to, options)
            .await
            .map_err(self.explained(from))
    }
}

/// An upload in parts whose errors name the object.
#[derive(Debug)]
struct ExplainedUpload {
    upload: Box<dyn MultipartUpload>,
    key: StoreKey,
    path: Path,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl MultipartUpload for ExplainedUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let part = self.upload.put_part(data);
        let (key, path) = (self.key.clone(), self.path.clone());
        Box::pin(async move { part.await.map_err(|error| explain(error, &key, &path)) })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let result = self.upload.complete().await;
        result.map_err(|error| explain(error, &self.key, &self.path))
    }

    async fn abort(&mut self) -> Result<()> {
        let result = self.upload.abort().await;
        result.map_err(|error| explain(error, &self.key, &self.path))
    }
}
