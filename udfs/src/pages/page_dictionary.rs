//! `page_dictionary`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Field, FieldRef, Int64Type};
use datafusion_common::{
    Result, ScalarValue, exec_datafusion_err, exec_err, internal_err, plan_err,
};
use datafusion_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Documentation, Signature, Volatility,
};
use datafusion_macros::user_doc;
use ogive_codecs::pages::{Dictionary, PAGE_SIZE};

use super::bytes::{bytes_type, integer_type, rows};
use super::codec_error;

const NAME: &str = "page_dictionary";

/// Bytes of samples for a byte of dictionary; the number that the Zstd library recommends.
const SAMPLES_FACTOR: usize = 100;

#[user_doc(
    doc_section(label = "Page Functions"),
    description = "Trains a dictionary for Zstd on the pages of the values, for `page_compress(bytes, 'zstd', 3, dictionary)` and `page_decompress(bytes, dictionary)`. Of more pages than it needs it takes every second, fourth and so on. Save it as a binary value; the `zstd` command takes it, too. NULL values are left out; NULL where there are no others.",
    syntax_example = "page_dictionary(bytes[, bytes_max])",
    argument(
        name = "bytes",
        description = "Values like those that will be compressed; of text its UTF-8."
    ),
    argument(
        name = "bytes_max",
        description = "The most bytes of the dictionary, 256 to 16777216, as a constant; 65536 without."
    ),
    related_udf(name = "page_compress")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
struct PageDictionary {
    signature: Signature,
}

/// The aggregate function `page_dictionary`.
pub fn page_dictionary_udaf() -> Arc<AggregateUDF> {
    Arc::new(AggregateUDF::from(PageDictionary {
        signature: Signature::user_defined(Volatility::Immutable),
    }))
}

impl AggregateUDFImpl for PageDictionary {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        match arg_types {
            [bytes] => Ok(vec![bytes_type(NAME, 1, bytes)?]),
            [bytes, bytes_max] => Ok(vec![
                bytes_type(NAME, 1, bytes)?,
                integer_type(NAME, 2, bytes_max)?,
            ]),
            others => plan_err!(
                "{NAME} takes bytes and a length, not {} arguments",
                others.len()
            ),
        }
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Binary)
    }

    fn accumulator(&self, _args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(PageDictionaryAccumulator {
            bytes_max: Dictionary::BYTES_DEFAULT,
            samples: Vec::new(),
            bytes: 0,
            seen: 0,
            stride: 1,
        }))
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let field = |name: &str, data_type| {
            let name = format!("{}[{name}]", args.name);
            Arc::new(Field::new(name, data_type, true))
        };
        let item = Arc::new(Field::new_list_field(DataType::Binary, true));
        Ok(vec![
            field("samples", DataType::List(item)),
            field("bytes_max", DataType::Int64),
        ])
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.doc()
    }
}

/// Every `stride`th page that was seen.
#[derive(Debug)]
struct PageDictionaryAccumulator {
    bytes_max: usize,
    samples: Vec<Vec<u8>>,
    /// Of all samples.
    bytes: usize,
    seen: usize,
    stride: usize,
}

impl PageDictionaryAccumulator {
    fn add(&mut self, page: &[u8]) {
        if self.seen.is_multiple_of(self.stride) {
            self.bytes += page.len();
            self.samples.push(page.to_vec());
        }
        self.seen += 1;
        if self.bytes > self.bytes_max.saturating_mul(SAMPLES_FACTOR) {
            self.stride *= 2;
            let mut index = 0;
            self.samples.retain(|_| {
                index += 1;
                index % 2 == 1
            });
            self.bytes = self.samples.iter().map(Vec::len).sum();
        }
    }

    fn set_bytes_max(&mut self, column: &dyn Array) -> Result<()> {
        let Some(numbers) = column.as_primitive_opt::<Int64Type>() else {
            return internal_err!("{NAME}: a length of {}", column.data_type());
        };
        let range = Dictionary::BYTES_MIN..=Dictionary::BYTES_MAX;
        for number in numbers {
            let wanted = number.and_then(|number| usize::try_from(number).ok());
            match wanted.filter(|wanted| range.contains(wanted)) {
                Some(wanted) => self.bytes_max = wanted,
                None => {
                    let number = number.map_or("NULL".to_string(), |number| number.to_string());
                    return exec_err!(
                        "{NAME}: a dictionary has {} to {} bytes, not {number}",
                        range.start(),
                        range.end()
                    );
                }
            }
        }
        Ok(())
    }
}

impl Accumulator for PageDictionaryAccumulator {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let Some(bytes) = values.first() else {
            return internal_err!("{NAME} without arguments");
        };
        if let Some(bytes_max) = values.get(1) {
            self.set_bytes_max(bytes_max.as_ref())?;
        }
        for value in rows(bytes.as_ref())?.into_iter().flatten() {
            for page in value.chunks(PAGE_SIZE) {
                self.add(page);
            }
        }
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let [samples, bytes_max] = states else {
            return internal_err!("{NAME}: a state of {} columns", states.len());
        };
        self.set_bytes_max(bytes_max.as_ref())?;
        let Some(samples) = samples.as_list_opt::<i32>() else {
            return internal_err!("{NAME}: samples of {}", samples.data_type());
        };
        for pages in samples.iter().flatten() {
            for page in rows(pages.as_ref())?.into_iter().flatten() {
                self.add(page);
            }
        }
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let samples: Vec<ScalarValue> = std::mem::take(&mut self.samples)
            .into_iter()
            .map(|sample| ScalarValue::Binary(Some(sample)))
            .collect();
        let list = ScalarValue::new_list(&samples, &DataType::Binary, true);
        let bytes_max = i64::try_from(self.bytes_max)
            .map_err(|_| exec_datafusion_err!("{NAME}: {} bytes", self.bytes_max))?;
        Ok(vec![ScalarValue::List(list), ScalarValue::from(bytes_max)])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        if self.samples.is_empty() {
            return Ok(ScalarValue::Binary(None));
        }
        let dictionary = Dictionary::train(&self.samples, self.bytes_max)
            .map_err(|error| codec_error(NAME, &error))?;
        Ok(ScalarValue::Binary(Some(dictionary.as_bytes().to_vec())))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.bytes + self.samples.capacity() * size_of::<Vec<u8>>()
    }
}
