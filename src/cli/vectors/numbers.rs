//! Text files of numbers: a row a line, as spreadsheets and `numpy.savetxt` write them.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use super::{BLOCK_BYTES, Values};
use crate::cli::bytes::{describe_io, extension_of};
use crate::cli::error::{Failure, Result};

/// The rows of a text file. A first line without a number is one of names; empty lines are skipped.
pub struct NumberLines<R = BufReader<File>> {
    reader: R,
    name: String,
    delimiter: char,
    line: String,
    line_number: u64,
    read_bytes: u64,
    total_bytes: u64,
    dimension: usize,
    has_names: bool,
    /// The first row, read to learn the dimension.
    first: Vec<f32>,
}

/// Whether a file is one of numbers from its first line on, which other readers would take for names.
pub fn is_bare_numbers(name: &str) -> bool {
    extension_of(name) == "csv"
        && NumberLines::open(Path::new(name), ',')
            .is_ok_and(|lines| lines.dimension > 0 && !lines.has_names)
}

impl NumberLines {
    pub fn open(path: &Path, delimiter: char) -> Result<Self> {
        let name = path.display().to_string();
        let file = File::open(path).map_err(|error| Failure::about(&name, describe_io(&error)))?;
        let size = file
            .metadata()
            .map_err(|error| Failure::about(&name, error))?
            .len();
        Self::new(
            BufReader::with_capacity(1 << 18, file),
            name,
            delimiter,
            size,
        )
    }
}

impl<R: BufRead> NumberLines<R> {
    fn new(reader: R, name: String, delimiter: char, total_bytes: u64) -> Result<Self> {
        let mut lines = Self {
            reader,
            name,
            delimiter,
            line: String::new(),
            line_number: 0,
            read_bytes: 0,
            total_bytes,
            dimension: 0,
            has_names: false,
            first: Vec::new(),
        };
        let mut first = Vec::new();
        if lines.read_line()? {
            let has_names = lines.fields().all(|field| field.parse::<f32>().is_err());
            lines.has_names = has_names;
            if !lines.has_names || lines.read_line()? {
                lines.parse_line(&mut first)?;
            }
        }
        lines.dimension = first.len();
        lines.first = first;
        Ok(lines)
    }

    pub fn dimension(&self) -> usize {
        self.dimension
    }

    pub fn progress(&self) -> (u64, u64) {
        (self.read_bytes, self.total_bytes)
    }

    pub fn next(&mut self) -> Result<Option<Values>> {
        let mut values = std::mem::take(&mut self.first);
        while values.len() < BLOCK_BYTES / size_of::<f32>() && self.read_line()? {
            let before = values.len();
            self.parse_line(&mut values)?;
            let found = values.len() - before;
            if found != self.dimension {
                return Err(self.error(format_args!(
                    "found {found} number(s), expected {} as in the first row",
                    self.dimension
                )));
            }
        }
        Ok((!values.is_empty()).then_some(Values::F32(values)))
    }

    /// Reads the next line that is not empty; `false` at the end of the file.
    fn read_line(&mut self) -> Result<bool> {
        loop {
            self.line.clear();
            let bytes = self
                .reader
                .read_line(&mut self.line)
                .map_err(|error| Failure::about(&self.name, error))?;
            if bytes == 0 {
                return Ok(false);
            }
            self.read_bytes += bytes as u64;
            self.line_number += 1;
            if !self.line.trim().is_empty() {
                return Ok(true);
            }
        }
    }

    fn fields(&self) -> impl Iterator<Item = &str> {
        let line = self
            .line
            .trim_end_matches(['\n', '\r'])
            .trim_start_matches('\u{feff}');
        line.split(self.delimiter)
            .map(|field| field.trim().trim_matches('"'))
    }

    fn parse_line(&self, values: &mut Vec<f32>) -> Result<()> {
        for (position, field) in self.fields().enumerate() {
            match field.parse() {
                Ok(number) => values.push(number),
                Err(_) => {
                    let found: String = field.chars().take(40).collect();
                    return Err(self.error(format_args!(
                        "field {} is '{found}', expected a number",
                        position + 1
                    )));
                }
            }
        }
        Ok(())
    }

    fn error(&self, problem: std::fmt::Arguments<'_>) -> Failure {
        Failure::about(
            &self.name,
            format_args!("line {}: {problem}", self.line_number),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(usize, Vec<f32>), String> {
        let message = |failure| match failure {
            Failure::Failed(message) => message,
            other => format!("{other:?}"),
        };
        let mut lines =
            NumberLines::new(text.as_bytes(), "x.csv".to_owned(), ',', text.len() as u64)
                .map_err(message)?;
        let mut all = Vec::new();
        while let Some(values) = lines.next().map_err(message)? {
            all.extend(values.into_f32());
        }
        Ok((lines.dimension(), all))
    }

    #[test]
    fn lines_become_rows() {
        for text in [
            "1,2\n3,4\n",
            "a,b\n1,2\n3,4",
            "\u{feff}1, 2\r\n\r\n\"3\",4\r\n",
            "\"x\",y1\n1,2\n3,4\n\n",
        ] {
            assert_eq!(read(text), Ok((2, vec![1.0, 2.0, 3.0, 4.0])), "{text:?}");
        }
        assert_eq!(read(""), Ok((0, vec![])));
        assert_eq!(read("a,b\n"), Ok((0, vec![])));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let ragged = "x.csv: line 3: found 3 number(s), expected 2 as in the first row";
        assert_eq!(read("1,2\n3,4\n5,6,7\n"), Err(ragged.to_owned()));
        let word = "x.csv: line 3: field 2 is 'four', expected a number";
        assert_eq!(read("a,b\n1,2\n3,four\n"), Err(word.to_owned()));
        // A first line with a number in it is a row.
        let first = "x.csv: line 1: field 3 is 'x', expected a number";
        assert_eq!(read("1,2,x\n4,5,6\n"), Err(first.to_owned()));
        assert!(read("a,b\nc,d\n").is_err_and(|message| message.contains("line 2")));
    }
}
