//! What `CREATE INDEX` says, checked as pgvector checks it.

use datafusion::arrow::datatypes::{DataType, Schema};
use datafusion::common::{DataFusionError, Result};
use datafusion::sql::sqlparser::ast::{BinaryOperator, CreateIndex, Expr, Value};
use ogive_table_providers::{IndexMeasure, is_searchable};
use ogive_vectors::VectorError;

use super::build::column_of;
use super::names::{last_part, refused};
use crate::statement::normalized;

/// The kinds of index that may be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Method {
    /// Certified codes.
    Flat,
    /// pgvector's graph: answered by codes.
    Hnsw,
    /// pgvector's lists: answered by codes.
    Ivfflat,
    /// One of PostgreSQL's own, over a column that is no vector.
    Other(String),
}

/// What is to be built.
#[derive(Debug, Clone)]
pub(super) struct Definition {
    pub name: Option<String>,
    pub method: Method,
    pub column: String,
    pub operator_class: String,
    /// `None` for distances that are not indexed.
    pub measure: Option<IndexMeasure>,
    pub bits: Option<usize>,
    is_partial: bool,
    is_cast: bool,
}

impl Definition {
    /// Reads a statement about a table with `schema`.
    pub fn read(create: &CreateIndex, schema: &Schema) -> Result<Self> {
        let using = create
            .using
            .as_ref()
            .map(|using| using.to_string().to_lowercase());
        let method = using.as_deref().unwrap_or("btree");
        let [indexed] = create.columns.as_slice() else {
            return Err(error(
                "0A000",
                format!("access method \"{method}\" does not support multicolumn indexes"),
            ));
        };
        let (column, cast) = column_and_cast(&indexed.column.expr)?;
        let data_type = column_of(schema, &column)?;
        let name = create.name.as_ref().map(last_part).transpose()?;
        let is_vector = is_searchable(&data_type);
        let method = match using.as_deref() {
            Some("flat" | "auto") => Method::Flat,
            None if is_vector => Method::Flat,
            Some("hnsw") => Method::Hnsw,
            Some("ivfflat") => Method::Ivfflat,
            other => {
                let method = other.unwrap_or("btree");
                return plain(create, name, method, column, is_vector, &data_type);
            }
        };
        for (is_given, what) in [
            (create.unique, "unique indexes"),
            (!create.include.is_empty(), "included columns"),
        ] {
            if is_given {
                let method = using.as_deref().unwrap_or("flat");
                return Err(error(
                    "0A000",
                    format!("access method \"{method}\" does not support {what}"),
                ));
            }
        }
        let options = options(&create.with)?;
        let given = indexed.operator_class.as_ref().map(last_part).transpose()?;
        let metric = options.iter().find(|(name, _)| name == "metric");
        let operator_class = match (given, metric) {
            (Some(class), _) => class,
            (None, Some((_, metric))) => duckdb_metric(metric)?.to_string(),
            (None, None) => "vector_l2_ops".to_string(),
        };
        let measure = measure_of(&operator_class, &data_type)?;
        let mut definition = Self {
            name,
            method,
            column,
            operator_class,
            measure,
            bits: None,
            is_partial: create.predicate.is_some(),
            is_cast: cast,
        };
        definition.check_options(&options)?;
        definition.check_dimension(&data_type)?;
        Ok(definition)
    }

    fn check_options(&mut self, options: &[(String, String)]) -> Result<()> {
        let allowed: &[(&str, i64, i64)] = match self.method {
            Method::Hnsw => &[("m", 2, 100), ("ef_construction", 4, 1000)],
            Method::Ivfflat => &[("lists", 1, 32_768)],
            _ => &[("bits", 64, 1024)],
        };
        let mut numbers = Vec::new();
        for (name, text) in options.iter().filter(|(name, _)| name != "metric") {
            let Some((_, low, high)) = allowed.iter().find(|(have, _, _)| have == name) else {
                let names: Vec<&str> = allowed.iter().map(|(name, _, _)| *name).collect();
                return Err(refused(
                    "22023",
                    format!("unrecognized parameter \"{name}\""),
                    &format!("There are: {}.", names.join(", ")),
                ));
            };
            let Ok(number) = text.parse::<i64>() else {
                return Err(error(
                    "22023",
                    format!("invalid value for integer option \"{name}\": {text}"),
                ));
            };
            if !(low..=high).contains(&&number) {
                let wrong = VectorError::new(
                    "22023",
                    format!("value {number} out of bounds for option \"{name}\""),
                )
                .with_detail(format!(
                    "Valid values are between \"{low}\" and \"{high}\"."
                ));
                return Err(DataFusionError::External(Box::new(wrong)));
            }
            numbers.push((name.as_str(), number));
        }
        let number = |wanted: &str, default: i64| {
            let given = numbers.iter().find(|(name, _)| *name == wanted);
            given.map_or(default, |(_, number)| *number)
        };
        if self.method == Method::Hnsw && number("ef_construction", 64) < 2 * number("m", 16) {
            return Err(error(
                "22023",
                "ef_construction must be greater than or equal to 2 * m".to_string(),
            ));
        }
        let bits = numbers.iter().find(|(name, _)| *name == "bits");
        self.bits = bits.and_then(|(_, bits)| usize::try_from(*bits).ok());
        Ok(())
    }

