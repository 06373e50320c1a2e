//! Hive partitions: columns whose values stand in the names of directories.
//!
//! ```text
//! year=2024/kind=a%2Fb/x.parquet      '2024', 'a/b'
//! kind=/x.parquet                     ''
//! kind=__HIVE_DEFAULT_PARTITION__/..  NULL
//! ```

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion_catalog_listing::helpers::evaluate_partition_prefix;
use datafusion_common::{DFSchema, Result, ScalarValue, plan_err};
use datafusion_datasource::ListingTableUrl;
use datafusion_expr::Expr;
use datafusion_expr::utils::conjunction;
use datafusion_session::Session;
use object_store::ObjectMeta;
use object_store::path::Path;
use percent_encoding::percent_decode_str;

use super::files::relative;

/// The name of the directory of rows whose partition column is NULL, as Hive, Spark and DuckDB have it.
pub const NULL_PARTITION: &str = "__HIVE_DEFAULT_PARTITION__";

/// The name and value of each directory of a file that has them.
fn keys<'a>(url: &ListingTableUrl, file: &'a Path) -> impl Iterator<Item = (&'a str, &'a str)> {
    let path = relative(file, url.prefix()).unwrap_or_default();
    let directories = path
        .rsplit_once('/')
        .map_or("", |(directories, _)| directories);
    directories
        .split('/')
        .filter_map(|part| part.split_once('='))
        .filter(|(name, _)| !name.is_empty())
}

/// The partition columns that the files of a location have.
///
/// # Errors
/// Some have others.
pub fn infer_partitions(url: &ListingTableUrl, files: &[ObjectMeta]) -> Result<Vec<String>> {
    let mut first: Option<(Vec<&str>, &Path)> = None;
    for file in files {
        let names: Vec<&str> = keys(url, &file.location).map(|(name, _)| name).collect();
        match &first {
            None => first = Some((names, &file.location)),
            Some((expected, example)) if *expected != names => {
                return plan_err!(
                    "the files of one table must have the same partition columns: {example} has ({}), {} has ({})",
                    expected.join(", "),
                    file.location,
                    names.join(", ")
                );
            }
            Some(_) => {}
        }
    }
    let names = first.map(|(names, _)| names).unwrap_or_default();
    Ok(names.into_iter().map(str::to_string).collect())
}

/// A file's values of the partition columns; `None` for a file that does not lie in such directories.
pub(super) fn partition_values(
    url: &ListingTableUrl,
    file: &Path,
    columns: &[(String, DataType)],
) -> Result<Option<Vec<ScalarValue>>> {
    let mut found = keys(url, file);
    let mut values = Vec::with_capacity(columns.len());
    for (column, data_type) in columns {
        let Some((name, text)) = found.next() else {
            return Ok(None);
        };
        if name != column {
            return Ok(None);
        }
        values.push(value_of(text, data_type).map_err(|error| {
            error.context(format!(
                "reading partition column {column} off the name of {file}"
            ))
        })?);
    }
    Ok(Some(values))
}

fn value_of(text: &str, data_type: &DataType) -> Result<ScalarValue> {
    if text == NULL_PARTITION {
        return ScalarValue::try_from(data_type);
    }
    // What is no UTF-8 when it is decoded was not encoded.
    let decoded = percent_decode_str(text).decode_utf8();
    let decoded = decoded.map_or_else(|_| text.to_string(), |decoded| decoded.into_owned());
    ScalarValue::try_from_string(decoded, data_type)
}

/// Which of the rows of values a filter over partition columns keeps.
pub(super) fn matching(
    state: &dyn Session,
    columns: &[(String, DataType)],
    rows: &[Vec<ScalarValue>],
    filters: &[Expr],
) -> Result<Vec<bool>> {
    let Some(filter) = conjunction(filters.iter().cloned()).filter(|_| !rows.is_empty()) else {
        return Ok(vec![true; rows.len()]);
    };
    let fields: Vec<Field> = columns
        .iter()
        .map(|(name, data_type)| Field::new(name, data_type.clone(), true))
        .collect();
    let schema = Arc::new(Schema::new(fields));
    let arrays = (0..columns.len())
        .map(|column| {
            ScalarValue::iter_to_array(rows.iter().filter_map(|row| row.get(column)).cloned())
        })
        .collect::<Result<Vec<ArrayRef>>>()?;
    let batch = RecordBatch::try_new(Arc::clone(&schema), arrays)?;
    let predicate = state.create_physical_expr(filter, &DFSchema::try_from(schema)?)?;
    let matches = predicate.evaluate(&batch)?.into_array(rows.len())?;
    // NULL keeps no row.
    let matches = matches.as_boolean();
    Ok(matches
        .iter()
        .map(|is_kept| is_kept == Some(true))
        .collect())
}

/// The directory that all files lie in that filters keep, if its name can be told: a value that could be written in
/// several ways cannot.
pub(super) fn fixed_directory(columns: &[(String, DataType)], filters: &[Expr]) -> Option<Path> {
    let is_text = |data_type: &DataType| match data_type {
        DataType::Dictionary(_, values) => values.is_string(),
        other => other.is_string(),
    };
    let texts: Vec<_> = columns
        .iter()
        .take_while(|(_, data_type)| is_text(data_type))
        .cloned()
        .collect();
    let directory = evaluate_partition_prefix(&texts, filters)?;
    let is_plain =
        |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '=' | '/' | '_' | '-' | '.');
    directory
        .as_ref()
        .chars()
        .all(is_plain)
        .then_some(directory)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listing::listing_url;

    #[test]
    fn values_are_read_as_they_were_written() {
        let url = listing_url("s3://b/t/").unwrap();
        let columns = [
            ("y".to_string(), DataType::Int32),
            ("k".to_string(), DataType::Utf8),
        ];
        let text = |value: &str| Some(ScalarValue::Utf8(Some(value.to_string())));
        for (path, expected) in [
            ("t/y=1/k=a/x", text("a")),
            ("t/y=1/k=a%2Fb%3D%25%23%3F c/x", text("a/b=%#? c")),
            ("t/y=1/k=a=b/x", text("a=b")),
            ("t/y=1/k=/x", text("")),
            ("t/y=1/k=50%/x", text("50%")),
            (
                "t/y=1/k=__HIVE_DEFAULT_PARTITION__/x",
                Some(ScalarValue::Utf8(None)),
            ),
            ("t/y=1/x", None),
            ("t/more/y=1/k=a/x", text("a")),
        ] {
            let values = partition_values(&url, &Path::parse(path).unwrap(), &columns).unwrap();
            assert_eq!(values.map(|mut v| v.pop().unwrap()), expected, "{path}");
        }
        let bad = Path::parse("t/y=one/k=a/x").unwrap();
        let error = partition_values(&url, &bad, &columns).unwrap_err();
        assert!(error.to_string().contains("t/y=one/k=a/x"), "{error}");
    }
}
