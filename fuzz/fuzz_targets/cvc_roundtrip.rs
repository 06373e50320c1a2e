//! Whatever is written comes back: exactly for `lossless` and `none`, as the definitions say for `fp16` and `int8`.

#![no_main]

use std::io::Cursor;

use arbitrary::{Result, Unstructured};
use half::f16;
use libfuzzer_sys::fuzz_target;
use ogive_codecs::fp16;
use ogive_cvc::{
    Column, ColumnValues, Compression, DEPTH_MAX, DType, ErrorKind, Json, METADATA_DEPTH_MAX,
    NonFinite, Schema, WriteOptions, Writer, open_slice, read_all_f32,
};
use ogive_fuzz::{assert_same_f32, int8_by_definition, int8_can_hold, with_memory};

fuzz_target!(|data: &[u8]| {
    if let Ok(plan) = plan(&mut Unstructured::new(data)) {
        check(&plan);
    }
});

/// A file to write.
#[derive(Debug)]
struct Plan {
    schema: Schema,
    columns: Vec<Column>,
    options: WriteOptions,
    /// One list a column.
    values: Vec<Values>,
    rows: usize,
    /// Rows of the calls to the writer, and what the section that starts before each is described as.
    batches: Vec<(usize, Option<Json>)>,
    /// Descriptions of chunks, by their number.
    chunk_metadata: Vec<(usize, Json)>,
}

/// A column's numbers.
#[derive(Debug)]
enum Values {
    F32(Vec<f32>),
    F64(Vec<f64>),
    F16(Vec<f16>),
    I32(Vec<i32>),
    I64(Vec<i64>),
    I8(Vec<i8>),
    U8(Vec<u8>),
}

impl Values {
    fn part(&self, from: usize, to: usize) -> ColumnValues<'_> {
        match self {
            Values::F32(values) => ColumnValues::F32(&values[from..to]),
            Values::F64(values) => ColumnValues::F64(&values[from..to]),
            Values::F16(values) => ColumnValues::F16(&values[from..to]),
            Values::I32(values) => ColumnValues::I32(&values[from..to]),
            Values::I64(values) => ColumnValues::I64(&values[from..to]),
            Values::I8(values) => ColumnValues::I8(&values[from..to]),
            Values::U8(values) => ColumnValues::U8(&values[from..to]),
        }
    }

    fn to_f32(&self) -> Vec<f32> {
        match self {
            Values::F32(values) => values.clone(),
            Values::F64(values) => values.iter().map(|value| *value as f32).collect(),
            Values::F16(values) => values.iter().map(|value| value.to_f32_const()).collect(),
            Values::I32(values) => values.iter().map(|value| *value as f32).collect(),
            Values::I64(values) => values.iter().map(|value| *value as f32).collect(),
            Values::I8(values) => values.iter().map(|value| f32::from(*value)).collect(),
            Values::U8(values) => values.iter().map(|value| f32::from(*value)).collect(),
        }
    }

    fn to_f64(&self) -> Vec<f64> {
        match self {
            Values::F64(values) => values.clone(),
            Values::I32(values) => values.iter().map(|value| f64::from(*value)).collect(),
            Values::I64(values) => values.iter().map(|value| *value as f64).collect(),
            other => other.to_f32().into_iter().map(f64::from).collect(),
        }
    }

    fn to_bytes(&self) -> Vec<u8> {
        match self {
            Values::F32(values) => values.iter().flat_map(|x| x.to_le_bytes()).collect(),
            Values::F64(values) => values.iter().flat_map(|x| x.to_le_bytes()).collect(),
            Values::F16(values) => values.iter().flat_map(|x| x.to_le_bytes()).collect(),
            Values::I32(values) => values.iter().flat_map(|x| x.to_le_bytes()).collect(),
            Values::I64(values) => values.iter().flat_map(|x| x.to_le_bytes()).collect(),
            Values::I8(values) => values.iter().flat_map(|x| x.to_le_bytes()).collect(),
            Values::U8(values) => values.clone(),
        }
    }
}

