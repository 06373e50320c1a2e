//! What a file holds, read off `sqlite_master`: a file has no registry of its stores.

mod columns_of;
mod declared;
mod vec0;

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::Connection;

pub use columns_of::{Column, ColumnSource, Layout, Stream};
pub use declared::{DeclaredColumn, SqlType};
pub use vec0::{Metric, ScalarType, Vec0Column, Vec0Role, Vec0Table, VectorElement};

use crate::error::{Place, Result};
use crate::sql_text::{quoted, unquoted, virtual_table};

/// Everything that a file holds, by store.
#[derive(Debug, Clone, Default)]
pub struct Contents {
    /// Key-value tables.
    pub kv: Vec<KvTable>,
    /// Typed columns.
    pub columns: Vec<Column>,
    /// The package's vector tables.
    pub vectors: Vec<Vec0Table>,
    /// The package's text tables.
    pub texts: Vec<TextTable>,
    /// All other tables and views.
    pub main: Vec<MainTable>,
    /// The file has tables of typed columns, which come and go without a change of its schema.
    pub(crate) may_have_columns: bool,
}

/// A key-value table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KvTable {
    /// Name of the table.
    pub name: String,
    /// It has the columns `id` and `size` besides, as releases before 0.6 made it.
    pub sized: bool,
}

/// A text table of the package: an FTS5 table and the values beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextTable {
    /// Name of the FTS5 table.
    pub name: String,
    /// Its text columns.
    pub columns: Vec<String>,
}

/// An ordinary table, a view, or a virtual table.
#[derive(Debug, Clone)]
pub struct MainTable {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: MainKind,
}

/// What a table of `main` is.
#[derive(Debug, Clone)]
pub enum MainKind {
    /// An ordinary table, or a virtual one of a module that is compiled in.
    Table {
        /// Its columns.
        columns: Vec<DeclaredColumn>,
        /// Whether its rows have numbers, so that they can be named in a write.
        has_rowid: bool,
        /// The columns of each key beside the primary one that no two rows share: of constraints and of indexes over all rows that
        /// compare texts as bytes.
        unique: Vec<Vec<String>>,
    },
    /// A view.
    View {
        /// Its columns.
        columns: Vec<DeclaredColumn>,
    },
    /// An FTS5 table.
    Fts5 {
        /// Its columns, all of them text.
        columns: Vec<String>,
    },
    /// A `vec0` table, read without its extension.
    Vec0(Vec0Table),
    /// A table that cannot be read, and why.
    Unreadable(String),
}

impl MainKind {
    /// The word for it in `vault_info`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Table { .. } => "table",
            Self::View { .. } => "view",
            Self::Fts5 { .. } => "fts5",
            Self::Vec0(_) => "vec0",
            Self::Unreadable(_) => "unreadable",
        }
    }
}

/// A table of either kind of the package's own, or of `main`.
#[derive(Debug, Clone)]
pub enum Store {
    /// Of `kv`.
    Kv(KvTable),
    /// Of `columns`.
    Column(Column),
    /// Of `vectors`.
    Vectors(Vec0Table),
    /// Of `text`.
    Text(TextTable),
    /// Of `main`.
    Main(MainTable),
}

/// The schemas of a vault, in the order in which they are listed.
pub const SCHEMAS: [&str; 5] = ["kv", "columns", "vectors", "text", "main"];

impl Contents {
    /// Reads what the file of a connection holds.
    pub fn read(connection: &Connection, file: &Place) -> Result<Self> {
        let master = Master::read(connection, file)?;
        let mut contents = Self::default();
        let mut hidden: BTreeSet<String> = ["kohakuvault_meta"].map(str::to_owned).into();
        let others = hidden.len();
        contents.columns = columns_of::columns(connection, file, &master, &mut hidden)?;
        contents.may_have_columns = hidden.len() > others;
        for (name, entry) in &master.tables {
            if let Some((module, arguments)) = &entry.module {
                match module.as_str() {
                    "vec0" => contents.add_vec0(&master, name, arguments, &mut hidden),
                    "fts5" => contents.add_fts5(connection, file, &master, name, &mut hidden)?,
                    _ => {}
                }
            }
        }
        for (name, entry) in &master.tables {
            if hidden.contains(name) || name.starts_with("sqlite_") {
                continue;
            }
            contents.add_ordinary(connection, file, name, entry)?;
        }
        contents.main.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(contents)
    }