    fn check_dimension(&self, data_type: &DataType) -> Result<()> {
        let DataType::FixedSizeList(_, dimension) = data_type else {
            return Ok(());
        };
        let (method, most) = match self.method {
            Method::Hnsw => ("hnsw", 2000),
            Method::Ivfflat => ("ivfflat", 2000),
            _ => return Ok(()),
        };
        let most = if self.operator_class.starts_with("halfvec") || self.is_cast {
            2 * most
        } else {
            most
        };
        if *dimension > most {
            return Err(refused(
                "54000",
                format!("column cannot have more than {most} dimensions for {method} index"),
                "USING flat takes up to 4096.",
            ));
        }
        Ok(())
    }

    /// What is done otherwise than the statement may be taken to say.
    pub fn notice(&self) -> Option<String> {
        let mut parts = Vec::new();
        if matches!(self.method, Method::Hnsw | Method::Ivfflat) {
            parts.push("it is answered by flat codes, which find the exact answer: recall is 1");
        }
        if self.is_partial {
            parts.push("it is built over all rows, and serves any filter");
        }
        if self.is_cast {
            parts.push("it is built of the column's own values, and serves searches by the column");
        }
        (!parts.is_empty()).then(|| format!("index on {}: {}", self.column, parts.join("; ")))
    }
}

/// An index of PostgreSQL's own.
fn plain(
    create: &CreateIndex,
    name: Option<String>,
    method: &str,
    column: String,
    is_vector: bool,
    data_type: &DataType,
) -> Result<Definition> {
    let is_known = ["btree", "hash", "gin", "gist", "spgist", "brin", "bloom"].contains(&method);
    if !is_known {
        return Err(refused(
            "42704",
            format!("access method \"{method}\" does not exist"),
            "There are: flat, auto, hnsw, ivfflat.",
        ));
    }
    if is_vector {
        return Err(refused(
            "42704",
            format!(
                "data type {data_type} has no default operator class for access method \"{method}\""
            ),
            "USING flat (column vector_l2_ops | vector_ip_ops | vector_cosine_ops) indexes vectors.",
        ));
    }
    if create.unique {
        return Err(error(
            "0A000",
            format!(
                "a unique index on {column}: UNIQUE and PRIMARY KEY are declared in CREATE TABLE"
            ),
        ));
    }
    Ok(Definition {
        name,
        method: Method::Other(method.to_string()),
        column,
        operator_class: String::new(),
        measure: None,
        bits: None,
        is_partial: false,
        is_cast: false,
    })
}

/// `embedding` and `(embedding::halfvec(n))`.
fn column_and_cast(expr: &Expr) -> Result<(String, bool)> {
    match expr {
        Expr::Identifier(name) => Ok((normalized(name), false)),
        Expr::Nested(inner) => column_and_cast(inner),
        Expr::Cast { expr, .. } => Ok((column_and_cast(expr)?.0, true)),
        other => Err(refused(
            "0A000",
            format!("an index on the expression {other} is not supported"),
            "An index is on a column of vectors, or on (column::halfvec(n)).",
        )),
    }
}

/// The distances of an operator class.
fn measure_of(class: &str, data_type: &DataType) -> Result<Option<IndexMeasure>> {
    let unknown = || {
        refused(
            "42704",
            format!("operator class \"{class}\" does not exist"),
            "There are: vector_l2_ops, vector_ip_ops, vector_cosine_ops, vector_l1_ops, and the same of halfvec.",
        )
    };
    let (kind, distance) = class
        .strip_suffix("_ops")
        .and_then(|class| class.split_once('_'))
        .ok_or_else(unknown)?;
    let measure = match distance {
        "l2" => Some(IndexMeasure::L2),
        "ip" => Some(IndexMeasure::InnerProduct),
        "cosine" => Some(IndexMeasure::Cosine),
        "l1" | "hamming" | "jaccard" => None,
        _ => return Err(unknown()),
    };
    let fits = match kind {
        "vector" | "halfvec" => is_searchable(data_type),
        "sparsevec" | "bit" => false,
        _ => return Err(unknown()),
    };
    if !fits {
        return Err(error(
            "42804",
            format!("operator class \"{class}\" does not accept data type {data_type}"),
        ));
    }
    Ok(measure)
}

/// DuckDB's `WITH (metric = 'cosine')`.
fn duckdb_metric(metric: &str) -> Result<&'static str> {
    match metric {
        "l2sq" | "l2" => Ok("vector_l2_ops"),
        "cosine" => Ok("vector_cosine_ops"),
        "ip" => Ok("vector_ip_ops"),
        "l1" => Ok("vector_l1_ops"),
        other => Err(refused(
            "22023",
            format!("invalid value for option \"metric\": {other}"),
            "There are: l2, l2sq, cosine, ip, l1.",
        )),
    }
}

/// `WITH (name = value, ..)`.
fn options(given: &[Expr]) -> Result<Vec<(String, String)>> {
    let read = |option: &Expr| {
        let Expr::BinaryOp {
            left,
            op: BinaryOperator::Eq,
            right,
        } = option
        else {
            return None;
        };
        let Expr::Identifier(name) = left.as_ref() else {
            return None;
        };
        let value = match right.as_ref() {
            Expr::Value(value) => match &value.value {
                Value::SingleQuotedString(text) => text.clone(),
                other => other.to_string(),
            },
            other => other.to_string(),
        };
        Some((normalized(name), value.to_lowercase()))
    };
    given
        .iter()
        .map(|option| {
            read(option)
                .ok_or_else(|| error("42601", format!("WITH takes name = value, found {option}")))
        })
        .collect()
}

fn error(sqlstate: &'static str, message: String) -> DataFusionError {
    DataFusionError::External(Box::new(VectorError::new(sqlstate, message)))
}
