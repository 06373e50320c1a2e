//! From v0.x to v1.0.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;

use crate::error::{ChunkPlace, Error, Result};
use crate::header::Header;
use crate::layout::Layout;
use crate::open::LayoutReader;
use crate::schema::Version;
use crate::walk::{Progress, RecordWalk};
use crate::writer::with_preamble;

/// Writes a v1.0 file with the contents of a v0.x file: the same payloads, now with checksums, and the same header, with its
/// keys sorted. Values are not touched. One record is in memory at a time.
///
/// # Errors
/// [`Error::NothingToUpgrade`] for files that have a version; [`Error::BadHeader`] when the header says where records lie,
/// which would no longer be true; whatever reading the header or a record can bring;
/// [`Error::Io`].
pub fn upgrade<R: Read + Seek, W: Write>(
    file_name: &str,
    source: &mut R,
    target: &mut W,
) -> Result<()> {
    let io = |source| Error::Io {
        file: file_name.into(),
        source,
    };
    let file_bytes = source.seek(SeekFrom::End(0)).map_err(io)?;
    let mut reader = LayoutReader::new(file_name, file_bytes);
    let layout = loop {
        match reader.next()? {
            Progress::Need(range) => {
                let bytes = read(source, &range).map_err(io)?;
                reader.feed(range, &bytes)?;
            }
            Progress::Done(layout) => break layout,
        }
    };
    if layout.version() != Version::V0 {
        return Err(Error::NothingToUpgrade {
            file: file_name.into(),
            found: layout.version(),
        });
    }
    if layout.mmap_optimized() && !layout.chunks().is_empty() {
        // The records will lie elsewhere. No writer makes such files, so there is nothing to keep by working the places out.
        return Err(Error::BadHeader {
            file: file_name.into(),
            place: ChunkPlace::NONE,
            offset: Version::V0.header_start(),
            what: "'file_offset'".into(),
            found: "stored with each chunk".into(),
            expected: "none in a file to upgrade".into(),
        });
    }
    let layout = walked(layout, source, &io)?;
    let text = read(source, &(Version::V0.header_start()..layout.header_bytes())).map_err(io)?;
    let header = Header {
        file: file_name.into(),
        version: Version::V0,
        file_bytes,
        text: &text,
    };
    let text = header.json()?.to_sorted_text();
    let header = with_preamble(Version::V1 { minor: 0 }, &text)?;
    target.write_all(&header).map_err(io)?;
    for chunk in 0..layout.chunks().len() {
        let Some(range) = layout.record_range(chunk) else {
            return Err(Error::RecordUnknown {
                file: file_name.into(),
                place: layout.place(chunk),
            });
        };
        let record = read(source, &range).map_err(io)?;
        let payload = layout.check_record(chunk, &record)?;
        // The length was four bytes of the old record.
        let length = payload.len() as u32;
        target.write_all(&length.to_le_bytes()).map_err(io)?;
        target
            .write_all(&crc32fast::hash(payload).to_le_bytes())
            .map_err(io)?;
        target.write_all(payload).map_err(io)?;
    }
    Ok(())
}

fn walked<R: Read + Seek>(
    layout: Layout,
    source: &mut R,
    io: &impl Fn(io::Error) -> Error,
) -> Result<Layout> {
    if layout.records_known() {
        return Ok(layout);
    }
    let mut walk = RecordWalk::new(layout);
    loop {
        match walk.next()? {
            Progress::Need(range) => {
                let bytes = read(source, &range).map_err(io)?;
                walk.feed(range, &bytes)?;
            }
            Progress::Done(layout) => return Ok(layout),
        }
    }
}

/// The range was checked against the size of the file, so the file justifies the memory.
fn read<R: Read + Seek>(source: &mut R, range: &Range<u64>) -> io::Result<Vec<u8>> {
    let length = usize::try_from(range.end - range.start).map_err(io::Error::other)?;
    let mut bytes = vec![0; length];
    source.seek(SeekFrom::Start(range.start))?;
    source.read_exact(&mut bytes)?;
    Ok(bytes)
}
