//! What ogive adds to a DataFusion session.

use std::sync::Arc;

use datafusion::catalog::TableProviderFactory;
use datafusion::datasource::file_format::FileFormatFactory;
use datafusion::datasource::file_format::arrow::ArrowFormatFactory;
use datafusion::datasource::file_format::csv::CsvFormatFactory;
use datafusion::datasource::file_format::json::JsonFormatFactory;
use datafusion::execution::SessionStateBuilder;
use datafusion::functions::{core, string, unicode};
use datafusion::logical_expr::planner::ExprPlanner;
use datafusion::optimizer::Analyzer;
use ogive_table_providers::{
    FileCache, FileKind, FtsText, Indexes, NamedFormatFactory, VectorFormatFactory,
    code_table_functions, cvc_table_functions, fts_match_udf, page_table_functions,
    vault_table_functions,
};
use ogive_udfs::{beside_texts, length_of_bytes};

use crate::catalog::FileTableFactory;
use crate::commands::index::index_table_functions;
use crate::dml::ChangesByRowId;
use crate::exec::StagedSinks;
use crate::knn_join::{KnnJoinRule, PushFilterIntoKnnJoin};
use crate::planner::OgiveQueryPlanner;
use crate::rules::{
    CastVectors, GatherPageCalls, GuardDistances, InWithNulls, NotInConstant, PhysicalTopK,
    TextsInScan, VectorTopK,
};
use crate::settings::with_options;
use crate::statement::nextval_udf;
use crate::types::{ConstantArrays, VectorOperators, VectorTypes};