fn plan(input: &mut Unstructured<'_>) -> Result<Plan> {
    let columnar: bool = input.arbitrary()?;
    let mut options = WriteOptions {
        chunk_rows: input.int_in_range(1..=40)?,
        mmap_optimized: !columnar && input.arbitrary()?,
        non_finite: *input.choose(&[NonFinite::Allow, NonFinite::Refuse])?,
    };
    let (schema, columns) = if columnar {
        let mut columns: Vec<Column> = Vec::new();
        for _ in 0..input.int_in_range(1..=4)? {
            let name: String = input.arbitrary()?;
            if name.trim().is_empty() || columns.iter().any(|column| column.name == name) {
                continue;
            }
            columns.push(Column {
                name,
                dtype: *input.choose(&DType::ALL)?,
                dimension: input.int_in_range(1..=9)?,
                compression: *input.choose(&[
                    Compression::None,
                    Compression::Fp16,
                    Compression::Int8,
                ])?,
            });
        }
        if columns.is_empty() {
            return Err(arbitrary::Error::IncorrectFormat);
        }
        (Schema::Columnar(columns.clone()), columns)
    } else {
        let dimension = input.int_in_range(1..=9)?;
        let compression =
            *input.choose(&[Compression::Lossless, Compression::Fp16, Compression::Int8])?;
        let column = Column {
            name: ogive_cvc::SINGLE_COLUMN.to_owned(),
            dtype: DType::Float32,
            dimension,
            compression,
        };
        let schema = Schema::Single {
            dimension,
            compression,
        };
        (schema, vec![column])
    };
    let rows = input.int_in_range(0..=150)?;
    if options.mmap_optimized {
        // Every record takes a page.
        options.chunk_rows = options.chunk_rows.max(rows / 16);
    }
    let chunks = usize::div_ceil(rows, options.chunk_rows);
    let mut batches = Vec::new();
    let mut left = rows;
    while left > 0 && batches.len() < 8 {
        let count = input.int_in_range(0..=left)?;
        let section = if input.ratio(1, 3)? {
            Some(json(input)?)
        } else {
            None
        };
        batches.push((count, section));
        left -= count;
    }
    batches.push((left, None));
    let mut chunk_metadata: Vec<(usize, Json)> = Vec::new();
    if !columnar && chunks > 0 && input.ratio(1, 3)? {
        for _ in 0..input.int_in_range(1..=3)? {
            let chunk = input.int_in_range(0..=chunks - 1)?;
            chunk_metadata.push((chunk, json(input)?));
        }
    }
    let mut values = Vec::new();
    for column in &columns {
        values.push(numbers(input, column, rows * column.dimension)?);
    }
    Ok(Plan {
        schema,
        columns,
        options,
        values,
        rows,
        batches,
        chunk_metadata,
    })
}

/// A description: text that is JSON, or lists in lists.
fn json(input: &mut Unstructured<'_>) -> Result<Json> {
    if input.ratio(1, 8)? {
        let depth = input.int_in_range(0..=DEPTH_MAX + 2)?;
        return Ok((0..depth).fold(Json::Null, |inner, _| Json::Array(vec![inner])));
    }
    let length = input.int_in_range(0..=60)?.min(input.len());
    let text = input.bytes(length)?;
    Ok(Json::parse(text).unwrap_or_else(|_| Json::from(&*String::from_utf8_lossy(text))))
}

/// Numbers from a run of bytes, over and over.
fn numbers(input: &mut Unstructured<'_>, column: &Column, count: usize) -> Result<Values> {
    let kind = match column.compression {
        Compression::None => column.dtype as usize,
        _ => input.int_in_range(0..=6)?,
    };
    let width = [4, 2, 4, 8, 1, 1, 8][kind];
    let length = input.int_in_range(1..=256)?.min(input.len()).max(1);
    let source = match input.bytes(length) {
        Ok(bytes) => bytes.to_vec(),
        Err(_) => vec![0x3c, 0xbf, 0x11],
    };
    let bytes: Vec<u8> = source.iter().copied().cycle().take(count * width).collect();
    // In the order of `DType`, with 64-bit floating point, which no column has, behind.
    Ok(match kind {
        0 => Values::F32(split(&bytes, f32::from_le_bytes)),
        1 => Values::F16(split(&bytes, f16::from_le_bytes)),
        2 => Values::I32(split(&bytes, i32::from_le_bytes)),
        3 => Values::I64(split(&bytes, i64::from_le_bytes)),
        4 => Values::I8(split(&bytes, i8::from_le_bytes)),
        5 => Values::U8(bytes),
        _ => Values::F64(split(&bytes, f64::from_le_bytes)),
    })
}

