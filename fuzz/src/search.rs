//! A search of stored vectors, made from any bytes.

use arbitrary::{Result, Unstructured};
use ogive_kernels::{Encoding, InstructionSet, Metric, Order, Precision, Query, Rank, Rows};

use crate::Random;

const METRICS: [Metric; 7] = [
    Metric::L2,
    Metric::L2Squared,
    Metric::L1,
    Metric::InnerProduct,
    Metric::NegativeInnerProduct,
    Metric::CosineDistance,
    Metric::CosineSimilarity,
];

const BIT_METRICS: [Metric; 2] = [Metric::Hamming, Metric::Jaccard];

/// Batches below, at and above the sizes at which queries are packed, and fill one panel or two of either width.
const BATCHES: [usize; 12] = [1, 2, 5, 6, 7, 15, 16, 17, 31, 32, 33, 40];

/// Elements compared by a batch, so that an input takes milliseconds.
const BATCH_ELEMENTS_MAX: usize = 200_000;

/// What is searched, and for what.
#[derive(Debug)]
pub struct Search {
    /// The measure.
    pub metric: Metric,
    /// That of the answers.
    pub precision: Precision,
    /// What comes first.
    pub order: Order,
    /// How many of them are wanted.
    pub k: usize,
    /// Elements of a vector.
    pub dimension: usize,
    /// The vectors that are looked for; there is one at least.
    pub queries: Vec<Vec<f64>>,
    /// How many rows are stored.
    pub rows: usize,
    /// Whether a row is wanted, where not all are.
    pub selected: Option<Vec<bool>>,
    /// NULL vectors, which have numbers behind the rows.
    pub nulls: u64,
    bytes: Vec<u8>,
    encoding: Encoding,
    /// From a row on, another encoding of the same width: one search may see several files.
    split: Option<(usize, Encoding)>,
}

impl Search {
    /// The search that the bytes stand for.
    ///
    /// # Errors
    /// When there are too few.
    pub fn of(data: &[u8], random: &mut Random) -> Result<Search> {
        let input = &mut Unstructured::new(data);
        let encoding = encoding(input)?;
        let of_bits = encoding == Encoding::Bits;
        let metric = if of_bits {
            *input.choose(&BIT_METRICS)?
        } else {
            *input.choose(&METRICS)?
        };
        let precision = *input.choose(&[Precision::Double, Precision::Single])?;
        let order = Order {
            descending: input.arbitrary()?,
            nulls_first: input.arbitrary()?,
        };
        let k = input.int_in_range(0..=12)?;
        let dimension = input.int_in_range(0..=70)? * if of_bits { 8 } else { 1 };
        let rows = input.int_in_range(0..=700)?;
        let nulls = if input.ratio(1, 4)? { 3 } else { 0 };
        let split = if encoding.width() == 1 && input.ratio(1, 4)? {
            Some((input.int_in_range(0..=rows)?, byte_encoding(input)?))
        } else {
            None
        };
        let selected = selection(input, rows)?;
        let batch = *input.choose(&BATCHES)?;
        let from_row = input.arbitrary()?;
        let query = vector(input, if from_row { 0 } else { dimension }, of_bits)?;
        let mut search = Search {
            metric,
            precision,
            order,
            k,
            dimension,
            queries: vec![query],
            rows,
            selected,
            nulls,
            bytes: rows_of(input, rows * encoding.row_bytes(dimension).unwrap_or(0))?,
            encoding,
            split,
        };
        if from_row {
            search.queries = vec![search.row(0)];
        }
        search.add_queries(batch, random);
        Ok(search)
    }

    /// One of the vectors, ready to be compared.
    pub fn query(&self, index: usize) -> Query {
        Query::new(self.metric, &self.queries[index]).with_precision(self.precision)
    }

    /// All of them, computed with one instruction set.
    pub fn batch(&self, set: InstructionSet) -> Vec<Query> {
        let query = |index| self.query(index).with_instruction_set(set);
        (0..self.queries.len()).map(query).collect()
    }

    /// The rows by encoding, each part with the number of its first row.
    pub fn parts(&self) -> Vec<(usize, Rows<'_>)> {
        let (middle, encoding) = self.split.unwrap_or((self.rows, self.encoding));
        let stride = self.encoding.row_bytes(self.dimension).unwrap_or(0);
        let (left, right) = self.bytes.split_at(middle * stride);
        [
            (0, left, middle, self.encoding),
            (middle, right, self.rows - middle, encoding),
        ]
        .into_iter()
        .take(1 + usize::from(self.split.is_some()))
        .map(|(start, bytes, rows, encoding)| {
            let rows = Rows::with_rows(bytes, rows, self.dimension, encoding);
            (start, rows.expect("as many bytes as the rows need"))
        })
        .collect()
    }

    /// The rows cut into blocks, as numbers of first rows and blocks, mostly in order.
    pub fn blocks(&self, random: &mut Random) -> Vec<(usize, Rows<'_>)> {
        let mut blocks = Vec::new();
        for (first, part) in self.parts() {
            let mut start = 0;
            while start < part.len() {
                let end = (start + 1 + random.up_to(400)).min(part.len());
                blocks.push((first + start, part.slice(start..end)));
                start = end;
            }
        }
        if random.up_to(3) == 0 {
            for index in (1..blocks.len()).rev() {
                blocks.swap(index, random.up_to(index));
            }
        }
        blocks
    }

    /// What is wanted of some rows.
    pub fn selected(&self, start: usize, rows: usize) -> Option<&[bool]> {
        let selected = self.selected.as_ref()?;
        Some(&selected[start..start + rows])
    }