    /// The same with the typed columns as they are now: all else is in the schema, which has not changed.
    pub(crate) fn with_columns_now(&self, connection: &Connection, file: &Place) -> Result<Self> {
        let master = Master::read(connection, file)?;
        let mut hidden = BTreeSet::new();
        let columns = columns_of::columns(connection, file, &master, &mut hidden)?;
        Ok(Self {
            columns,
            ..self.clone()
        })
    }

    fn add_vec0(
        &mut self,
        master: &Master,
        name: &str,
        arguments: &[String],
        hidden: &mut BTreeSet<String>,
    ) {
        hidden.insert(name.to_owned());
        let table = match vec0::parse(name, arguments) {
            Ok(table) => table,
            Err(reason) => {
                self.main.push(MainTable {
                    name: name.to_owned(),
                    kind: MainKind::Unreadable(reason),
                });
                return;
            }
        };
        let missing = table
            .shadow_tables()
            .into_iter()
            .find(|shadow| !master.tables.contains_key(shadow));
        hidden.extend(table.shadow_tables());
        if let Some(missing) = missing {
            self.main.push(MainTable {
                name: name.to_owned(),
                kind: MainKind::Unreadable(format!("its table {} is missing", quoted(&missing))),
            });
            return;
        }
        let values = format!("{name}_values");
        if table.is_of_package() && master.has_columns(&values, &["id", "value"]) {
            hidden.insert(values);
            self.vectors.push(table);
        } else {
            self.main.push(MainTable {
                name: name.to_owned(),
                kind: MainKind::Vec0(table),
            });
        }
    }

    fn add_fts5(
        &mut self,
        connection: &Connection,
        file: &Place,
        master: &Master,
        name: &str,
        hidden: &mut BTreeSet<String>,
    ) -> Result<()> {
        hidden.insert(name.to_owned());
        for suffix in ["data", "idx", "content", "docsize", "config"] {
            hidden.insert(format!("{name}_{suffix}"));
        }
        let declared = match declared::columns(connection, name) {
            Ok(declared) => declared,
            Err(error) => {
                self.main.push(MainTable {
                    name: name.to_owned(),
                    kind: MainKind::Unreadable(
                        file.sqlite("reading its columns", error).to_string(),
                    ),
                });
                return Ok(());
            }
        };
        let mut columns: Vec<String> = declared.into_iter().map(|column| column.name).collect();
        let values = format!("{name}_values");
        let unindexed = |argument: &String| {
            let words: Vec<String> = argument.split_whitespace().map(unquoted).collect();
            matches!(words.as_slice(), [name, mark]
                if name.eq_ignore_ascii_case("value_ref") && mark.eq_ignore_ascii_case("unindexed"))
        };
        let of_package = columns.len() > 1
            && columns.last().is_some_and(|last| last == "value_ref")
            && master
                .tables
                .get(name)
                .and_then(|entry| entry.module.as_ref())
                .is_some_and(|(_, arguments)| arguments.iter().any(unindexed))
            && master.has_columns(&values, &["id", "value"]);
        if of_package {
            columns.pop();
            hidden.insert(values);
            self.texts.push(TextTable {
                name: name.to_owned(),
                columns,
            });
        } else {
            self.main.push(MainTable {
                name: name.to_owned(),
                kind: MainKind::Fts5 { columns },
            });
        }
        Ok(())
    }

    fn add_ordinary(
        &mut self,
        connection: &Connection,
        file: &Place,
        name: &str,
        entry: &Entry,
    ) -> Result<()> {
        let columns = match declared::columns(connection, name) {
            Ok(columns) => columns,
            Err(error) => {
                self.main.push(MainTable {
                    name: name.to_owned(),
                    kind: MainKind::Unreadable(
                        file.sqlite("reading its columns", error).to_string(),
                    ),
                });
                return Ok(());
            }
        };
        let is = |column: &DeclaredColumn, name: &str, declared: &str| {
            column.name == name && column.declared.eq_ignore_ascii_case(declared)
        };
        let kv = match columns.as_slice() {
            [key, value]
                if is(key, "key", "BLOB") && key.key_part == 1 && is(value, "value", "BLOB") =>
            {
                Some(false)
            }
            [id, key, value, size]
                if is(id, "id", "INTEGER")
                    && id.key_part == 1
                    && is(key, "key", "BLOB")
                    && is(value, "value", "BLOB")
                    && is(size, "size", "INTEGER") =>
            {
                Some(true)
            }
            _ => None,
        };
        let has_rowid = entry.module.is_none()
            && !entry.is_view
            && connection
                .prepare(&format!("SELECT _rowid_ FROM {}", quoted(name)))
                .is_ok();
        match kv {
            Some(sized) if has_rowid => self.kv.push(KvTable {
                name: name.to_owned(),
                sized,
            }),
            _ => self.main.push(MainTable {
                name: name.to_owned(),
                kind: if entry.is_view {
                    MainKind::View { columns }
                } else {
                    MainKind::Table {
                        columns,
                        has_rowid,
                        unique: match entry.module {
                            Some(_) => Vec::new(),
                            None => declared::unique(connection, name)
                                .map_err(|error| file.sqlite("reading its indexes", error))?,
                        },
                    }
                },
            }),
        }
        Ok(())
    }

