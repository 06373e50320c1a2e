//! `page_algorithm`.

use std::sync::Arc;

use arrow::array::StringArray;
use arrow::datatypes::DataType;
use datafusion_common::Result;
use datafusion_expr::ScalarUDF;
use datafusion_macros::user_doc;
use ogive_codecs::pages::Codec;
use ogive_codecs::pages::frame::Frame;

use super::bytes::frame_type;
use super::codec_error;
use super::per_value::PerValue;

const NAME: &str = "page_algorithm";

#[user_doc(
    doc_section(label = "Page Functions"),
    description = "How the pages of a frame of `page_compress` are stored: 'none', 'same_fill', 'lz4' or 'zstd', or 'mixed' where they differ. A frame that was changed is an error.",
    syntax_example = "page_algorithm(frame)",
    sql_example = r#"```sql
> select page_algorithm(page_compress(repeat('a', 4096), 'zstd'));
+----------------------------------------------------------+
| page_algorithm(page_compress(repeat('a', 4096), 'zstd')) |
+----------------------------------------------------------+
| same_fill                                                |
+----------------------------------------------------------+
```"#,
    argument(name = "frame", description = "Frames of `page_compress`."),
    related_udf(name = "page_compress")
)]
struct PageAlgorithm;

/// The function `page_algorithm`.
pub fn page_algorithm_udf() -> Arc<ScalarUDF> {
    PerValue {
        name: NAME,
        coerce: frame_type,
        returns: DataType::Utf8,
        of_column: |rows| {
            let algorithm = |row: Option<&[u8]>| row.map(algorithm).transpose();
            let algorithms = rows.into_iter().map(algorithm);
            Ok(Arc::new(algorithms.collect::<Result<StringArray>>()?))
        },
    }
    .udf(PageAlgorithm.doc())
}

fn algorithm(frame: &[u8]) -> Result<&'static str> {
    let parsed = Frame::parse(frame).and_then(|frame| frame.verify().map(|()| frame));
    let frame = parsed.map_err(|error| codec_error(NAME, &error))?;
    Ok(frame.codec().map_or("mixed", Codec::name))
}
