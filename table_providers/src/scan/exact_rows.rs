//! The rows of one column of a file, as an index is built over them and reads them exactly.

use std::io;
use std::ops::Range;

use arrow::datatypes::DataType;
use datafusion_common::{DataFusionError, Result, exec_datafusion_err};
use futures::FutureExt;
use object_store::ObjectMeta;
use ogive_index::ExactRows;
use ogive_index::manifest::content_sample;
use ogive_kernels::Rows;
use ogive_udfs::rows_of;
use tokio::runtime::Handle;

use crate::index::SourceFile;
use crate::scan::bytes::{FileBytes, local_path};
use crate::scan::file::ColumnEncoding;
use crate::scan::load::{LoadedSpan, Loader};
use crate::scan::opened::OpenedFile;
use crate::scan::spans::Span;
use crate::warnings::Warnings;

/// Rows of one column.
#[derive(Debug, Clone)]
pub struct ColumnRows {
    loader: Loader,
    column: usize,
    dimension: usize,
    is_double: bool,
    /// Waits for objects; `None` for a mapped file, whose bytes are there.
    runtime: Option<Handle>,
}

impl ColumnRows {
    /// Rows of a file's column, if they can be read by themselves: rows of a `lossless` chunk cannot. Those of an object wait
    /// for requests, so that they must not be read by a thread of the runtime.
    pub fn new(mut loader: Loader, column: usize) -> Option<Self> {
        let layout = &loader.file.layout;
        let described = layout.columns().get(column)?;
        let is_mapped = loader.file.bytes.is_mapped();
        let addressable =
            (0..layout.chunk_count()).all(|chunk| layout.row_addressable(chunk, column));
        if !addressable || !described.is_vector {
            return None;
        }
        let (dimension, is_double) = (described.dimension, described.element == DataType::Float64);
        if !is_mapped {
            // A checksum is of a whole chunk; requests are for one version of the object.
            loader.read.verify = false;
        }
        Some(Self {
            loader,
            column,
            dimension,
            is_double,
            runtime: (!is_mapped).then(Handle::try_current).and_then(Result::ok),
        })
    }

    /// Where warnings go.
    pub fn warnings(&self) -> Option<&Warnings> {
        self.loader.warnings.as_deref()
    }

    fn load(&self, group: Vec<Span>) -> Result<Vec<LoadedSpan>> {
        let columns = [self.column];
        let loading = self.loader.load(group, &columns);
        match &self.runtime {
            Some(runtime) => runtime.block_on(loading),
            None => loading.now_or_never().unwrap_or_else(|| {
                Err(exec_datafusion_err!(
                    "{}: its bytes are not at hand",
                    self.loader.file.name
                ))
            }),
        }
    }

    fn visit(&self, loaded: &LoadedSpan, visit: &mut dyn FnMut(u64, &Rows<'_>)) -> Result<()> {
        let file = &self.loader.file;
        let rows = loaded.span.rows.clone();
        let count = (rows.end - rows.start) as usize;
        if let ColumnEncoding::Rows(encoding) =
            file.layout.column_encoding(loaded.span.chunk, self.column)
        {
            let (held, bytes) = loaded.column(self.column)?;
            let row_bytes = self.dimension * encoding.width();
            let start = (rows.start - held.start) as usize * row_bytes;
            let codes = bytes.get(start..start + count * row_bytes);
            let codes =
                codes.ok_or_else(|| exec_datafusion_err!("{}: a span is short", file.name))?;
            let block = Rows::with_rows(codes, count, self.dimension, encoding)
                .map_err(|error| exec_datafusion_err!("{}: {error}", file.name))?;
            visit(rows.start, &block);
            return Ok(());
        }
        let array = self.loader.array(loaded, self.column, rows.clone())?;
        let block = rows_of(array.as_ref()).ok_or_else(|| {
            exec_datafusion_err!("cannot search a column of type {}", array.data_type())
        })?;
        visit(rows.start, &block);
        Ok(())
    }
}

impl ExactRows for ColumnRows {
    type Error = DataFusionError;

    fn rows(&self) -> u64 {
        self.loader.file.layout.rows()
    }

    fn dimension(&self) -> usize {
        self.dimension
    }

    fn is_double(&self) -> bool {
        self.is_double
    }

    fn read(&self, ranges: &[Range<u64>], visit: &mut dyn FnMut(u64, &Rows<'_>)) -> Result<()> {
        let layout = &self.loader.file.layout;
        let mut spans = Vec::with_capacity(ranges.len());
        for range in ranges {
            let mut start = range.start;
            while start < range.end {
                let chunk = layout.chunk_of(start);
                let end = layout.chunk_rows(chunk).end.min(range.end);
                if end <= start {
                    return Err(exec_datafusion_err!(
                        "{}: there is no row {start}",
                        self.loader.file.name
                    ));
                }
                spans.push(Span {
                    chunk,
                    rows: start..end,
                });
                start = end;
            }
        }
        for group in self.loader.groups(spans, &[self.column]) {
            for loaded in self.load(group)? {
                self.visit(&loaded, visit)?;
            }
        }
        Ok(())
    }
}

/// What an index of a file goes by; `name` is the path or URL.
pub fn source_file(name: &str, meta: &ObjectMeta, is_local: bool) -> SourceFile {
    SourceFile {
        name: name.to_string(),
        path: is_local.then(|| local_path(&meta.location)).flatten(),
        bytes: meta.size,
        modified: meta.last_modified,
        etag: meta.e_tag.clone(),
    }
}

/// A hash of a part of a mapped file's bytes; `None` for an object, of which a tag tells as much.
pub fn sample_of(file: &OpenedFile) -> Option<io::Result<String>> {
    match &file.bytes {
        FileBytes::Mapped(mapping) => {
            let bytes: &[u8] = mapping.as_ref().as_ref();
            Some(content_sample(bytes))
        }
        FileBytes::Remote(_) => None,
    }
}
