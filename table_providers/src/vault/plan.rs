//! Scans of a vault's tables, planned: what SQLite reads, in which parts, and what of a search it takes.

use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

use arrow::datatypes::FieldRef;
use datafusion_common::{DFSchema, Result, internal_err, plan_err, project_schema};
use datafusion_expr::Expr;
use datafusion_expr::utils::conjunction;
use datafusion_physical_expr::utils::{collect_columns, reassign_expr_columns};
use datafusion_session::Session;
use ogive_vault::{
    Column, Condition, MainKind, MainTable, Query, ReadAs, SqlType, SqlValue, Store, Vec0Table,
    quoted, text_query,
};

use crate::blocking::blocking;
use crate::error::vault_error;
use crate::scan::{is_knn_filter, is_searchable, knn_request, range_request};
use crate::vault::exec::{SortKey, VaultScan};
use crate::vault::filters::{self, Ranges};
use crate::vault::read::{ColumnOutput, RowOutput, Source, Vec0Output};
use crate::vault::schema::{ROWID_COLUMN, SqliteTypes, VEC0_ROWID, read_as, shows_rowid};
use crate::vault::search::{RowFilter, SearchRequests};
use crate::vault::table::VaultTable;

/// Smaller columns stay in one partition: waking a second thread takes longer than reading them.
const PARTITION_BYTES_MIN: u64 = 4 << 20;
/// So do tables whose row numbers are closer together.
const PARTITION_ROWS_MIN: i64 = 50_000;

impl VaultTable {
    /// The wanted columns of the schema, by name.
    fn wanted(&self, projection: Option<&Vec<usize>>) -> Vec<String> {
        let names = self
            .schema
            .fields()
            .iter()
            .map(|field| field.name().clone());
        match projection {
            None => names.collect(),
            Some(projection) => projection
                .iter()
                .filter_map(|index| self.schema.fields().get(*index))
                .map(|field| field.name().clone())
                .collect(),
        }
    }

