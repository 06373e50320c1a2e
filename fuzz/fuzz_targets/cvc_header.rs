//! Headers of CVC files: whole, in pieces, and with a size of the file that is not true.

#![no_main]

use std::ops::Range;

use libfuzzer_sys::fuzz_target;
use ogive_cvc::{Layout, LayoutReader, Progress, RecordWalk, open_slice};
use ogive_fuzz::{Random, with_memory};

fuzz_target!(|data: &[u8]| {
    let memory = (1 << 20) + 128 * data.len();
    let whole = with_memory("opening", memory, || open_slice("fuzz.cvc", data));
    let whole = match whole {
        Ok(layout) => {
            check(&layout, data);
            Ok(layout)
        }
        Err(error) => {
            let _ = (error.kind(), error.file(), error.chunk(), error.offset());
            let _ = (error.found(), error.expected());
            Err(error.to_string())
        }
    };
    let mut random = Random::of(data);
    for habit in [Habit::Exact, Habit::Pieces, Habit::Short, Habit::Generous] {
        let pieces = with_memory("opening in pieces", memory, || {
            open_in_pieces(data, data.len() as u64, habit, &mut random)
        });
        match (&whole, pieces) {
            (Ok(whole), Ok(Some(layout))) => {
                assert_eq!(
                    format!("{layout:?}"),
                    format!("{whole:?}"),
                    "{habit:?} against whole"
                );
            }
            (Err(whole), Err(error)) => assert_eq!(&error, whole, "{habit:?} against whole"),
            (whole, pieces) => panic!("{habit:?} gives {pieces:?}, whole gives {whole:?}"),
        }
    }
    // A store can say what it likes about the size: bytes that are then not there cannot be fed.
    let size = match random.up_to(2) {
        0 => u64::MAX - random.up_to(20) as u64,
        1 => random.up_to(2 * data.len()) as u64,
        _ => random.bits() >> random.up_to(63),
    };
    with_memory("opening with another size", memory, || {
        let _ = open_in_pieces(data, size, Habit::Exact, &mut random);
    });
});

/// How a caller answers a request for bytes.
#[derive(Debug, Clone, Copy)]
enum Habit {
    /// With exactly what was asked for.
    Exact,
    /// In several pieces, before asking again.
    Pieces,
    /// With a piece, asking again after each.
    Short,
    /// With more, before and behind.
    Generous,
}

/// The layout, the error's text, or nothing when bytes are wanted that `data` lacks.
fn open_in_pieces(
    data: &[u8],
    file_bytes: u64,
    habit: Habit,
    random: &mut Random,
) -> Result<Option<Layout>, String> {
    let slice = |range: &Range<u64>| -> Option<&[u8]> {
        data.get(usize::try_from(range.start).ok()?..usize::try_from(range.end).ok()?)
    };
    let mut reader = LayoutReader::new("fuzz.cvc", file_bytes);
    let mut fed = 0_u64;
    let layout = loop {
        let progress = reader.next().map_err(|error| error.to_string())?;
        let again = reader.next().map_err(|error| error.to_string())?;
        assert_eq!(
            format!("{progress:?}"),
            format!("{again:?}"),
            "asking again changes nothing"
        );
        let range = match progress {
            Progress::Done(layout) => break layout,
            Progress::Need(range) => range,
        };
        assert!(
            range.start < range.end && range.end <= file_bytes && range.start == fed,
            "asked for {range:?} of {file_bytes} bytes after {fed}"
        );
        if slice(&range).is_none() {
            return Ok(None);
        }
        let length = (range.end - range.start) as usize;
        let mut pieces = Vec::new();
        match habit {
            Habit::Exact => pieces.push(range),
            Habit::Short => {
                let end = range.start + 1 + random.up_to((length - 1).min(40)) as u64;
                pieces.push(range.start..end);
            }
            Habit::Pieces => {
                let mut start = range.start;
                while start < range.end {
                    let left = (range.end - start) as usize;
                    let end = start + 1 + random.up_to(left - 1) as u64;
                    pieces.push(start..end);
                    start = end;
                }
            }
            Habit::Generous => {
                let start = random.up_to(range.start as usize) as u64;
                let behind = data.len() as u64 - range.end;
                let end = range.end + random.up_to(behind as usize) as u64;
                pieces.push(start..end);
            }
        }
        for piece in pieces {
            let bytes = slice(&piece).unwrap_or_default();
            reader
                .feed(piece.clone(), bytes)
                .map_err(|error| format!("feeding {piece:?}: {error}"))?;
            fed = fed.max(piece.end);
        }
    };
    let mut walk = RecordWalk::new(layout);
    loop {
        match walk.next().map_err(|error| error.to_string())? {
            Progress::Done(layout) => return Ok(Some(layout)),
            Progress::Need(range) => {
                let end = match habit {
                    Habit::Generous => {
                        let behind = (data.len() as u64).saturating_sub(range.end);
                        range.end + random.up_to(behind as usize) as u64
                    }
                    _ => range.end,
                };
                let range = range.start..end;
                let Some(bytes) = slice(&range) else {
                    return Ok(None);
                };
                walk.feed(range, bytes).map_err(|error| error.to_string())?;
            }
        }
    }
}

/// What an open layout promises.
fn check(layout: &Layout, data: &[u8]) {
    let file_bytes = data.len() as u64;
    assert!(layout.records_known());
    assert_eq!(layout.file_bytes(), file_bytes);
    assert!(layout.header_bytes() <= file_bytes);
    assert!(layout.memory_bytes() <= (1 << 20) + 128 * data.len());
    let mut row = 0;
    let mut end = layout.header_bytes();
    for (index, chunk) in layout.chunks().iter().enumerate() {
        assert_eq!(chunk.first_row, row);
        row += chunk.rows;
        if chunk.rows > 0 {
            assert_eq!(layout.chunk_of_row(chunk.first_row), Some(index));
            assert_eq!(layout.chunk_of_row(row - 1), Some(index));
        }
        let record = layout.record_range(index).expect("a place");
        let payload = layout.payload_range(index).expect("a place");
        assert!(record.start >= end && payload.end == record.end && record.end <= file_bytes);
        end = record.end;
        assert_eq!(chunk.columns.len(), layout.columns().len());
        for column in 0..chunk.columns.len() {
            let range = layout.column_range(index, column).expect("a place");
            assert!(payload.start <= range.start && range.end <= payload.end);
        }
    }
    assert_eq!(layout.rows(), row);
    assert_eq!(layout.chunk_of_row(row), None);
    for section in layout.sections() {
        assert!(section.start <= section.end && section.end <= row);
    }
}
