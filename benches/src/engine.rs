//! A session on a fixed number of threads.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float32Type, Int64Type};
use datafusion::dataframe::DataFrame;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::scalar::ScalarValue;
use futures::TryStreamExt;
use ogive::{Session, SessionBuilder};
use tokio::runtime::{Builder, Runtime};

use crate::figure::Result;
use crate::npy::Vectors;

/// A session and the threads that its queries run on.
#[derive(Debug)]
pub struct Engine {
    runtime: Runtime,
    session: Session,
    threads: usize,
}

impl Engine {
    /// A session of `threads` partitions on `threads` workers.
    pub fn new(threads: usize, memory_limit_bytes: Option<usize>) -> Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads)
            .enable_all()
            .build()?;
        let mut builder = SessionBuilder::new().with_target_partitions(threads);
        if let Some(bytes) = memory_limit_bytes {
            builder = builder.with_memory_limit(bytes);
        }
        Ok(Self {
            runtime,
            session: builder.build()?,
            threads,
        })
    }

    /// Changes settings, each given as `name = value`.
    pub fn set(&self, settings: &[String]) -> Result<()> {
        for setting in settings {
            self.query(&format!("SET {setting}"), vec![])?;
        }
        Ok(())
    }

    /// The session.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// How many threads queries run on.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Runs a future on the workers. The calling thread only waits: would it take part, there were one thread more.
    pub fn run<T: Send + 'static>(
        &self,
        future: impl Future<Output = datafusion::error::Result<T>> + Send + 'static,
    ) -> Result<T> {
        Ok(self.runtime.block_on(self.runtime.spawn(future))??)
    }

    /// Opens a file as table `t`.
    pub fn open(&self, path: &Path) -> Result<&'static str> {
        let kind = path
            .extension()
            .unwrap_or_default()
            .to_string_lossy()
            .to_ascii_uppercase();
        let sql = format!(
            "CREATE EXTERNAL TABLE t STORED AS {kind} LOCATION '{}'",
            path.display()
        );
        self.query(&sql, vec![])?;
        Ok("t")
    }

    /// Plans and runs a statement whose parameters, `$1` and on, have these values.
    pub fn query(&self, sql: &str, parameters: Vec<ScalarValue>) -> Result<Vec<RecordBatch>> {
        let (session, sql) = (self.session.clone(), sql.to_owned());
        self.run(async move { bound(session.sql(&sql).await?, parameters)?.collect().await })
    }

    /// Reads a statement and plans it as far as names and types go.
    pub fn logical_plan(&self, sql: &str) -> Result<DataFrame> {
        let (session, sql) = (self.session.clone(), sql.to_owned());
        self.run(async move { session.sql(&sql).await })
    }

    /// Plans a statement, down to the operators that would run.
    pub fn plan(&self, sql: &str, parameters: Vec<ScalarValue>) -> Result<Arc<dyn ExecutionPlan>> {
        let (session, sql) = (self.session.clone(), sql.to_owned());
        self.run(async move {
            bound(session.sql(&sql).await?, parameters)?
                .create_physical_plan()
                .await
        })
    }

    /// Plans and runs a statement without keeping rows; returns how many there were.
    pub fn drain(&self, sql: &str) -> Result<usize> {
        let (session, sql) = (self.session.clone(), sql.to_owned());
        self.run(async move {
            let mut rows = session.sql(&sql).await?.execute_stream().await?;
            let mut count = 0;
            while let Some(batch) = rows.try_next().await? {
                count += batch.num_rows();
            }
            Ok(count)
        })
    }

    /// The first column of a query, which is of vectors, as float32.
    pub fn vectors(&self, sql: &str) -> Result<Vectors> {
        let mut all = Vectors {
            dimension: 0,
            values: Vec::new(),
        };
        for batch in self.query(sql, vec![])? {
            let column = batch
                .column(0)
                .as_fixed_size_list_opt()
                .ok_or("expected vectors")?;
            all.dimension = usize::try_from(column.value_length())?;
            let values = arrow::compute::cast(column.values(), &DataType::Float32)?;
            all.values
                .extend_from_slice(values.as_primitive::<Float32Type>().values());
        }
        Ok(all)
    }
}

fn bound(frame: DataFrame, parameters: Vec<ScalarValue>) -> datafusion::error::Result<DataFrame> {
    if parameters.is_empty() {
        Ok(frame)
    } else {
        frame.with_param_values(parameters)
    }
}

/// The first column of some batches, which is of row numbers.
pub fn row_numbers(batches: &[RecordBatch]) -> Result<Vec<u64>> {
    let mut rows = Vec::new();
    for batch in batches {
        let column = batch
            .column(0)
            .as_primitive_opt::<Int64Type>()
            .ok_or("expected row numbers")?;
        rows.extend(column.values().iter().map(|row| row.cast_unsigned()));
    }
    Ok(rows)
}
