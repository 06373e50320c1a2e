//! Where `COPY` writes: to one name, as it stands.
//!
//! ```text
//! COPY .. TO 'wh?t.csv'                   =>  COPY .. TO 'file:///../wh%3Ft.csv'
//! COPY .. TO 'out/' PARTITIONED BY (p)    =>  the same, with '__HIVE_DEFAULT_PARTITION__' for NULL in p
//! ```

use std::sync::Arc;

use datafusion::common::{Column, Result};
use datafusion::datasource::listing::ListingTableUrl;
use datafusion::logical_expr::dml::CopyTo;
use datafusion::logical_expr::{Expr, LogicalPlan, Projection};
use ogive_table_providers::{literal_url, partition_name};

/// Makes the target a URL where DataFusion would take it for a pattern, or cut it at a sign of URLs.
pub(crate) fn with_literal_target(copy: &mut CopyTo) -> Result<bool> {
    let literal = literal_url(&copy.output_url)?;
    let expected = ListingTableUrl::try_new(literal.clone(), None)?;
    let is_read_so = ListingTableUrl::parse(&copy.output_url).is_ok_and(|url| {
        url.get_glob().is_none()
            && url.prefix() == expected.prefix()
            && url.is_collection() == expected.is_collection()
    });
    if !is_read_so {
        copy.output_url = literal.into();
    }
    Ok(!is_read_so)
}

/// Gives the rows whose partition is NULL a directory that says so.
pub(crate) fn with_named_partitions(copy: &mut CopyTo) -> Result<bool> {
    let mut changed = false;
    let columns = copy
        .input
        .schema()
        .iter()
        .map(|(relation, field)| {
            let column = Expr::Column(Column::from((relation, field)));
            if !field.is_nullable() || !copy.partition_by.contains(field.name()) {
                return Ok(column);
            }
            changed = true;
            Ok(partition_name(column)?.alias_qualified(relation.cloned(), field.name()))
        })
        .collect::<Result<Vec<_>>>()?;
    if changed {
        let input = Arc::clone(&copy.input);
        let projection = Projection::try_new(columns, input)?;
        copy.input = Arc::new(LogicalPlan::Projection(projection));
    }
    Ok(changed)
}
