//! Ctrl-C: noticed at once, acted upon where it is safe.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::cli::error::{Failure, Result};

/// How long work may take to notice; with the way out, less than the second that is promised.
const GRACE: Duration = Duration::from_millis(600);
/// How long aborted work may take to be dropped.
const ABORT: Duration = Duration::from_millis(150);

/// Whether somebody wants the work to end. Clones are the same interrupt.
///
/// Nothing is killed: loops call [`check`](Self::check), waits go through [`guard`](Self::guard), and what they drop on the
/// way out removes its unfinished files.
#[derive(Debug, Clone, Default)]
pub struct Interrupt {
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    raised: AtomicBool,
    changed: Notify,
    unfinished: Mutex<Vec<PathBuf>>,
}

/// A file or folder that is removed if the work has to be abandoned; forgotten when this is dropped.
#[derive(Debug)]
pub struct Unfinished {
    state: Arc<State>,
    path: PathBuf,
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        self.state.paths().retain(|path| *path != self.path);
    }
}

impl State {
    fn paths(&self) -> std::sync::MutexGuard<'_, Vec<PathBuf>> {
        self.unfinished
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Interrupt {
    /// Listens for SIGINT and SIGTERM from now on. Needs a runtime.
    pub fn listen() -> Result<Self> {
        let interrupt = Self::default();
        let listener = interrupt.clone();
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            // Made here and not in the task, so that no signal is lost before it first runs.
            let mut pressed = signal(SignalKind::interrupt())?;
            let mut terminated = signal(SignalKind::terminate())?;
            tokio::spawn(async move {
                loop {
                    tokio::select! {
                        _ = pressed.recv() => {}
                        _ = terminated.recv() => {}
                    }
                    listener.raise();
                }
            });
        }
        #[cfg(not(unix))]
        tokio::spawn(async move {
            while tokio::signal::ctrl_c().await.is_ok() {
                listener.raise();
            }
        });
        Ok(interrupt)
    }

    fn raise(&self) {
        self.state.raised.store(true, Ordering::SeqCst);
        self.state.changed.notify_waiters();
    }

    /// Whether it happened.
    pub fn is_raised(&self) -> bool {
        self.state.raised.load(Ordering::SeqCst)
    }

    /// Forgets what happened: a prompt goes on.
    pub fn clear(&self) {
        self.state.raised.store(false, Ordering::SeqCst);
    }

    /// An error if it happened. Loops call this at least every few megabytes.
    pub fn check(&self) -> Result<()> {
        if self.is_raised() {
            Err(Failure::Interrupted)
        } else {
            Ok(())
        }
    }

    /// Notes a path that must not outlive abandoned work.
    pub fn unfinished(&self, path: &Path) -> Unfinished {
        self.state.paths().push(path.to_owned());
        Unfinished {
            state: Arc::clone(&self.state),
            path: path.to_owned(),
        }
    }

    /// Runs `work` to its end, or abandons it when it does not stop soon after the interrupt.
    ///
    /// It runs on another thread, because work that computes for long without waiting cannot be stopped from its own.
    pub async fn supervise<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        let mut task = tokio::spawn(work);
        let joined = match self.guard(&mut task).await {
            Ok(joined) => joined,
            Err(_) => match tokio::time::timeout(GRACE, &mut task).await {
                Ok(joined) => joined,
                Err(_) => {
                    task.abort();
                    // Dropping it closes what it has open; work that never waits is left behind.
                    let _ = tokio::time::timeout(ABORT, &mut task).await;
                    self.remove_unfinished();
                    return Err(Failure::Interrupted);
                }
            },
        };
        match joined {
            Ok(outcome) => outcome,
            Err(error) => Err(Failure::Failed(format!("internal error: {error}"))),
        }
    }

    fn remove_unfinished(&self) {
        for path in self.state.paths().drain(..) {
            // It may be gone, or under its final name and whole.
            let _ = if path.is_dir() {
                std::fs::remove_dir_all(&path)
            } else {
                std::fs::remove_file(&path)
            };
        }
    }

    /// Waits for `work`, or for the interrupt, which drops it.
    pub async fn guard<T>(&self, work: impl Future<Output = T>) -> Result<T> {
        let mut changed = std::pin::pin!(self.state.changed.notified());
        // Registered before the flag is looked at, so that an interrupt between the two is not missed.
        changed.as_mut().enable();
        self.check()?;
        tokio::select! {
            biased;
            () = changed => Err(Failure::Interrupted),
            output = work => Ok(output),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_is_dropped_when_it_happens() {
        let interrupt = Interrupt::default();
        assert!(matches!(interrupt.guard(async { 7 }).await, Ok(7)));
        let other = interrupt.clone();
        tokio::spawn(async move { other.raise() });
        let never = std::future::pending::<()>();
        assert!(matches!(
            interrupt.guard(never).await,
            Err(Failure::Interrupted)
        ));
        assert!(matches!(
            interrupt.guard(async { 7 }).await,
            Err(Failure::Interrupted)
        ));
        interrupt.clear();
        assert!(interrupt.check().is_ok());
    }
}
