//! `page_stats`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int64Array, StructArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Int64Type};
use datafusion_common::{Result, ScalarValue, exec_err, internal_err, plan_err};
use datafusion_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Documentation, Signature, Volatility,
};
use datafusion_macros::user_doc;
use ogive_codecs::pages::{Codec, CompressorBuilder, Statistics};

use super::bytes::{bytes_type, rows, text_type};
use super::settings::Form;
use super::{Batches, codec_error};

const NAME: &str = "page_stats";

#[user_doc(
    doc_section(label = "Page Functions"),
    description = "What compressing the values in pages of 4 KiB would come to, as a struct: `pages`, `bytes_in`, `bytes_out` (stored bytes, without headers), `ratio` (`bytes_in` over `bytes_out`; NULL without bytes), `incompressible` and `same_fill` (pages), and `algorithms`, the pages by how they are stored. NULL values are left out.",
    syntax_example = "page_stats(bytes[, algorithm])",
    sql_example = r#"```sql
> select page_stats(repeat('a', 8192)) as stats;
+-----------------------------------------------------------------------------------------------------------------------------------------------------------+
| stats                                                                                                                                                     |
+-----------------------------------------------------------------------------------------------------------------------------------------------------------+
| {pages: 2, bytes_in: 8192, bytes_out: 16, ratio: 512.0, incompressible: 0, same_fill: 2, algorithms: {none: 0, same_fill: 2, lz4: 0, zstd: 0}} |
+-----------------------------------------------------------------------------------------------------------------------------------------------------------+
```"#,
    argument(
        name = "bytes",
        description = "Values as they are, not compressed; of text its UTF-8."
    ),
    argument(
        name = "algorithm",
        description = "An algorithm of `page_compress`, as a constant; 'auto' without."
    ),
    related_udf(name = "page_compress")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
struct PageStats {
    signature: Signature,
    batches: Batches,
}

/// The aggregate function `page_stats`.
pub fn page_stats_udaf() -> Arc<AggregateUDF> {
    Arc::new(AggregateUDF::from(PageStats {
        signature: Signature::user_defined(Volatility::Immutable),
        batches: Batches::default(),
    }))
}

/// Pages by codec.
fn algorithm_fields() -> Fields {
    Codec::ALL
        .iter()
        .map(|codec| Field::new(codec.name(), DataType::Int64, true))
        .collect()
}

fn answer_fields() -> Fields {
    let int = |name: &str| Field::new(name, DataType::Int64, true);
    [
        int("pages"),
        int("bytes_in"),
        int("bytes_out"),
        Field::new("ratio", DataType::Float64, true),
        int("incompressible"),
        int("same_fill"),
        Field::new("algorithms", DataType::Struct(algorithm_fields()), true),
    ]
    .into_iter()
    .collect()
}

impl AggregateUDFImpl for PageStats {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        match arg_types {
            [bytes] => Ok(vec![bytes_type(NAME, 1, bytes)?]),
            [bytes, algorithm] => Ok(vec![
                bytes_type(NAME, 1, bytes)?,
                text_type(NAME, 2, algorithm)?,
            ]),
            others => plan_err!(
                "{NAME} takes bytes and an algorithm, not {} arguments",
                others.len()
            ),
        }
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Struct(answer_fields()))
    }

    fn accumulator(&self, _args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(PageStatsAccumulator {
            batches: self.batches.clone(),
            statistics: Statistics::default(),
        }))
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let counts = ["pages", "bytes_in", "bytes_out"].into_iter();
        let names = counts.chain(Codec::ALL.iter().map(|codec| codec.name()));
        Ok(names
            .map(|name| {
                Arc::new(Field::new(
                    format!("{}[{name}]", args.name),
                    DataType::Int64,
                    true,
                ))
            })
            .collect())
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.doc()
    }
}

#[derive(Debug)]
struct PageStatsAccumulator {
    batches: Batches,
    statistics: Statistics,
}

impl PageStatsAccumulator {
    /// The state's numbers, in the order of its fields.
    fn numbers(&self) -> Vec<i64> {
        let Statistics {
            pages,
            bytes_in,
            bytes_out,
            by_codec,
        } = self.statistics;
        [pages, bytes_in, bytes_out]
            .into_iter()
            .chain(by_codec)
            .map(u64::cast_signed)
            .collect()
    }
}

/// The algorithm of a batch: the same in every row.
fn algorithm_of(column: &ArrayRef) -> Result<&str> {
    let Some(words) = column.as_string_opt::<i32>() else {
        return internal_err!("{NAME}: an algorithm of {}", column.data_type());
    };
    let mut each = words.iter();
    let first = each.next().flatten();
    match first {
        Some(first) if each.all(|word| word == Some(first)) => Ok(first),
        _ => exec_err!("{NAME}: the algorithm is a constant"),
    }
}

impl Accumulator for PageStatsAccumulator {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let (bytes, algorithm) = match values {
            [bytes] => (bytes, "auto"),
            [bytes, _] if bytes.is_empty() => return Ok(()),
            [bytes, algorithm] => (bytes, algorithm_of(algorithm)?),
            others => return internal_err!("{NAME} with {} arguments", others.len()),
        };
        let algorithm = match Form::of(NAME, algorithm)? {
            Form::Frame(algorithm) => algorithm,
            Form::Raw(format) => {
                return exec_err!("{NAME}: '{format}' does not cut values into pages");
            }
        };
        let settings = CompressorBuilder::new(algorithm);
        let (batch, _) = self
            .batches
            .get(NAME, crate::Execution::default(), settings, None)?;
        let values: Vec<&[u8]> = rows(bytes.as_ref())?.into_iter().flatten().collect();
        let statistics = batch
            .statistics(&values)
            .map_err(|error| codec_error(NAME, &error))?;
        self.statistics.merge(&statistics);
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let columns: Vec<&Int64Array> = states
            .iter()
            .filter_map(|state| state.as_primitive_opt::<Int64Type>())
            .collect();
        let [pages, bytes_in, bytes_out, codecs @ ..] = columns.as_slice() else {
            return internal_err!("{NAME}: a state of {} columns", columns.len());
        };
        for row in 0..pages.len() {
            let number = |column: &Int64Array| column.value(row).cast_unsigned();
            let mut by_codec = [0; Codec::ALL.len()];
            for (count, column) in by_codec.iter_mut().zip(codecs) {
                *count = number(column);
            }
            self.statistics.merge(&Statistics {
                pages: number(pages),
                bytes_in: number(bytes_in),
                bytes_out: number(bytes_out),
                by_codec,
            });
        }
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let numbers = self.numbers().into_iter();
        Ok(numbers.map(ScalarValue::from).collect())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let numbers = self.numbers();
        let [pages, bytes_in, bytes_out, codecs @ ..] = numbers.as_slice() else {
            return internal_err!("{NAME}: a state of {} numbers", numbers.len());
        };
        let int = |number: &i64| Arc::new(Int64Array::from(vec![*number])) as ArrayRef;
        let by = |codec| int(&self.statistics.pages_by(codec).cast_signed());
        let algorithms = StructArray::try_new(
            algorithm_fields(),
            codecs.iter().map(int).collect(),
            None::<NullBuffer>,
        )?;
        let ratio = Float64Array::from(vec![self.statistics.ratio()]);
        let answer = StructArray::try_new(
            answer_fields(),
            vec![
                int(pages),
                int(bytes_in),
                int(bytes_out),
                Arc::new(ratio),
                by(Codec::None),
                by(Codec::SameFill),
                Arc::new(algorithms),
            ],
            None,
        )?;
        Ok(ScalarValue::Struct(Arc::new(answer)))
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }
}