    /// Rows wanted, NULL vectors among them.
    pub fn seen(&self) -> u64 {
        let count = |selected: &Vec<bool>| selected.iter().filter(|one| **one).count();
        self.selected.as_ref().map_or(self.rows, count) as u64 + self.nulls
    }

    /// The answer of every row, `None` where it is undefined.
    pub fn answers(&self, query: &Query) -> Vec<Option<f64>> {
        let mut all = Vec::with_capacity(self.rows);
        for (_, rows) in self.parts() {
            let mut answers = vec![0.0; rows.len()];
            let undefined = query.distances(&rows, &mut answers);
            let answer = |(row, answer)| undefined.binary_search(&row).is_err().then_some(answer);
            all.extend(answers.into_iter().enumerate().map(answer));
        }
        all
    }

    /// All wanted rows of these answers, what comes first first.
    pub fn sorted(&self, answers: &[Option<f64>]) -> Vec<(Rank, u64)> {
        let mut all: Vec<(Rank, u64)> = answers
            .iter()
            .enumerate()
            .filter(|(row, _)| self.selected.as_ref().is_none_or(|selected| selected[*row]))
            .map(|(row, answer)| (Rank::new(self.order, *answer), row as u64))
            .collect();
        let nulls = (0..self.nulls).map(|null| answers.len() as u64 + null);
        all.extend(nulls.map(|row| (Rank::new(self.order, None), row)));
        all.sort_unstable();
        all
    }

    /// The numbers of a row, or others where there is none.
    fn row(&self, index: usize) -> Vec<f64> {
        let parts = self.parts();
        let part = parts.iter().rev().find(|(start, _)| index >= *start);
        let row = part.and_then(|(start, rows)| {
            let index = index - start;
            (index < rows.len()).then(|| rows.slice(index..index + 1))
        });
        let mut values = vec![0.5; self.dimension];
        if let Some(row) = row {
            row.decode_f32(&mut values);
        }
        values.into_iter().map(f64::from).collect()
    }

    /// Adds queries up to a batch: rows, near to rows, and the first query larger, smaller or turned around.
    fn add_queries(&mut self, batch: usize, random: &mut Random) {
        let batch = batch.min(BATCH_ELEMENTS_MAX / (self.rows * self.dimension).max(1));
        while self.queries.len() < batch {
            let mut query = match random.up_to(3) {
                0 => self.queries[0].clone(),
                _ => self.row(random.up_to(self.rows)),
            };
            match random.up_to(3) {
                0 => {}
                1 => {
                    let factor = [-1.0, 0.0, 0.5, 3.0, 1e20, 1e-20][random.up_to(5)];
                    query.iter_mut().for_each(|x| *x *= factor);
                }
                _ => {
                    for x in &mut query {
                        *x += [0.0, 0.0, *x * 1e-6, 1.0][random.up_to(3)];
                    }
                }
            }
            self.queries.push(query);
        }
    }
}

fn encoding(input: &mut Unstructured<'_>) -> Result<Encoding> {
    Ok(match input.int_in_range(0..=6)? {
        0 => Encoding::F64,
        1 => Encoding::F32,
        2 => Encoding::F16,
        3 => Encoding::Bits,
        _ => byte_encoding(input)?,
    })
}

fn byte_encoding(input: &mut Unstructured<'_>) -> Result<Encoding> {
    Ok(match input.int_in_range(0..=3)? {
        0 => Encoding::I8,
        1 => Encoding::U8,
        _ => Encoding::Codes {
            scale: number(input)? as f32,
            min: number(input)? as f32,
        },
    })
}

/// A pattern of wanted rows, over and over.
fn selection(input: &mut Unstructured<'_>, rows: usize) -> Result<Option<Vec<bool>>> {
    if !input.arbitrary()? {
        return Ok(None);
    }
    let length = input.int_in_range(1..=40)?.min(input.len().max(1));
    let bits = input.bytes(length)?.iter();
    let bits = bits.flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1 == 1));
    Ok(Some(bits.cycle().take(rows).collect()))
}

fn vector(input: &mut Unstructured<'_>, dimension: usize, of_bits: bool) -> Result<Vec<f64>> {
    let mut vector = Vec::with_capacity(dimension);
    for _ in 0..dimension {
        vector.push(match of_bits {
            true => f64::from(input.ratio(1, 2)?),
            false => number(input)?,
        });
    }
    Ok(vector)
}

/// Small numbers mostly, and any bits at times.
fn number(input: &mut Unstructured<'_>) -> Result<f64> {
    Ok(match input.int_in_range(0..=9)? {
        0 => f64::from_bits(input.arbitrary()?),
        1 => f64::from(f32::from_bits(input.arbitrary()?)),
        2 => f64::from(input.arbitrary::<i8>()?),
        _ => f64::from(input.arbitrary::<i16>()?) / 1024.0,
    })
}

/// What is left of the input, over and over, up to so many bytes.
fn rows_of(input: &mut Unstructured<'_>, needed: usize) -> Result<Vec<u8>> {
    let source = input.bytes(input.len())?;
    let mut bytes: Vec<u8> = source.iter().copied().cycle().take(needed).collect();
    bytes.resize(needed, 0);
    // Rows that repeat differ a little, so that there is an order to find.
    for (round, part) in bytes.chunks_mut(source.len().max(1)).enumerate().skip(1) {
        let at = round * 7 % part.len();
        part[at] ^= round as u8;
    }
    Ok(bytes)
}