    /// The names of a schema's tables, in order.
    pub fn names(&self, schema: &str) -> Vec<String> {
        fn of<T>(tables: &[T], name: impl Fn(&T) -> &String) -> Vec<String> {
            tables.iter().map(|table| name(table).clone()).collect()
        }
        match schema {
            "kv" => of(&self.kv, |table| &table.name),
            "columns" => of(&self.columns, |column| &column.name),
            "vectors" => of(&self.vectors, |table| &table.name),
            "text" => of(&self.texts, |table| &table.name),
            "main" => of(&self.main, |table| &table.name),
            _ => Vec::new(),
        }
    }

    /// A table by its name: as it is written, or, for tables of SQLite, whose names have no case, the only one that differs
    /// in case alone.
    pub fn find(&self, schema: &str, name: &str) -> Option<Store> {
        fn by_name<'a, T>(
            tables: &'a [T],
            name: &str,
            of: impl Fn(&T) -> &String,
        ) -> Option<&'a T> {
            tables.iter().find(|table| of(table) == name).or_else(|| {
                tables
                    .iter()
                    .find(|table| of(table).eq_ignore_ascii_case(name))
            })
        }
        match schema {
            "kv" => by_name(&self.kv, name, |table| &table.name)
                .cloned()
                .map(Store::Kv),
            "columns" => self
                .columns
                .iter()
                .find(|column| column.name == name)
                .cloned()
                .map(Store::Column),
            "vectors" => by_name(&self.vectors, name, |table| &table.name)
                .cloned()
                .map(Store::Vectors),
            "text" => by_name(&self.texts, name, |table| &table.name)
                .cloned()
                .map(Store::Text),
            "main" => by_name(&self.main, name, |table| &table.name)
                .cloned()
                .map(Store::Main),
            _ => None,
        }
    }
}

/// `sqlite_master`, tables and views only.
struct Master {
    tables: BTreeMap<String, Entry>,
}

struct Entry {
    is_view: bool,
    /// The text of its definition.
    sql: String,
    /// The module of a virtual table, and its arguments.
    module: Option<(String, Vec<String>)>,
}

impl Master {
    fn read(connection: &Connection, file: &Place) -> Result<Self> {
        let reading = |error| file.sqlite("reading what the file holds", error);
        let mut statement = connection
            .prepare("SELECT type, name, sql FROM sqlite_master WHERE type IN ('table', 'view')")
            .map_err(reading)?;
        let mut rows = statement.query([]).map_err(reading)?;
        let mut tables = BTreeMap::new();
        while let Some(row) = rows.next().map_err(reading)? {
            // Names that are not text can only be damage; the others are still readable.
            let (Ok(kind), Ok(name)) = (row.get::<_, String>(0), row.get::<_, String>(1)) else {
                continue;
            };
            let sql = row
                .get::<_, Option<String>>(2)
                .ok()
                .flatten()
                .unwrap_or_default();
            let words: Vec<&str> = sql.split_whitespace().take(2).collect();
            let module = match words.as_slice() {
                [create, virtual_]
                    if create.eq_ignore_ascii_case("create")
                        && virtual_.eq_ignore_ascii_case("virtual") =>
                {
                    virtual_table(&sql)
                }
                _ => None,
            };
            tables.insert(
                name,
                Entry {
                    is_view: kind == "view",
                    sql,
                    module,
                },
            );
        }
        Ok(Self { tables })
    }

    /// Whether the table is there and its definition names all of these columns.
    fn has_columns(&self, table: &str, columns: &[&str]) -> bool {
        self.tables.get(table).is_some_and(|entry| {
            let names: BTreeSet<String> = crate::sql_text::tokens(&entry.sql)
                .into_iter()
                .map(|token| unquoted(token).to_ascii_lowercase())
                .collect();
            columns.iter().all(|column| names.contains(*column))
        })
    }
}
