//! `vault_info('notes.db')`: what a file holds, a row for each store.

use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion_catalog::streaming::StreamingTable;
use datafusion_common::{Result, ScalarValue, plan_err};
use datafusion_execution::{SendableRecordBatchStream, TaskContext};
use datafusion_expr::Expr;
use datafusion_physical_plan::stream::RecordBatchReceiverStreamBuilder;
use datafusion_physical_plan::streaming::PartitionStream;
use datafusion_session::{TableFunctionArgs, TableFunctionImpl, TableProvider};
use ogive_vault::{Contents, OpenOptions, Place, Reader, SCHEMAS, Store, Vault};

use crate::error::vault_error;
use crate::vault::columns_table::{self, ColumnsTableFunction};
use crate::vault::describe::describe;

const NAME: &str = "vault_info";

/// The table functions over SQLite files, by name.
pub fn vault_table_functions() -> Vec<(&'static str, Arc<dyn TableFunctionImpl>)> {
    vec![
        (
            NAME,
            Arc::new(VaultInfoFunction) as Arc<dyn TableFunctionImpl>,
        ),
        (columns_table::NAME, Arc::new(ColumnsTableFunction)),
    ]
}

/// The function `vault_info`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VaultInfoFunction;

fn schema() -> SchemaRef {
    let text = |name: &str| Field::new(name, DataType::Utf8, true);
    let int = |name: &str| Field::new(name, DataType::Int64, true);
    Arc::new(Schema::new(vec![
        text("store"),
        text("name"),
        text("layout"),
        text("type"),
        int("rows"),
        int("bytes"),
    ]))
}

impl TableFunctionImpl for VaultInfoFunction {
    fn call_with_args(&self, args: TableFunctionArgs<'_, '_>) -> Result<Arc<dyn TableProvider>> {
        let path = match args.exprs() {
            [
                Expr::Literal(
                    ScalarValue::Utf8(Some(path))
                    | ScalarValue::Utf8View(Some(path))
                    | ScalarValue::LargeUtf8(Some(path)),
                    _,
                ),
            ] => path.clone(),
            other => {
                return plan_err!(
                    "{NAME}: expected one argument, the path of a SQLite file as text; found {}",
                    other.len()
                );
            }
        };
        let schema = schema();
        let inspection = Inspection {
            path,
            schema: Arc::clone(&schema),
        };
        Ok(Arc::new(StreamingTable::try_new(
            schema,
            vec![Arc::new(inspection)],
        )?))
    }
}

/// Runs when it is executed, so that `EXPLAIN` reads nothing.
#[derive(Debug, Clone)]
struct Inspection {
    path: String,
    schema: SchemaRef,
}

impl PartitionStream for Inspection {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let inspection = self.clone();
        let mut builder = RecordBatchReceiverStreamBuilder::new(Arc::clone(&self.schema), 1);
        let sender = builder.tx();
        builder.spawn_blocking(move || {
            let batch = inspection.run()?;
            // Nobody receives any more when the query is over.
            let _ = sender.blocking_send(Ok(batch));
            Ok(())
        });
        builder.build()
    }
}

impl Inspection {
    fn run(&self) -> Result<RecordBatch> {
        let options = OpenOptions {
            read_only: true,
            ..OpenOptions::default()
        };
        let vault = Vault::open(&self.path, options).map_err(vault_error)?;
        let reader = vault.reader().map_err(vault_error)?;
        let contents = Contents::read(&reader, &vault.place()).map_err(vault_error)?;
        let mut found = Vec::new();
        for schema in SCHEMAS {
            for name in contents.names(schema) {
                if let Some(store) = contents.find(schema, &name) {
                    found.push((schema, name, store));
                }
            }
        }
        self.batch(&reader, &vault.place(), &found)
    }

    fn batch(
        &self,
        reader: &Reader,
        place: &Place,
        found: &[(&'static str, String, Store)],
    ) -> Result<RecordBatch> {
        let described: Vec<_> = found
            .iter()
            .map(|(_, _, store)| describe(reader, place, store))
            .collect::<Result<_>>()?;
        Ok(RecordBatch::try_new(
            Arc::clone(&self.schema),
            vec![
                Arc::new(StringArray::from_iter_values(
                    found.iter().map(|(schema, ..)| schema),
                )),
                Arc::new(StringArray::from_iter_values(
                    found.iter().map(|(_, name, _)| name),
                )),
                Arc::new(StringArray::from_iter_values(
                    described.iter().map(|d| &d.layout),
                )),
                Arc::new(StringArray::from_iter_values(
                    described.iter().map(|d| &d.value_type),
                )),
                Arc::new(described.iter().map(|d| d.rows).collect::<Int64Array>()),
                Arc::new(described.iter().map(|d| d.bytes).collect::<Int64Array>()),
            ],
        )?)
    }
}
