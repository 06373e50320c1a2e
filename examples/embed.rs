//! ogive inside a program that has its own DataFusion: two lines add everything.
//!
//! Joins a CVC file with a table that the program holds in memory, and streams the result.

use std::sync::Arc;

use datafusion::arrow::array::{Int64Array, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::arrow::util::pretty::pretty_format_batches;
use datafusion::error::Result;
use datafusion::execution::SessionStateBuilder;
use datafusion::prelude::SessionContext;
use futures::StreamExt;

#[tokio::main]
async fn main() -> Result<()> {
    // The two lines.
    let mut builder = SessionStateBuilder::new_with_default_features();
    ogive::register_all(&mut builder);

    // Quoted paths as tables, if the program wants them.
    let context = ogive::enable_paths(SessionContext::new_with_state(builder.build()));

    // The program's own data: what its users marked.
    let schema = Arc::new(Schema::new(vec![
        Field::new("passage", DataType::Int64, false),
        Field::new("mark", DataType::Utf8, false),
    ]));
    let marks = RecordBatch::try_new(
        schema,
        vec![
            Arc::new(Int64Array::from(vec![3, 1400, 2800, 4200])),
            Arc::new(StringArray::from(vec!["read", "later", "read", "later"])),
        ],
    )?;
    context.register_batch("marks", marks)?;

    // The marked passages nearest to passage 17.
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/passages.cvc");
    let query = format!(
        "SELECT m.mark, d._row, round(l2_distance(d.vector, (SELECT vector FROM '{file}' WHERE _row = 17)), 3) AS distance
         FROM '{file}' d JOIN marks m ON m.passage = d._row
         ORDER BY distance LIMIT 3"
    );
    let mut batches = context.sql(&query).await?.execute_stream().await?;
    while let Some(batch) = batches.next().await {
        println!("{}", pretty_format_batches(&[batch?])?);
    }
    Ok(())
}
