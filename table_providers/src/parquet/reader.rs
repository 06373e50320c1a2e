//! What DataFusion's Parquet reader is given of a file.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use datafusion_common::Result;
use datafusion_datasource::PartitionedFile;
use datafusion_datasource::file_scan_config::{FileScanConfig, FileScanConfigBuilder};
use datafusion_datasource::source::DataSourceExec;
use datafusion_datasource_parquet::ParquetFileReaderFactory;
use datafusion_datasource_parquet::source::ParquetSource;
use datafusion_physical_plan::ExecutionPlan;
use datafusion_physical_plan::metrics::ExecutionPlanMetricsSet;
use futures::FutureExt;
use futures::future::BoxFuture;
use object_store::ObjectMeta;
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;

use super::null_counts::with_known_counts;
use crate::scan::refuse_changed;

/// The plan of a Parquet scan with readers that believe no statistics without a count of NULL, and notice when a local file
/// is changed while they read it. Other plans come back as they are.
pub fn with_careful_readers(plan: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
    let Some(scan) = plan.downcast_ref::<DataSourceExec>() else {
        return plan;
    };
    let Some(config) = scan.data_source().downcast_ref::<FileScanConfig>() else {
        return plan;
    };
    let Some(source) = config.file_source().downcast_ref::<ParquetSource>() else {
        return plan;
    };
    let Some(readers) = source.parquet_file_reader_factory() else {
        return plan;
    };
    let careful = CarefulReaders {
        readers: Arc::clone(readers),
        is_local: config.object_store_url.as_str().starts_with("file:"),
    };
    let source = source
        .clone()
        .with_parquet_file_reader_factory(Arc::new(careful));
    let config = FileScanConfigBuilder::from(config.clone())
        .with_source(Arc::new(source))
        .build();
    DataSourceExec::from_data_source(config)
}

#[derive(Debug)]
struct CarefulReaders {
    readers: Arc<dyn ParquetFileReaderFactory>,
    is_local: bool,
}

impl ParquetFileReaderFactory for CarefulReaders {
    fn create_reader(
        &self,
        partition: usize,
        file: PartitionedFile,
        metadata_size_hint: Option<usize>,
        metrics: &ExecutionPlanMetricsSet,
    ) -> Result<Box<dyn AsyncFileReader + Send>> {
        let listed = self.is_local.then(|| file.object_meta.clone());
        let reader = self
            .readers
            .create_reader(partition, file, metadata_size_hint, metrics)?;
        Ok(Box::new(CarefulReader { reader, listed }))
    }
}

struct CarefulReader {
    reader: Box<dyn AsyncFileReader + Send>,
    /// A local file as it was listed.
    listed: Option<ObjectMeta>,
}

/// An error if what was just read may be of another version than what was read before.
fn check(listed: Option<&ObjectMeta>) -> Result<(), ParquetError> {
    match listed {
        None => Ok(()),
        Some(file) => refuse_changed(file, &format!("/{}", file.location))
            .map_err(|error| ParquetError::External(error.into())),
    }
}

impl AsyncFileReader for CarefulReader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, ParquetError>> {
        async move {
            let bytes = self.reader.get_bytes(range).await?;
            check(self.listed.as_ref())?;
            Ok(bytes)
        }
        .boxed()
    }

    fn get_byte_ranges(
        &mut self,
        ranges: Vec<Range<u64>>,
    ) -> BoxFuture<'_, Result<Vec<Bytes>, ParquetError>> {
        async move {
            let bytes = self.reader.get_byte_ranges(ranges).await?;
            check(self.listed.as_ref())?;
            Ok(bytes)
        }
        .boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>, ParquetError>> {
        async move { with_known_counts(self.reader.get_metadata(options).await?) }.boxed()
    }
}
