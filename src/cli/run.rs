//! Running SQL: rows to stdout, what there is to say about them to stderr.

use std::time::{Duration, Instant};

use datafusion::arrow::datatypes::SchemaRef;
use futures::StreamExt;
use indicatif::{ProgressBar, ProgressDrawTarget};
use ogive::{Session, Statement};
use tokio::task::JoinHandle;

use crate::cli::arguments::Format;
use crate::cli::error::Result;
use crate::cli::held::Printout;
use crate::cli::interrupt::Interrupt;
use crate::cli::progress::rows_spinner;
use crate::cli::render::{Renderer, say};

/// Queries that take longer than this show that they live.
const PATIENCE: Duration = Duration::from_secs(1);

/// Runs statements one after another, each rendered in the same way. Clones share the session.
#[derive(Clone)]
pub struct Runner {
    /// Where tables and settings are.
    pub session: Session,
    /// How rows are printed.
    pub format: Format,
    /// Nothing on stderr but warnings and errors.
    pub quiet: bool,
    /// What ends a statement early.
    pub interrupt: Interrupt,
}

impl Runner {
    /// Runs all statements of a script, up to the first that fails. None runs when the script does not parse.
    pub async fn script(&self, sql: &str) -> Result<()> {
        for statement in self.session.parse(sql)? {
            self.statement(statement).await?;
        }
        Ok(())
    }

    async fn statement(&self, statement: Statement) -> Result<()> {
        let started = Instant::now();
        let outcome = self.rows(statement).await;
        for warning in self.session.take_warnings() {
            say(format_args!("warning: {warning}"));
        }
        let rows = outcome?;
        if !self.quiet {
            say(format_args!("{rows} row(s) fetched."));
            say(format_args!(
                "Elapsed {:.6} seconds.",
                started.elapsed().as_secs_f64()
            ));
        }
        Ok(())
    }

    /// Executes and prints; gives the number of rows.
    async fn rows(&self, statement: Statement) -> Result<u64> {
        let progress = LateSpinner::start(self.quiet);
        let frame = self
            .interrupt
            .guard(self.session.execute(statement))
            .await??;
        let mut stream = self.interrupt.guard(frame.execute_stream()).await??;
        let mut renderer = self.renderer(stream.schema());
        let mut printout = Printout::of(self.format);
        let mut rows = 0;
        while let Some(batch) = self.interrupt.guard(stream.next()).await? {
            let batch = batch?;
            rows += batch.num_rows() as u64;
            progress.bar.set_position(rows);
            if let Some(renderer) = &mut renderer {
                let bytes = renderer.write(&batch)?;
                progress.bar.suspend(|| printout.write(&bytes))?;
            }
        }
        drop(progress);
        if let Some(renderer) = renderer {
            printout.write(&renderer.finish()?)?;
            printout.finish(&self.interrupt)?;
        }
        Ok(rows)
    }

    /// A renderer for results; none for statements that have no result, such as `SET`.
    fn renderer(&self, schema: SchemaRef) -> Option<Renderer> {
        (!schema.fields().is_empty()).then(|| Renderer::new(self.format, schema))
    }
}

/// A spinner that comes when a statement takes long, and goes when this is dropped.
struct LateSpinner {
    bar: ProgressBar,
    timer: Option<JoinHandle<()>>,
}

impl LateSpinner {
    fn start(quiet: bool) -> Self {
        let bar = rows_spinner("running,", true);
        let timer = (!quiet).then(|| {
            let bar = bar.clone();
            tokio::spawn(async move {
                tokio::time::sleep(PATIENCE).await;
                bar.set_draw_target(ProgressDrawTarget::stderr());
            })
        });
        Self { bar, timer }
    }
}

impl Drop for LateSpinner {
    fn drop(&mut self) {
        if let Some(timer) = &self.timer {
            timer.abort();
        }
        self.bar.finish_and_clear();
    }
}
