//! `ATTACH 'notes.db' AS notes (TYPE VAULT)`, and the statements over an attached vault.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion_common::{DataFusionError, Result, not_impl_err, plan_err};
use datafusion_session::CatalogProvider;
use ogive_vault::{OpenOptions, SCHEMAS, quoted};
use ogive_vectors::VectorError;

use super::catalog::{VaultCatalog, is_vault};
use super::changes::VaultTransaction;
use super::schema::SqliteTypes;
use super::table::VaultTable;
use crate::attachment::{
    AttachOptions, Attachment, AttachmentKind, Maintenance, NewColumn, NewTable,
};
use crate::blocking::blocking;
use crate::changes::RestorePoint;

/// SQLite databases.
#[derive(Debug)]
pub struct VaultKind;

#[async_trait]
impl AttachmentKind for VaultKind {
    fn names(&self) -> &'static [&'static str] {
        &["vault", "sqlite"]
    }

    fn describe(&self) -> &'static str {
        "a SQLite database"
    }

    fn is_own(&self, path: &Path) -> bool {
        is_vault(path)
    }

    fn is_by_path(&self) -> bool {
        true
    }

    fn is_new(&self, path: &Path) -> bool {
        let extension = path.extension().and_then(|extension| extension.to_str());
        matches!(extension, Some("db" | "sqlite" | "sqlite3" | "vault"))
    }

    async fn open(&self, path: &Path, options: AttachOptions) -> Result<Arc<dyn Attachment>> {
        let path = path.to_owned();
        let options = OpenOptions {
            read_only: options.read_only,
            create: !options.read_only && !path.exists(),
            busy_timeout_ms: options.busy_timeout_ms,
        };
        let vault = blocking(move || VaultCatalog::open(path, options)).await?;
        Ok(vault)
    }
}

#[async_trait]
impl Attachment for VaultCatalog {
    fn kind(&self) -> &'static str {
        "vault"
    }

    fn path(&self) -> &str {
        self.file()
    }

    fn is_read_only(&self) -> bool {
        Self::is_read_only(self)
    }

    fn set_sqlite_types(&self, types: SqliteTypes) {
        self.set_types(types);
    }

    async fn create_table(self: Arc<Self>, table: NewTable) -> Result<()> {
        self.refuse_read_only("CREATE TABLE")?;
        if !SCHEMAS.contains(&table.schema.as_str()) {
            return plan_err!(
                "{}: there is no schema {}; a vault has {}",
                self.file(),
                table.schema,
                SCHEMAS.join(", ")
            );
        }
        let is_there = self
            .schema(&table.schema)
            .is_some_and(|schema| schema.table_exist(&table.name));
        if is_there {
            if table.if_not_exists {
                return Ok(());
            }
            return Err(vector_error(
                "42P07",
                format!(
                    "relation \"{}.{}\" already exists",
                    table.schema, table.name
                ),
            ));
        }
        let making = Making::of(&table)?;
        self.change(move |transaction| making.run(transaction))
            .await
    }

    async fn drop_table(self: Arc<Self>, schema: &str, name: &str) -> Result<bool> {
        self.refuse_read_only("DROP TABLE")?;
        let Some(schema) = self.schema(schema) else {
            return Ok(false);
        };
        let Some(table) = schema.table(name).await? else {
            return Ok(false);
        };
        let Some(table) = table.downcast_ref::<VaultTable>().cloned() else {
            return Ok(false);
        };
        self.change(move |transaction| transaction.drop_table(&table))
            .await?;
        Ok(true)
    }

    async fn maintain(self: Arc<Self>, maintenance: Maintenance) -> Result<()> {
        self.refuse_read_only(maintenance.name())?;
        if self.block().current().is_some() {
            return Err(vector_error(
                "25001",
                format!(
                    "{} cannot run inside a transaction block",
                    maintenance.name()
                ),
            ));
        }
        let sql = match maintenance {
            Maintenance::Checkpoint => "PRAGMA wal_checkpoint(TRUNCATE)",
            Maintenance::Vacuum => "VACUUM",
            Maintenance::Analyze => "ANALYZE",
            Maintenance::Refresh => {
                return not_impl_err!(
                    "REFRESH {}: a vault is read where it is, and nothing of it is kept",
                    self.file()
                );
            }
        };
        blocking(move || Self::maintain(&self, maintenance.name(), sql)).await
    }

    async fn begin_block(&self) -> Result<Box<dyn RestorePoint>> {
        self.refuse_read_only("a change")?;
        self.block().begin(self.vault()).await
    }

    fn identity(&self) -> usize {
        self.block().identity()
    }
}

impl VaultCatalog {
    fn refuse_read_only(&self, doing: &str) -> Result<()> {
        match Self::is_read_only(self) {
            true => Err(vector_error(
                "25006",
                format!("{}: {doing}: the file is attached READ_ONLY", self.file()),
            )),
            false => Ok(()),
        }
    }

    /// Changes the file in the open block's transaction, or in one of its own.
    async fn change(
        &self,
        work: impl FnOnce(&VaultTransaction) -> Result<()> + Send + 'static,
    ) -> Result<()> {
        let (open, vault) = (self.block().current(), self.vault().clone());
        blocking(move || match open {
            Some(open) => open.with(work),
            None => {
                let transaction = VaultTransaction::begin(&vault)?;
                work(&transaction)?;
                transaction.commit()
            }
        })
        .await
    }
}

/// What is to be made.
enum Making {
    Kv(String),
    Column(String, String),
    Vectors(String, usize, String),
    Text(String, Vec<String>),
    Main(String),
}