/// Puts everything of ogive into a session that is being built: file formats, `CREATE EXTERNAL
/// TABLE .. STORED AS CVC`, functions, the `ogive.*` settings and the rules that answer
/// `ORDER BY <distance> LIMIT k` inside the scan.
///
/// A program with its own [`SessionContext`](datafusion::prelude::SessionContext) needs no more;
/// what [`Session`](crate::Session) adds on top is the front end: PostgreSQL's syntax, quoted
/// paths (`FROM 'x.cvc'`; here [`enable_paths`](crate::enable_paths)), `INSERT` without naming
/// `_row`, vectors in CSV files, object stores from URLs, and warnings.
///
/// kNN joins run as [`KnnJoinExec`](crate::KnnJoinExec), which takes the one place that a session
/// has for a query planner. A builder that has a planner of its own keeps it, and its kNN joins
/// are given plans of DataFusion's nodes: as exact, and slower. Such a planner can take in
/// [`KnnJoinPlanner`](crate::KnnJoinPlanner). A session with a planner or physical rules of its own also plans searches by
/// all rules, which takes longer and comes to the same (`ogive.enable_search_plan`).
///
/// ```
/// use datafusion::execution::SessionStateBuilder;
/// use datafusion::prelude::SessionContext;
///
/// let mut builder = SessionStateBuilder::new_with_default_features();
/// ogive_sql::register_all(&mut builder);
/// let context = SessionContext::new_with_state(builder.build());
/// assert!(context.udf("l2_distance").is_ok());
/// # use datafusion::execution::FunctionRegistry;
/// ```
pub fn register_all(builder: &mut SessionStateBuilder) {
    let cache = Arc::new(FileCache::default());
    let config = builder.config().take().unwrap_or_default();
    let indexes = Arc::new(Indexes::default());
    *builder.config() = Some(with_options(config).with_extension(indexes));

    let formats = builder.file_formats().get_or_insert_default();
    for kind in FileKind::ALL {
        formats.push(Arc::new(VectorFormatFactory::new(kind, Arc::clone(&cache))));
    }
    formats.extend(named_formats());
    let names = FileKind::ALL.map(FileKind::extension);
    let stock = ["parquet", "csv", "json", "avro", "arrow"];
    let other = named_formats().map(|format| format.get_ext());
    let names = names.into_iter().chain(stock).map(str::to_string);
    for name in names.chain(other) {
        let factory: Arc<dyn TableProviderFactory> = Arc::new(FileTableFactory::default());
        builder
            .table_factories()
            .get_or_insert_default()
            .insert(name.to_ascii_uppercase(), factory);
    }
    builder
        .scalar_functions()
        .get_or_insert_default()
        .extend(ogive_udfs::scalar_functions());
    builder.scalar_functions().get_or_insert_default().extend([
        beside_texts(core::coalesce()),
        beside_texts(core::greatest()),
        beside_texts(core::least()),
        beside_texts(core::nullif()),
        length_of_bytes(string::octet_length()),
        length_of_bytes(unicode::character_length()),
        nextval_udf(),
        fts_match_udf(),
        FtsText::Snippet.udf(),
        FtsText::Highlight.udf(),
    ]);
    builder
        .aggregate_functions()
        .get_or_insert_default()
        .extend(ogive_udfs::aggregate_functions());
    // First in the list: the planner that makes calls of `make_array` takes every literal.
    builder.expr_planners().get_or_insert_default().splice(
        0..0,
        [
            Arc::new(ConstantArrays) as Arc<dyn ExprPlanner>,
            Arc::new(VectorOperators::default()),
        ],
    );
    // There is one place for a planner of types; a program's own stays.
    if builder.type_planner().is_none() {
        *builder.type_planner() = Some(Arc::new(VectorTypes));
    }
    builder
        .analyzer()
        .get_or_insert_with(Analyzer::new)
        .rules
        .insert(0, Arc::new(CastVectors));
    let tables = builder.table_functions().get_or_insert_default();
    for (name, function) in cvc_table_functions()
        .into_iter()
        .chain(page_table_functions())
        .chain(vault_table_functions())
        .chain(code_table_functions())
        .chain(index_table_functions())
    {
        tables.insert(
            name.to_string(),
            Arc::new(datafusion::catalog::TableFunction::new(
                name.to_string(),
                function,
            )),
        );
    }
    let plans_knn_joins = builder.query_planner().is_none();
    if plans_knn_joins {
        *builder.query_planner() = Some(Arc::new(OgiveQueryPlanner));
    }
    // The builder's own methods append; it has no other door to these lists.
    let with_rules = std::mem::take(builder)
        .with_analyzer_rule(Arc::new(KnnJoinRule::new(plans_knn_joins)))
        .with_analyzer_rule(Arc::new(ChangesByRowId))
        .with_analyzer_rule(Arc::new(NotInConstant))
        .with_analyzer_rule(Arc::new(InWithNulls))
        .with_optimizer_rule(Arc::new(PushFilterIntoKnnJoin))
        .with_optimizer_rule(Arc::new(VectorTopK))
        .with_physical_optimizer_rule(Arc::new(PhysicalTopK::default()))
        .with_physical_optimizer_rule(Arc::new(GuardDistances))
        .with_physical_optimizer_rule(Arc::new(GatherPageCalls))
        .with_physical_optimizer_rule(Arc::new(StagedSinks));
    *builder = with_rules;
    // Before the others, which put operators between a scan and what is computed of it.
    builder
        .physical_optimizers()
        .get_or_insert_default()
        .rules
        .insert(0, Arc::new(TextsInScan));
}

/// Extensions that people use for formats of DataFusion beside its own.
fn named_formats() -> [Arc<dyn FileFormatFactory>; 4] {
    let named = |extension, options, inner| {
        Arc::new(NamedFormatFactory::new(extension, options, inner)) as Arc<dyn FileFormatFactory>
    };
    [
        named("jsonl", &[], Arc::new(JsonFormatFactory::new())),
        named("ndjson", &[], Arc::new(JsonFormatFactory::new())),
        named(
            "tsv",
            &[("format.delimiter", "\t")],
            Arc::new(CsvFormatFactory::new()),
        ),
        named("feather", &[], Arc::new(ArrowFormatFactory::new())),
    ]
}