fn split<T, const WIDTH: usize>(bytes: &[u8], read: fn([u8; WIDTH]) -> T) -> Vec<T> {
    let (chunks, _) = bytes.as_chunks::<WIDTH>();
    chunks.iter().map(|raw| read(*raw)).collect()
}

fn check(plan: &Plan) {
    let bytes: usize = plan
        .values
        .iter()
        .map(|values| values.to_bytes().len())
        .sum();
    let memory = (1 << 20) + 16 * bytes;
    let written = with_memory("writing", memory, || write(plan, &plan.batches));
    let depth = plan.descriptions().map(depth).max().unwrap_or(0);
    let file = match written {
        Ok(file) => file,
        Err(error) => {
            let refused = plan.has_non_finite() || depth > METADATA_DEPTH_MAX;
            assert!(refused && error.kind() == ErrorKind::BadInput, "{error}");
            return;
        }
    };
    assert!(!plan.has_non_finite(), "what int8 cannot hold was written");
    assert!(
        depth <= METADATA_DEPTH_MAX,
        "a description too deep to read was written"
    );

    let layout = open_slice("fuzz.cvc", &file).expect("a file just written");
    assert_eq!(layout.rows(), plan.rows as u64);
    assert_eq!(layout.columns(), plan.columns);
    assert_eq!(layout.mmap_optimized(), plan.options.mmap_optimized);
    for (index, chunk) in layout.chunks().iter().enumerate() {
        let start = index * plan.options.chunk_rows;
        let rows = plan.options.chunk_rows.min(plan.rows - start);
        assert_eq!((chunk.first_row, chunk.rows), (start as u64, rows as u64));
        assert_eq!(
            chunk.metadata.as_ref().map(Json::to_sorted_text),
            plan.chunk_description(index).map(Json::to_sorted_text)
        );
        if plan.options.mmap_optimized {
            assert_eq!(layout.record_range(index).expect("a place").start % 4096, 0);
        }
    }
    check_sections(plan, &layout);
    for (index, (column, values)) in plan.columns.iter().zip(&plan.values).enumerate() {
        check_column(plan, &layout, &file, index, column, values);
    }

    // How rows are handed over leaves no trace, unless it makes sections.
    if plan.batches.iter().all(|batch| batch.1.is_none()) {
        let at_once = write(plan, &[(plan.rows, None)]).expect("the same rows");
        assert_eq!(at_once, file, "in one call and in several");
    }
}

impl Plan {
    /// What is written.
    fn descriptions(&self) -> impl Iterator<Item = &Json> {
        let sections = self.batches.iter().filter_map(|batch| batch.1.as_ref());
        let chunks = 0..self.rows.div_ceil(self.options.chunk_rows);
        sections.chain(chunks.filter_map(|chunk| self.chunk_description(chunk)))
    }

    /// Of several descriptions of a chunk the last stands.
    fn chunk_description(&self, chunk: usize) -> Option<&Json> {
        self.chunk_metadata
            .iter()
            .rev()
            .find_map(|(described, json)| (*described == chunk).then_some(json))
    }

    /// Whether a column holds what its compression cannot, and must not.
    fn has_non_finite(&self) -> bool {
        let refused = |(column, values): (&Column, &Values)| {
            let singles = values.to_f32();
            let overflows = |value: f64, single: f32| {
                let stored = match column.compression {
                    // What a half becomes infinite for is said in doubles, before it is a single.
                    Compression::Fp16 => f16::from_f64(value).to_f32(),
                    _ => single,
                };
                value.is_finite() && stored.is_infinite()
            };
            let mut doubles = values.to_f64().into_iter().zip(&singles);
            doubles.any(|(value, single)| overflows(value, *single))
                || column.compression == Compression::Int8
                    && singles
                        .chunks(self.options.chunk_rows * column.dimension)
                        .any(|chunk| !int8_can_hold(chunk))
        };
        self.options.non_finite == NonFinite::Refuse
            && self.columns.iter().zip(&self.values).any(refused)
    }
}