impl Making {
    fn of(table: &NewTable) -> Result<Self> {
        let name = table.name.clone();
        let what = format!("CREATE TABLE {}.{name}", table.schema);
        let known: &[&str] = match table.schema.as_str() {
            "columns" => &["dtype"],
            "vectors" => &["metric"],
            _ => &[],
        };
        if let Some((option, _)) = table
            .options
            .iter()
            .find(|(o, _)| !known.contains(&o.as_str()))
        {
            return plan_err!(
                "{what}: there is no option {option}; there are: [{}]",
                known.join(", ")
            );
        }
        let option = |name: &str| {
            let found = table.options.iter().find(|(option, _)| option == name);
            found.map(|(_, value)| value.clone())
        };
        let expect = |columns: &[&str]| -> Result<()> {
            let found: Vec<&str> = table.columns.iter().map(|c| c.name.as_str()).collect();
            match found == columns {
                true => Ok(()),
                false => plan_err!(
                    "{what}: its columns are ({}), expected ({})",
                    found.join(", "),
                    columns.join(", ")
                ),
            }
        };
        Ok(match table.schema.as_str() {
            "kv" => {
                expect(&["key", "value"])?;
                for column in &table.columns {
                    expect_type(&what, column, &["bytea", "blob", "binary", "varbinary"])?;
                }
                Self::Kv(name)
            }
            "columns" => {
                expect(&["value"])?;
                let dtype = match option("dtype") {
                    Some(dtype) => dtype,
                    None => dtype_of(&what, &table.columns[0])?,
                };
                Self::Column(name, dtype)
            }
            "vectors" => {
                let rest: Vec<&str> = table.columns.iter().map(|c| c.name.as_str()).collect();
                if !matches!(
                    rest.as_slice(),
                    ["id", "vector"] | ["id", "vector", "value"] | ["vector"] | ["vector", "value"]
                ) {
                    expect(&["id", "vector", "value"])?;
                }
                let vector = table.columns.iter().find(|column| column.name == "vector");
                let dimensions = vector.and_then(|column| dimensions_of(&column.data_type));
                let Some(dimensions) = dimensions else {
                    return plan_err!("{what}: column vector has a length: vector(384)");
                };
                Self::Vectors(
                    name,
                    dimensions,
                    option("metric").unwrap_or_else(|| "l2".to_owned()),
                )
            }
            "text" => {
                let texts: Vec<String> = table
                    .columns
                    .iter()
                    .filter(|column| column.name != "id" && column.name != "value")
                    .map(|column| {
                        expect_type(&what, column, &["text", "varchar", "char", "string"])?;
                        Ok(column.name.clone())
                    })
                    .collect::<Result<_>>()?;
                if texts.is_empty() {
                    return plan_err!(
                        "{what}: at least one column of type TEXT beside id and value"
                    );
                }
                Self::Text(name, texts)
            }
            _ => {
                if let Some(column) = table
                    .columns
                    .iter()
                    .find(|c| dimensions_of(&c.data_type).is_some())
                {
                    return plan_err!(
                        "{what}: column {}: a table of SQLite's own has no vectors; CREATE TABLE {name} in the schema vectors or columns does",
                        column.name
                    );
                }
                Self::Main(format!(
                    "CREATE TABLE {} ({})",
                    quoted(&name),
                    table.definition
                ))
            }
        })
    }

    fn run(self, transaction: &VaultTransaction) -> Result<()> {
        match self {
            Self::Kv(name) => transaction.create_kv(&name),
            Self::Column(name, dtype) => transaction.create_column(&name, &dtype),
            Self::Vectors(name, dimensions, metric) => {
                transaction.create_vectors(&name, dimensions, &metric)
            }
            Self::Text(name, columns) => {
                let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
                transaction.create_texts(&name, &columns)
            }
            Self::Main(sql) => transaction.execute(&sql),
        }
    }
}

fn expect_type(what: &str, column: &NewColumn, expected: &[&str]) -> Result<()> {
    let base = column
        .data_type
        .split('(')
        .next()
        .unwrap_or_default()
        .trim();
    match expected.contains(&base) {
        true => Ok(()),
        false => plan_err!(
            "{what}: column {} is {}, expected {}",
            column.name,
            column.data_type,
            expected[0].to_uppercase()
        ),
    }
}

/// The length of `vector(n)`.
fn dimensions_of(data_type: &str) -> Option<usize> {
    data_type
        .strip_prefix("vector(")?
        .strip_suffix(')')?
        .trim()
        .parse()
        .ok()
}

/// The package's type for one of SQL's.
fn dtype_of(what: &str, column: &NewColumn) -> Result<String> {
    let base = column
        .data_type
        .split('(')
        .next()
        .unwrap_or_default()
        .trim();
    Ok(match base {
        "double precision" | "double" | "float8" => "f64",
        "real" | "float4" => "f32",
        "bigint" | "int8" => "i64",
        "integer" | "int" | "int4" => "i32",
        "smallint" | "int2" => "i16",
        "boolean" | "bool" => "bool",
        "bytea" | "blob" => "bytes",
        "text" | "varchar" | "string" => "str",
        "vector" => match dimensions_of(&column.data_type) {
            Some(dimensions) => return Ok(format!("vec:f32:{dimensions}")),
            None => return plan_err!("{what}: a vector has a length: value vector(384)"),
        },
        other => {
            return plan_err!(
                "{what}: no dtype is known for {other}; there are DOUBLE PRECISION, REAL, BIGINT, INTEGER, SMALLINT, BOOLEAN, BYTEA, TEXT, vector(n), and any dtype by WITH (dtype = '..')"
            );
        }
    }
    .to_owned())
}

fn vector_error(sqlstate: &'static str, message: String) -> DataFusionError {
    DataFusionError::External(Box::new(VectorError::new(sqlstate, message)))
}
