//! The catalogues of a session, which come and go.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::catalog::{CatalogProvider, CatalogProviderList};
use datafusion::prelude::SessionContext;
use datafusion::sql::sqlparser::ast::{Ident, ObjectName, ObjectNamePart};
use ogive_table_providers::Attachment;
use parking_lot::RwLock;

/// The schema of an attached database that a name without one is in.
pub(crate) const MAIN: &str = "main";

/// Gives the schema to a name of two parts whose first is an attached database: `notes.articles` is `notes.main.articles`.
pub(crate) fn complete_main(context: &SessionContext, relation: &mut ObjectName) {
    let [ObjectNamePart::Identifier(first), _] = relation.0.as_slice() else {
        return;
    };
    let name = match first.quote_style {
        Some(_) => first.value.clone(),
        None => first.value.to_lowercase(),
    };
    let state = context.state_ref();
    let default = state
        .read()
        .config_options()
        .catalog
        .default_catalog
        .clone();
    let is_schema = context
        .catalog(&default)
        .is_some_and(|catalog| catalog.schema(&name).is_some());
    let has_main = context
        .catalog(&name)
        .is_some_and(|catalog| catalog.schema(MAIN).is_some());
    if has_main && !is_schema {
        relation
            .0
            .insert(1, ObjectNamePart::Identifier(Ident::new(MAIN)));
    }
}

/// Catalogues by name, those that are attached among them. DataFusion's own list cannot let one go.
#[derive(Debug, Default)]
pub(crate) struct Catalogs {
    by_name: RwLock<BTreeMap<String, Entry>>,
}

#[derive(Debug, Clone)]
enum Entry {
    /// One that a program registered, the session's own among them.
    Registered(Arc<dyn CatalogProvider>),
    Attached(Arc<dyn Attachment>),
}

impl Catalogs {
    /// Takes something attached in under a name.
    pub(crate) fn attach(&self, name: &str, attachment: Arc<dyn Attachment>) {
        self.by_name
            .write()
            .insert(name.to_string(), Entry::Attached(attachment));
    }

    /// Lets a catalogue go; false if there is none of the name.
    pub(crate) fn detach(&self, name: &str) -> bool {
        self.by_name.write().remove(name).is_some()
    }

    /// What is attached under a name.
    pub(crate) fn attachment(&self, name: &str) -> Option<Arc<dyn Attachment>> {
        match self.by_name.read().get(name)? {
            Entry::Attached(attachment) => Some(Arc::clone(attachment)),
            Entry::Registered(_) => None,
        }
    }

    /// What is attached, by name.
    pub(crate) fn attachments(&self) -> Vec<(String, Arc<dyn Attachment>)> {
        let by_name = self.by_name.read();
        by_name
            .iter()
            .filter_map(|(name, entry)| match entry {
                Entry::Attached(attachment) => Some((name.clone(), Arc::clone(attachment))),
                Entry::Registered(_) => None,
            })
            .collect()
    }
}

impl CatalogProviderList for Catalogs {
    fn register_catalog(
        &self,
        name: String,
        catalog: Arc<dyn CatalogProvider>,
    ) -> Option<Arc<dyn CatalogProvider>> {
        let before = self
            .by_name
            .write()
            .insert(name, Entry::Registered(catalog));
        before.map(Entry::into_catalog)
    }

    fn catalog_names(&self) -> Vec<String> {
        self.by_name.read().keys().cloned().collect()
    }

    fn catalog(&self, name: &str) -> Option<Arc<dyn CatalogProvider>> {
        self.by_name
            .read()
            .get(name)
            .cloned()
            .map(Entry::into_catalog)
    }
}

impl Entry {
    fn into_catalog(self) -> Arc<dyn CatalogProvider> {
        match self {
            Self::Registered(catalog) => catalog,
            Self::Attached(attachment) => attachment,
        }
    }
}

/// Gives a SQLite database to a context as a catalogue: `SELECT .. FROM notes.kv.articles`. For programs with a context of
/// their own; a [`Session`](crate::Session) has `ATTACH`.
///
/// ```no_run
/// # fn main() -> datafusion::error::Result<()> {
/// let context = datafusion::prelude::SessionContext::new();
/// ogive_sql::register_vault(&context, "notes", "notes.db")?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// There is no such file, or it is no SQLite database.
pub fn register_vault(
    context: &SessionContext,
    name: &str,
    path: impl AsRef<std::path::Path>,
) -> datafusion::error::Result<()> {
    let catalogs = Arc::clone(context.state_ref().read().catalog_list());
    ogive_table_providers::register_vault(catalogs.as_ref(), name, path)?;
    Ok(())
}