fn depth(json: &Json) -> usize {
    match json {
        Json::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Json::Object(entries) => {
            1 + entries
                .iter()
                .map(|entry| depth(&entry.1))
                .max()
                .unwrap_or(0)
        }
        _ => 0,
    }
}

fn write(plan: &Plan, batches: &[(usize, Option<Json>)]) -> ogive_cvc::Result<Vec<u8>> {
    let spool = Cursor::new(Vec::new());
    let mut writer = Writer::new(plan.schema.clone(), plan.options.clone(), spool)?;
    let mut row = 0;
    for (count, section) in batches {
        if let Some(metadata) = section {
            writer.next_section(metadata.clone());
        }
        let parts: Vec<ColumnValues<'_>> = plan
            .columns
            .iter()
            .zip(&plan.values)
            .map(|(column, values)| {
                values.part(row * column.dimension, (row + count) * column.dimension)
            })
            .collect();
        writer.write(&parts)?;
        row += count;
    }
    for (chunk, metadata) in &plan.chunk_metadata {
        writer.set_chunk_metadata(*chunk, metadata.clone())?;
    }
    let finished = writer.finish()?;
    assert_eq!(finished.rows, plan.rows as u64);
    let bytes = finished.header.len() as u64 + finished.spool_bytes;
    let mut file = Vec::new();
    assert_eq!(finished.copy_to(&mut file)?, bytes);
    Ok(file)
}

fn check_sections(plan: &Plan, layout: &ogive_cvc::Layout) {
    let mut expected: Vec<(u64, u64, String)> = Vec::new();
    let mut row = 0;
    for (count, section) in &plan.batches {
        if let Some(metadata) = section {
            expected.push((row, row, metadata.to_sorted_text()));
        }
        row += *count as u64;
        if let Some(last) = expected.last_mut() {
            last.1 = row;
        }
    }
    let found: Vec<(u64, u64, String)> = layout
        .sections()
        .iter()
        .map(|section| {
            (
                section.start,
                section.end,
                section.metadata.to_sorted_text(),
            )
        })
        .collect();
    assert_eq!(found, expected, "sections");
}

fn check_column(
    plan: &Plan,
    layout: &ogive_cvc::Layout,
    file: &[u8],
    index: usize,
    column: &Column,
    values: &Values,
) {
    if column.compression == Compression::None {
        let mut bytes = Vec::new();
        for chunk in 0..layout.chunks().len() {
            let range = layout.column_range(chunk, index).expect("a place");
            bytes.extend_from_slice(&file[range.start as usize..range.end as usize]);
        }
        assert_eq!(bytes, values.to_bytes(), "bytes of column {}", column.name);
        if !matches!(column.dtype, DType::Float32 | DType::Float16) {
            // Integers are not for decoding; there is nothing to refuse without a chunk.
            let read = read_all_f32(layout, file, index);
            assert_eq!(read.is_err(), plan.rows > 0);
            return;
        }
    }
    let found = read_all_f32(layout, file, index).expect("a column just written");
    let floats = values.to_f32();
    match column.compression {
        Compression::None => assert_same_f32("none", &found, &floats),
        Compression::Lossless => {
            let bits = |values: &[f32]| values.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&found), bits(&floats), "lossless");
        }
        Compression::Fp16 => {
            let expected: Vec<f32> = match values {
                // Rounding twice would be wrong; the codec's own rounding has a target of its own.
                Values::F64(values) => {
                    let mut bytes = Vec::new();
                    fp16::encode_f64(values, &mut bytes);
                    split(&bytes, f16::from_le_bytes)
                        .iter()
                        .map(|half| half.to_f32_const())
                        .collect()
                }
                _ => floats
                    .iter()
                    .map(|value| f16::from_f32_const(*value).to_f32_const())
                    .collect(),
            };
            assert_same_f32("fp16", &found, &expected);
        }
        Compression::Int8 => {
            let chunk_values = plan.options.chunk_rows * column.dimension;
            let chunks = floats.chunks(chunk_values).zip(found.chunks(chunk_values));
            for (given, found) in chunks {
                assert_same_f32("int8", found, &int8_by_definition(given));
            }
        }
    }
}
