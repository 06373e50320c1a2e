//! `ON CONFLICT`: which rows are new, which change one that is there, which are left out.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use datafusion::arrow::array::{Array, AsArray, RecordBatch};
use datafusion::arrow::compute::{
    filter_record_batch, interleave_record_batch, prep_null_mask_filter,
};
use datafusion::arrow::datatypes::{Int64Type, Schema, SchemaRef};
use datafusion::common::{DataFusionError, Result};
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::PhysicalExpr;
use ogive_table_providers::{KeyColumns, RowWriter};
use ogive_vectors::VectorError;

/// The clause in a logical plan.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Conflict {
    /// The columns of each key that it is about.
    pub(super) keys: Vec<Vec<usize>>,
    /// `DO UPDATE`; without it `DO NOTHING`.
    pub(super) update: Option<ConflictUpdate>,
}

/// `DO UPDATE SET ..`, over the row that is there and the `excluded` one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct ConflictUpdate {
    pub(super) columns: Vec<usize>,
    pub(super) values: Vec<Expr>,
    pub(super) filter: Option<Expr>,
}

/// The clause in a physical plan.
#[derive(Debug, Clone)]
pub(super) struct OnConflictExec {
    pub(super) keys: Vec<Vec<usize>>,
    pub(super) updates: bool,
    pub(super) columns: Vec<usize>,
    pub(super) values: Vec<Arc<dyn PhysicalExpr>>,
    pub(super) filter: Option<Arc<dyn PhysicalExpr>>,
}

/// A row that has a key.
enum Holder {
    /// Batch and row of the table.
    There(usize, usize),
    /// One of the rows that are inserted.
    New,
}

impl OnConflictExec {
    /// Gives the writer what is to be done about `rows`, whose columns are the table's; `there` are the table's rows
    /// with their ids. Returns the rows that were inserted or changed, as they are then.
    pub(super) fn resolve(
        &self,
        rows: &[RecordBatch],
        there: &[RecordBatch],
        schema: &SchemaRef,
        writer: &mut Box<dyn RowWriter>,
    ) -> Result<Vec<RecordBatch>> {
        let keys = self
            .keys
            .iter()
            .map(|columns| KeyColumns::try_new(columns, false, schema))
            .collect::<Result<Vec<_>>>()?;
        let mut held: Vec<HashMap<_, Holder>> = keys.iter().map(|_| HashMap::new()).collect();
        for (number, batch) in there.iter().enumerate() {
            for (key, held) in keys.iter().zip(&mut held) {
                for (row, value) in key.values(batch)?.into_iter().enumerate() {
                    if let Some(value) = value {
                        held.insert(value, Holder::There(number, row));
                    }
                }
            }
        }
        let mut inserted = Vec::new();
        let (mut pairs_there, mut pairs_new) = (Vec::new(), Vec::new());
        for (number, batch) in rows.iter().enumerate() {
            let values = keys
                .iter()
                .map(|key| key.values(batch))
                .collect::<Result<Vec<_>>>()?;
            for row in 0..batch.num_rows() {
                let holder = values.iter().zip(&held).find_map(|(values, held)| {
                    values[row].as_ref().and_then(|value| held.get(value))
                });
                match holder {
                    None => {
                        inserted.push((number, row));
                        for (values, held) in values.iter().zip(&mut held) {
                            if let Some(value) = &values[row] {
                                held.insert(value.clone(), Holder::New);
                            }
                        }
                    }
                    Some(_) if !self.updates => {}
                    Some(Holder::There(batch_there, row_there)) => {
                        pairs_there.push((*batch_there, *row_there));
                        pairs_new.push((number, row));
                    }
                    Some(Holder::New) => return Err(second_time()),
                }
            }
        }
        let mut returned = Vec::new();
        if !inserted.is_empty() {
            let inserted = interleave_record_batch(&refs(rows), &inserted)?;
            returned.push(writer.insert(inserted)?);
        }
        if !pairs_there.is_empty() {
            let old = interleave_record_batch(&refs(there), &pairs_there)?;
            let new = interleave_record_batch(&refs(rows), &pairs_new)?;
            returned.extend(self.update(&old, &new, schema, writer)?);
        }
        Ok(returned)
    }

    fn update(
        &self,
        old: &RecordBatch,
        new: &RecordBatch,
        schema: &SchemaRef,
        writer: &mut Box<dyn RowWriter>,
    ) -> Result<Option<RecordBatch>> {
        let mut pairs = beside(old, new)?;
        if let Some(filter) = &self.filter {
            let mask = filter.evaluate(&pairs)?.into_array(pairs.num_rows())?;
            let mask = mask.as_boolean();
            let mask = match mask.null_count() {
                0 => mask.clone(),
                _ => prep_null_mask_filter(mask),
            };
            pairs = filter_record_batch(&pairs, &mask)?;
        }
        if pairs.num_rows() == 0 {
            return Ok(None);
        }
        let values = self
            .values
            .iter()
            .map(|value| value.evaluate(&pairs)?.into_array(pairs.num_rows()))
            .collect::<Result<Vec<_>>>()?;
        let fields: Vec<_> = self
            .columns
            .iter()
            .map(|column| schema.field(*column).clone().with_nullable(true))
            .collect();
        let id = schema.fields().len();
        let ids = pairs
            .column(id)
            .as_primitive::<Int64Type>()
            .values()
            .to_vec();
        let mut changed = HashSet::new();
        if !ids.iter().all(|id| changed.insert(*id)) {
            return Err(second_time());
        }
        let mut columns = pairs.columns()[..id].to_vec();
        for (column, value) in self.columns.iter().zip(&values) {
            columns[*column] = Arc::clone(value);
        }
        let values = RecordBatch::try_new(Arc::new(Schema::new(fields)), values)?;
        writer.update(ids, &self.columns, values);
        let nullable = schema
            .fields()
            .iter()
            .map(|f| f.as_ref().clone().with_nullable(true));
        let nullable = Arc::new(Schema::new(nullable.collect::<Vec<_>>()));
        Ok(Some(RecordBatch::try_new(nullable, columns)?))
    }
}

fn refs(batches: &[RecordBatch]) -> Vec<&RecordBatch> {
    batches.iter().collect()
}

/// The columns of both, row by row.
fn beside(left: &RecordBatch, right: &RecordBatch) -> Result<RecordBatch> {
    let (left_schema, right_schema) = (left.schema(), right.schema());
    let fields = left_schema.fields().iter().chain(right_schema.fields());
    let schema = Schema::new(fields.cloned().collect::<Vec<_>>());
    let columns = [left.columns(), right.columns()].concat();
    Ok(RecordBatch::try_new(Arc::new(schema), columns)?)
}

fn second_time() -> DataFusionError {
    let error = VectorError::new(
        "21000",
        "ON CONFLICT DO UPDATE command cannot affect row a second time",
    )
    .with_hint(
        "Ensure that no rows proposed for insertion within the same command have duplicate constrained values.",
    );
    DataFusionError::External(Box::new(error))
}
