//! `page_ratio`.

use std::sync::Arc;

use arrow::array::Float64Array;
use arrow::datatypes::DataType;
use datafusion_common::Result;
use datafusion_expr::ScalarUDF;
use datafusion_macros::user_doc;
use ogive_codecs::pages::frame::Frame;

use super::bytes::frame_type;
use super::codec_error;
use super::per_value::PerValue;

const NAME: &str = "page_ratio";

#[user_doc(
    doc_section(label = "Page Functions"),
    description = "The bytes before compression over the bytes that are stored for them, of a frame of `page_compress`; headers of frames, 20 bytes a page and less, are not counted. NULL for a frame of no bytes. A frame that was changed is an error.",
    syntax_example = "page_ratio(frame)",
    sql_example = r#"```sql
> select page_ratio(page_compress(repeat('a', 4096)));
+----------------------------------------------+
| page_ratio(page_compress(repeat('a', 4096))) |
+----------------------------------------------+
| 512.0                                        |
+----------------------------------------------+
```"#,
    argument(name = "frame", description = "Frames of `page_compress`."),
    related_udf(name = "page_compress")
)]
struct PageRatio;

/// The function `page_ratio`.
pub fn page_ratio_udf() -> Arc<ScalarUDF> {
    PerValue {
        name: NAME,
        coerce: frame_type,
        returns: DataType::Float64,
        of_column: |rows| {
            let ratio = |row: Option<&[u8]>| Ok(row.map(ratio).transpose()?.flatten());
            let ratios = rows.into_iter().map(ratio);
            Ok(Arc::new(ratios.collect::<Result<Float64Array>>()?))
        },
    }
    .udf(PageRatio.doc())
}

fn ratio(frame: &[u8]) -> Result<Option<f64>> {
    let parsed = Frame::parse(frame).and_then(|frame| frame.verify().map(|()| frame));
    let frame = parsed.map_err(|error| codec_error(NAME, &error))?;
    let stored = frame.stored_bytes();
    Ok((stored > 0).then(|| frame.original_bytes() as f64 / stored as f64))
}