    /// A SELECT of the wanted columns.
    fn select(
        &self,
        wanted: &[String],
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Selected> {
        let columns = self.sql_columns();
        let conditions: Vec<Condition> = filters
            .iter()
            .map(|filter| {
                columns.condition(filter).ok_or_else(|| {
                    datafusion_common::internal_datafusion_err!("{filter} was not pushed down")
                })
            })
            .collect::<Result<_>>()?;
        let matched = conditions
            .iter()
            .any(|condition| condition.sql.contains(" MATCH ?"));
        let mut query = Query {
            conditions,
            limit: limit.map(|limit| limit as u64),
            mismatch: self.types.mismatch(),
            ..Query::default()
        };
        let mut outputs = Vec::with_capacity(wanted.len());
        let read = |query: &mut Query, sql: &str, read_as: ReadAs| {
            let found = query.columns.iter().position(|(of, _)| of == sql);
            found.unwrap_or_else(|| {
                query.columns.push((sql.to_owned(), read_as));
                query.columns.len() - 1
            })
        };
        let (key, value) = match &self.store {
            Store::Text(table) => {
                query.from = if wanted
                    .iter()
                    .any(|name| name == "value" || name == "decoded")
                {
                    text_query(table).from
                } else {
                    format!("{} AS t", quoted(&table.name))
                };
                (("t.rowid", ReadAs::Integer), "v.value")
            }
            Store::Main(MainTable {
                name,
                kind: MainKind::Fts5 { .. },
            }) => {
                query.from = format!("{} AS t", quoted(name));
                (("t.rowid", ReadAs::Integer), "")
            }
            Store::Main(table) => {
                query.from = quoted(&table.name);
                (("_rowid_", ReadAs::Integer), "")
            }
            Store::Kv(table) => {
                query.from = quoted(&table.name);
                (("key", ReadAs::Bytes), "value")
            }
            Store::Column(_) | Store::Vectors(_) => (("", ReadAs::Integer), ""),
        };
        let mut sort_keys = Vec::new();
        for (index, name) in wanted.iter().enumerate() {
            let mut sort = |sql: &str, unique| {
                sort_keys.push(SortKey {
                    column: index,
                    sql: sql.to_owned(),
                    unique,
                });
            };
            let output = match (&self.store, name.as_str()) {
                (Store::Kv(_), ROWID_COLUMN) => {
                    RowOutput::Read(read(&mut query, "_rowid_", ReadAs::Integer))
                }
                (_, ROWID_COLUMN) => RowOutput::Read(read(&mut query, key.0, ReadAs::Integer)),
                (Store::Kv(_), "key") => {
                    sort("key", true);
                    RowOutput::Read(read(&mut query, key.0, key.1))
                }
                (Store::Kv(_) | Store::Text(_), "value") => {
                    RowOutput::Read(read(&mut query, value, ReadAs::Bytes))
                }
                (Store::Kv(_) | Store::Text(_), "decoded") => RowOutput::Decoded {
                    values: read(&mut query, value, ReadAs::Bytes),
                    names: read(&mut query, key.0, key.1),
                },
                (Store::Text(_), "id")
                | (
                    Store::Main(MainTable {
                        kind: MainKind::Fts5 { .. },
                        ..
                    }),
                    "rowid",
                ) => {
                    sort(key.0, true);
                    RowOutput::Read(read(&mut query, key.0, key.1))
                }
                (
                    Store::Text(_)
                    | Store::Main(MainTable {
                        kind: MainKind::Fts5 { .. },
                        ..
                    }),
                    "rank",
                ) => {
                    // Without a MATCH there is nothing to rank.
                    let sql = if matched { "t.rank" } else { "NULL" };
                    if matched {
                        sort(sql, false);
                    }
                    RowOutput::Read(read(&mut query, sql, ReadAs::Float))
                }
                (Store::Text(_), name) => RowOutput::Read(read(
                    &mut query,
                    &format!("t.{}", quoted(name)),
                    ReadAs::Text,
                )),
                (Store::Main(table), name) => {
                    let (sql, read_as) = match &table.kind {
                        MainKind::Fts5 { .. } => (format!("t.{}", quoted(name)), ReadAs::AnyText),
                        MainKind::Table { columns, .. } | MainKind::View { columns } => {
                            let declared = columns.iter().find(|column| column.name == name);
                            let sql_type = declared.map_or(SqlType::Any, |column| column.sql_type);
                            (quoted(name), read_as(sql_type, self.types))
                        }
                        _ => (quoted(name), ReadAs::AnyText),
                    };
                    if self.rowid_alias() == Some(name) && self.types != SqliteTypes::Text {
                        sort(&sql, true);
                    }
                    RowOutput::Read(read(&mut query, &sql, read_as))
                }
                (_, name) => return plan_err!("{}: no column {name}", self.place),
            };
            outputs.push(output);
        }
        let counts = outputs.is_empty() && query.limit.is_none();
        if counts {
            query.columns.push(("count(*)".to_owned(), ReadAs::Integer));
        }
        Ok(Selected {
            query,
            outputs,
            counts,
            sort_keys,
        })
    }

    /// The numbers by which a table can be read in parts, if it is worth it.
    async fn row_parts(&self, query: &Query, partitions: usize) -> Result<Vec<Condition>> {
        let has_rowid = match &self.store {
            Store::Kv(_) => true,
            Store::Main(MainTable {
                kind: MainKind::Table { has_rowid, .. },
                ..
            }) => *has_rowid,
            _ => false,
        };
        if !has_rowid || partitions < 2 || !query.conditions.is_empty() || query.limit.is_some() {
            return Ok(Vec::new());
        }
        let (vault, place) = (self.vault.clone(), self.place.clone());
        // Each end by itself is one step down the tree; both in one SELECT would read all rows.
        let from = &query.from;
        let sql =
            format!("SELECT (SELECT min(_rowid_) FROM {from}), (SELECT max(_rowid_) FROM {from})");
        let ends = blocking(move || {
            let reader = vault.reader().map_err(vault_error)?;
            reader
                .query_row(&sql, [], |row| {
                    Ok((row.get::<_, Option<i64>>(0)?, row.get::<_, Option<i64>>(1)?))
                })
                .map_err(|error| vault_error(place.sqlite("reading its row numbers", error)))
        })
        .await?;
        let (Some(first), Some(last)) = ends else {
            return Ok(Vec::new());
        };
        let parts = i64::try_from(partitions).unwrap_or(1);
        let step = last.saturating_sub(first) / parts;
        if step < PARTITION_ROWS_MIN {
            return Ok(Vec::new());
        }
        // The first and the last part are open: rows may come before the statement runs.
        let bounds: Vec<i64> = (1..parts).map(|part| first + step * part).collect();
        let mut conditions = Vec::with_capacity(partitions);
        let mut start: Option<i64> = None;
        for bound in bounds.iter().copied().map(Some).chain([None]) {
            let (sql, parameters) = match (start, bound) {
                (None, Some(end)) => ("_rowid_ < ?", vec![end]),
                (Some(start), Some(end)) => ("_rowid_ >= ? AND _rowid_ < ?", vec![start, end]),
                (Some(start), None) => ("_rowid_ >= ?", vec![start]),
                (None, None) => return Ok(Vec::new()),
            };
            conditions.push(Condition {
                sql: sql.to_owned(),
                parameters: parameters.into_iter().map(SqlValue::Integer).collect(),
            });
            start = bound;
        }
        Ok(conditions)
    }

    fn column_sources(
        &self,
        column: &Column,
        wanted: &[String],
        ranges: &Ranges,
        limit: Option<usize>,
        partitions: usize,
    ) -> Vec<Source> {
        let outputs: Vec<ColumnOutput> = wanted
            .iter()
            .map(|name| {
                if name == "value" {
                    ColumnOutput::Value
                } else {
                    ColumnOutput::Index
                }
            })
            .collect();
        let rows = rows_of_ranges(ranges);
        let source = |rows| Source::Column {
            column: Box::new(column.clone()),
            rows,
            outputs: outputs.clone(),
            limit,
        };
        let row_bytes = column
            .dtype
            .as_ref()
            .ok()
            .and_then(|dtype| dtype.row_bytes(false))
            .unwrap_or(64) as u64;
        let parts = (column.length.saturating_mul(row_bytes) / PARTITION_BYTES_MIN)
            .clamp(1, partitions.max(1) as u64);
        let all = 0..u64::MAX;
        if parts < 2
            || limit.is_some()
            || rows.first() != Some(&all)
            || rows.len() != 1
            || !outputs.contains(&ColumnOutput::Value)
        {
            return vec![source(rows)];
        }
        let step = column.length / parts;
        (0..parts)
            .map(|part| {
                // The last part is open: rows may come before the statement runs.
                let end = if part + 1 == parts {
                    u64::MAX
                } else {
                    step * (part + 1)
                };
                let rows = step * part..end;
                source(vec![rows])
            })
            .collect()
    }

    fn vec0_source(
        &self,
        table: &Vec0Table,
        wanted: &[String],
        ids: Ranges,
        limit: Option<usize>,
        chunks: RangeInclusive<i64>,
    ) -> Source {
        let mut columns = Vec::new();
        let of_package = matches!(self.store, Store::Vectors(_));
        let outputs: Vec<Vec0Output> = wanted
            .iter()
            .map(|name| match name.as_str() {
                "id" if of_package => Vec0Output::Id,
                "value" if of_package => Vec0Output::Value,
                "decoded" if of_package => Vec0Output::Decoded,
                ROWID_COLUMN => Vec0Output::Id,
                VEC0_ROWID if shows_rowid(table) && !of_package => Vec0Output::Id,
                name => {
                    let index = table.columns.iter().position(|column| column.name == name);
                    columns.push(index.unwrap_or(usize::MAX));
                    Vec0Output::Read(columns.len() - 1)
                }
            })
            .collect();
        Source::Vec0 {
            table: Box::new(table.clone()),
            values: outputs
                .iter()
                .any(|output| matches!(output, Vec0Output::Value | Vec0Output::Decoded)),
            columns,
            ids,
            chunks,
            outputs,
            limit,
        }
    }

    /// The chunks by which a `vec0` table can be read in parts, if it is worth it.
    async fn chunk_parts(
        &self,
        table: &Vec0Table,
        partitions: usize,
    ) -> Result<Vec<RangeInclusive<i64>>> {
        let all = vec![i64::MIN..=i64::MAX];
        let vector_bytes = table.vector().map_or(0, |(element, dimensions, _)| {
            element.vector_bytes(dimensions) as u64
        });
        let chunk_bytes = vector_bytes.saturating_mul(table.chunk_size as u64);
        if partitions < 2 {
            return Ok(all);
        }
        let (vault, place) = (self.vault.clone(), self.place.clone());
        let chunks = quoted(&format!("{}_chunks", table.name));
        let sql = format!(
            "SELECT (SELECT min(chunk_id) FROM {chunks}), (SELECT max(chunk_id) FROM {chunks})"
        );
        let ends = blocking(move || {
            let reader = vault.reader().map_err(vault_error)?;
            reader
                .query_row(&sql, [], |row| {
                    Ok((row.get::<_, Option<i64>>(0)?, row.get::<_, Option<i64>>(1)?))
                })
                .map_err(|error| vault_error(place.sqlite("reading its list of chunks", error)))
        })
        .await?;
        let (Some(first), Some(last)) = ends else {
            return Ok(all);
        };
        let count = last.abs_diff(first).saturating_add(1);
        let parts = (count.saturating_mul(chunk_bytes) / PARTITION_BYTES_MIN)
            .clamp(1, (partitions as u64).min(count));
        let step = i64::try_from(count / parts).unwrap_or(i64::MAX);
        let parts = i64::try_from(parts).unwrap_or(1);
        // The first and the last part are open: chunks may come before the statement runs.
        Ok((0..parts)
            .map(|part| {
                let start = match part {
                    0 => i64::MIN,
                    _ => first.saturating_add(step.saturating_mul(part)),
                };
                let end = match part + 1 == parts {
                    true => i64::MAX,
                    false => first.saturating_add(step.saturating_mul(part + 1)) - 1,
                };
                start..=end
            })
            .collect())
    }

    /// Whether its vectors can be searched in the scan, which then applies all filters.
    pub(super) fn is_searched(&self) -> bool {
        let searchable = |field: &FieldRef| is_searchable(field.data_type());
        match &self.store {
            Store::Column(_) | Store::Vectors(_) => {}
            Store::Main(MainTable {
                kind: MainKind::Vec0(_),
                ..
            }) => {}
            _ => return false,
        }
        self.schema.fields().iter().any(searchable)
    }

    /// What is asked of vectors.
    fn requests(&self, state: &dyn Session, filters: &[Expr]) -> Result<SearchRequests> {
        if !self.is_searched() {
            return Ok(SearchRequests::default());
        }
        let top_k = knn_request(state, &self.schema, filters)?;
        let filters: Vec<Expr> = filters
            .iter()
            .filter(|filter| !is_knn_filter(filter) && self.ranges(filter).is_none())
            .cloned()
            .collect();
        // One column is searched in a scan.
        let range = range_request(state, &self.schema, &filters)?.filter(|range| {
            top_k
                .as_ref()
                .is_none_or(|top_k| top_k.column == range.request.column)
        });
        let Some(filter) = conjunction(filters) else {
            return Ok(SearchRequests {
                top_k,
                ..SearchRequests::default()
            });
        };
        let schema = DFSchema::try_from(Arc::clone(&self.schema))?;
        let expr = state.create_physical_expr(filter, &schema)?;
        let mut columns: Vec<usize> = collect_columns(&expr)
            .into_iter()
            .map(|column| column.index())
            .collect();
        columns.sort_unstable();
        columns.dedup();
        let schema = project_schema(&self.schema, Some(&columns))?;
        let wanted = self.wanted(Some(&columns));
        let source = match &self.store {
            Store::Column(column) => {
                let all = vec![i64::MIN..=i64::MAX];
                self.column_sources(column, &wanted, &all, None, 1).pop()
            }
            Store::Vectors(table)
            | Store::Main(MainTable {
                kind: MainKind::Vec0(table),
                ..
            }) => {
                let all = || i64::MIN..=i64::MAX;
                Some(self.vec0_source(table, &wanted, vec![all()], None, all()))
            }
            _ => None,
        };
        let Some(source) = source else {
            return internal_err!("{}: it has no vectors", self.place);
        };
        Ok(SearchRequests {
            filter: Some(RowFilter {
                expr: reassign_expr_columns(expr, &schema)?,
                columns: source,
                schema,
            }),
            range,
            top_k,
        })
    }

    pub(super) async fn plan_scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<VaultScan> {
        let partitions = state.config().target_partitions();
        let wanted = self.wanted(projection);
        let schema = project_schema(&self.schema, projection)?;
        let mut scan = VaultScan {
            vault: self.vault.clone(),
            statements: Arc::clone(&self.statements),
            block: Arc::clone(&self.block),
            place: self.place.clone(),
            schema,
            sources: Vec::new(),
            whole: None,
            requests: self.requests(state, filters)?,
            sort_keys: Vec::new(),
            ordered_by: None,
            text_columns: match &self.store {
                // Beside the texts, the reference to the value.
                Store::Text(table) => Some(table.columns.len() + 1),
                Store::Main(MainTable {
                    kind: MainKind::Fts5 { columns },
                    ..
                }) => Some(columns.len()),
                _ => None,
            },
        };
        let mut ids: Ranges = vec![i64::MIN..=i64::MAX];
        let by_range = self.ranged_column().is_some()
            || matches!(
                self.store,
                Store::Main(MainTable {
                    kind: MainKind::Vec0(_),
                    ..
                })
            );
        if by_range {
            for filter in filters {
                if let Some(ranges) = self.ranges(filter) {
                    ids = filters::intersect(&ids, &ranges);
                }
            }
        }
        match &self.store {
            Store::Column(column) => {
                scan.sources = self.column_sources(column, &wanted, &ids, limit, partitions);
                scan.ordered_by = wanted.iter().position(|name| name == "idx");
            }
            Store::Vectors(table)
            | Store::Main(MainTable {
                kind: MainKind::Vec0(table),
                ..
            }) => {
                let parts = match limit {
                    Some(_) => vec![i64::MIN..=i64::MAX],
                    None => self.chunk_parts(table, partitions).await?,
                };
                scan.sources = parts
                    .into_iter()
                    .map(|chunks| self.vec0_source(table, &wanted, ids.clone(), limit, chunks))
                    .collect();
            }
            _ => {
                let selected = self.select(&wanted, filters, limit)?;
                let parts = if selected.counts {
                    Vec::new()
                } else {
                    self.row_parts(&selected.query, partitions).await?
                };
                let source = |query: Query| Source::Rows {
                    query,
                    outputs: selected.outputs.clone(),
                    counts: selected.counts,
                };
                scan.whole = Some(source(selected.query.clone()));
                scan.sources = if parts.is_empty() {
                    vec![source(selected.query.clone())]
                } else {
                    parts
                        .into_iter()
                        .map(|part| {
                            let mut query = selected.query.clone();
                            query.conditions.push(part);
                            source(query)
                        })
                        .collect()
                };
                scan.sort_keys = selected.sort_keys;
            }
        }
        Ok(scan)
    }
}

/// The rows of a typed column that ranges of `idx` name.
pub(super) fn rows_of_ranges(ranges: &Ranges) -> Vec<Range<u64>> {
    ranges
        .iter()
        .filter_map(|range| {
            let start = u64::try_from((*range.start()).max(0)).ok()?;
            let end = u64::try_from(*range.end()).ok()?.saturating_add(1);
            (start < end).then_some(
                start..if *range.end() == i64::MAX {
                    u64::MAX
                } else {
                    end
                },
            )
        })
        .collect()
}

struct Selected {
    query: Query,
    outputs: Vec<RowOutput>,
    /// The SELECT counts rows, of which no column is wanted.
    counts: bool,
    sort_keys: Vec<SortKey>,
}
