//! Threads that work, and one that watches them.

use std::future::Future;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

use crate::cli::error::{Failure, Result};
use crate::cli::interrupt::Interrupt;

/// How long work may take to notice; with the way out, less than the second that is promised.
const GRACE: Duration = Duration::from_millis(500);
/// Planners follow expressions down, and statements that programs write have thousands of terms. Pages are taken as they
/// are used.
const STACK_BYTES: usize = 256 * 1024 * 1024;
/// How long aborted work may take to be dropped.
const ABORT: Duration = Duration::from_millis(150);

/// How long dropped tasks may take to remove their files, and then those removals, which block.
const SETTLE: Duration = Duration::from_millis(150);
const SHUTDOWN: Duration = Duration::from_millis(100);
/// How often it is looked whether tasks are left.
const LOOK: Duration = Duration::from_millis(5);

/// Runs work on as many threads as the session may use, and ends it when it is interrupted.
pub struct Workers {
    threads: Runtime,
    /// Belongs to the thread that waits. Its timers must not depend on threads that compute: those deliver neither
    /// timers nor signals until they are done.
    watch: Runtime,
    interrupt: Interrupt,
}

impl Workers {
    /// Starts `threads` threads; one for each processor if it is not said.
    pub fn start(threads: Option<usize>, interrupt: Interrupt) -> Result<Self> {
        let threads =
            threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
        Ok(Self {
            threads: Builder::new_multi_thread()
                .worker_threads(threads)
                .thread_stack_size(STACK_BYTES)
                .enable_all()
                .build()?,
            watch: Builder::new_current_thread().enable_all().build()?,
            interrupt,
        })
    }

    /// Runs `work` to its end, or abandons it when it does not stop soon after the interrupt.
    pub fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        let mut task = self.threads.spawn(work);
        let joined = self.watch.block_on(async {
            if let Ok(joined) = self.interrupt.guard(&mut task).await {
                return Some(joined);
            }
            if let Ok(joined) = tokio::time::timeout(GRACE, &mut task).await {
                return Some(joined);
            }
            task.abort();
            // Dropping it closes what it has open; work that never waits is left behind.
            let _ = tokio::time::timeout(ABORT, &mut task).await;
            None
        });
        match joined {
            Some(Ok(outcome)) => outcome,
            Some(Err(error)) => Err(Failure::Failed(format!("internal error: {error}"))),
            None => {
                ogive_cvc::remove_temporaries();
                Err(Failure::Interrupted)
            }
        }
    }

    /// Ends all threads, without waiting for what does not end.
    pub fn stop(self) {
        let threads = self.threads.handle();
        let settled = async {
            while threads.metrics().num_alive_tasks() > 0 {
                tokio::time::sleep(LOOK).await;
            }
            // Writers that were dropped remove their files on other threads; a shutdown forgets removals that have not
            // begun. They begin in order, so they have when this has.
            let _ = threads.spawn_blocking(|| {}).await;
        };
        let _ = self
            .watch
            .block_on(async { tokio::time::timeout(SETTLE, settled).await });
        self.threads.shutdown_timeout(SHUTDOWN);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_that_does_not_listen_is_abandoned() {
        let folder = tempfile::tempdir().unwrap();
        let file = ogive_cvc::TemporaryFile::create_in(folder.path()).unwrap();
        let path = file.path().to_owned();
        let interrupt = Interrupt::default();
        let workers = Workers::start(Some(1), interrupt.clone()).unwrap();
        let inside = interrupt.clone();
        let outcome = workers.run(async move {
            let _unfinished = file;
            inside.raise();
            std::thread::sleep(GRACE + ABORT + Duration::from_secs(1));
            Ok(())
        });
        assert!(matches!(outcome, Err(Failure::Interrupted)));
        assert!(!path.exists());
        workers.stop();
    }

    #[test]
    fn the_outcome_of_work_comes_back() {
        let workers = Workers::start(Some(1), Interrupt::default()).unwrap();
        assert!(matches!(workers.run(async { Ok(7) }), Ok(7)));
        let failed = workers.run::<()>(async { panic!("on purpose") });
        assert!(matches!(failed, Err(Failure::Failed(message)) if message.contains("on purpose")));
    }
}
