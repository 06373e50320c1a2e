//! Layouts of `.npy` files and of the `.fvecs` family, and the rows in them.

#![no_main]

use std::ops::Range;

use libfuzzer_sys::fuzz_target;
use ogive_fuzz::{Random, with_memory};
use ogive_npy::{
    ArrayLayout, DType, Error, Format, LayoutReader, NPY_HEADER_BYTES, Progress, npy_header,
};

const FORMATS: [Format; 4] = [Format::Npy, Format::Fvecs, Format::Bvecs, Format::Ivecs];

const DTYPES: [DType; 12] = [
    DType::F64,
    DType::F32,
    DType::F16,
    DType::I8,
    DType::U8,
    DType::I16,
    DType::U16,
    DType::I32,
    DType::U32,
    DType::I64,
    DType::U64,
    DType::Bool,
];

fuzz_target!(|data: &[u8]| {
    let mut random = Random::of(data);
    let memory = (1 << 16) + 8 * data.len();
    for format in FORMATS {
        let file_bytes = data.len() as u64;
        let exact = with_memory("opening", memory, || open(format, data, file_bytes, None));
        let odd = with_memory("opening in odd pieces", memory, || {
            open(format, data, file_bytes, Some(&mut random))
        });
        match (&exact, &odd) {
            (Ok(exact), Ok(odd)) => assert_eq!(exact, odd, "{format}"),
            (Err(exact), Err(odd)) => assert_eq!(exact.to_string(), odd.to_string()),
            (exact, odd) => panic!("{format}: {odd:?}, fed exactly {exact:?}"),
        }
        if let Ok(Some(layout)) = exact {
            check(&layout, data, &mut random);
        }
        let size = match random.up_to(1) {
            0 => u64::MAX - random.up_to(9) as u64,
            _ => random.bits() >> random.up_to(63),
        };
        with_memory("opening with another size", memory, || {
            if let Ok(Some(layout)) = open(format, data, size, None) {
                let end = layout.row_range(0..u64::MAX).end;
                assert!(end <= size);
            }
        });
    }
    check_header(&mut random);
});

/// The layout, or nothing when bytes are wanted that `data` lacks.
fn open(
    format: Format,
    data: &[u8],
    file_bytes: u64,
    mut odd: Option<&mut Random>,
) -> Result<Option<ArrayLayout>, Error> {
    let mut reader = LayoutReader::new("fuzz", format, file_bytes);
    let mut held = 0;
    loop {
        let progress = reader.next()?;
        assert_eq!(progress, reader.next()?, "asking again changes nothing");
        let range = match progress {
            Progress::Done(layout) => return Ok(Some(layout)),
            Progress::Need(range) => range,
        };
        assert!(
            range.start == held && range.start < range.end && range.end <= file_bytes,
            "asked for {range:?} of {file_bytes} bytes, having {held}"
        );
        if range.end > data.len() as u64 {
            return Ok(None);
        }
        held = range.end;
        let fed = match &mut odd {
            None => range,
            Some(random) => {
                // Too little is refused and changes nothing; more, before and behind, is welcome.
                let short = range.start..range.end - 1;
                let error = reader.feed(short.clone(), slice(data, &short));
                assert!(matches!(error, Err(Error::WrongRange { .. })), "{error:?}");
                let behind = data.len() as u64 - range.end;
                random.up_to(range.start as usize) as u64
                    ..range.end + random.up_to(behind as usize) as u64
            }
        };
        reader.feed(fed.clone(), slice(data, &fed))?;
    }
}

fn slice<'a>(data: &'a [u8], range: &Range<u64>) -> &'a [u8] {
    &data[range.start as usize..range.end as usize]
}

/// Rows of an array that `data` holds.
fn check(layout: &ArrayLayout, data: &[u8], random: &mut Random) {
    let width = layout.dtype.width();
    let row_bytes = layout.dimension * width;
    assert_eq!(
        layout.row_stride,
        layout.row_header_bytes + row_bytes as u64
    );
    let all = layout.row_range(0..layout.rows);
    assert!(all.end <= data.len() as u64, "rows reach past the file");
    assert_eq!(layout.row_range(layout.rows..u64::MAX).start, all.end);
    for _ in 0..4 {
        // Rows of no bytes can be more than there is memory for their number.
        let end = random.up_to(layout.rows.min(1 << 40) as usize) as u64;
        let start = random.up_to(end as usize) as u64;
        let rows = start..end;
        let bytes = slice(data, &layout.row_range(rows.clone()));
        let mut out = vec![0; (end - start) as usize * row_bytes];
        let copied = layout.copy_rows(bytes, rows.clone(), &mut out);
        let checked = layout.check_rows(bytes, rows.clone());
        assert_eq!(
            copied.as_ref().map_err(ToString::to_string),
            checked.as_ref().map_err(ToString::to_string)
        );
        let expected = by_value(layout, data, rows.clone());
        assert_eq!(copied.is_ok(), expected.is_some(), "{copied:?}");
        if let Some(expected) = expected {
            assert_eq!(out, expected, "values of rows {rows:?}");
        }
        let _ = layout.copy_rows(data, rows.clone(), &mut out);
        out.push(0);
        assert!(layout.copy_rows(bytes, rows, &mut out).is_err());
    }
    assert!(
        layout
            .check_rows(&[], 0..layout.rows.saturating_add(1))
            .is_err()
    );
}

/// The values one by one; `None` when a row has another dimension.
fn by_value(layout: &ArrayLayout, data: &[u8], rows: Range<u64>) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    if layout.row_stride == 0 {
        return Some(out);
    }
    for row in rows {
        let mut at = (layout.data_offset + row * layout.row_stride) as usize;
        if layout.row_header_bytes == 4 {
            let dimension = i32::from_le_bytes(std::array::from_fn(|index| data[at + index]));
            if dimension as usize != layout.dimension {
                return None;
            }
            at += 4;
        }
        for _ in 0..layout.dimension {
            let mut value = data[at..at + layout.dtype.width()].to_vec();
            if layout.big_endian {
                value.reverse();
            }
            out.extend(value);
            at += layout.dtype.width();
        }
    }
    Some(out)
}

/// Headers that are written are read.
fn check_header(random: &mut Random) {
    let dtype = DTYPES[random.up_to(DTYPES.len() - 1)];
    let rows = random.bits() >> (1 + random.up_to(62));
    let dimension = (random.bits() >> (33 + random.up_to(30))) as usize;
    let header = npy_header(dtype, rows, dimension);
    assert_eq!(header.len(), NPY_HEADER_BYTES);
    let values = u128::from(rows) * (dimension * dtype.width()) as u128;
    let Ok(size) = u64::try_from(values + NPY_HEADER_BYTES as u128) else {
        return;
    };
    let mut reader = LayoutReader::new("written", Format::Npy, size);
    let mut file = header;
    file.resize(4096, 0);
    match reader.next().expect("a good size") {
        Progress::Need(range) => reader
            .feed(range.clone(), slice(&file, &range))
            .expect("fed"),
        Progress::Done(_) => panic!("done without bytes"),
    }
    match reader.next().expect("a good header") {
        Progress::Done(layout) => {
            assert_eq!((layout.dtype, layout.rows), (dtype, rows));
            assert_eq!((layout.dimension, layout.is_vector), (dimension, true));
        }
        Progress::Need(range) => panic!("needs {range:?}"),
    }
}
