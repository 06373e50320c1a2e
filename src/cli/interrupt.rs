//! Ctrl-C: noticed at once, acted upon where it is safe.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::Builder;
use tokio::sync::Notify;

use crate::cli::error::{Failure, Result};

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
    /// Listens for SIGINT from now on, and for SIGTERM unless a prompt should end by it.
    ///
    /// It has a thread to itself: the threads that compute deliver no signals while they are busy.
    pub fn listen(&self, at_prompt: bool) -> Result<()> {
        let listener = self.clone();
        let runtime = Builder::new_current_thread().enable_io().build()?;
        let entered = runtime.enter();
        // Made here and not on the thread, so that no signal is lost before that runs.
        let mut pressed = Signal::interrupt()?;
        let mut terminated = if at_prompt {
            None
        } else {
            Some(Signal::terminate()?)
        };
        drop(entered);
        std::thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    loop {
                        match &mut terminated {
                            Some(terminated) => tokio::select! {
                                () = pressed.arrives() => {}
                                () = terminated.arrives() => {}
                            },
                            None => pressed.arrives().await,
                        }
                        listener.raise();
                    }
                });
            })?;
        Ok(())
    }

    /// Makes it happen.
    pub fn raise(&self) {
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

    /// Removes what abandoned work has left.
    pub fn remove_unfinished(&self) {
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

/// A signal of the system.
#[cfg(unix)]
struct Signal(tokio::signal::unix::Signal);

#[cfg(unix)]
impl Signal {
    fn interrupt() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        signal(SignalKind::interrupt()).map(Self)
    }

    fn terminate() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        signal(SignalKind::terminate()).map(Self)
    }

    async fn arrives(&mut self) {
        if self.0.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
    }
}

/// Ctrl-C, and the end of the console's window.
#[cfg(windows)]
enum Signal {
    Interrupt(tokio::signal::windows::CtrlC),
    Terminate(tokio::signal::windows::CtrlClose),
}

#[cfg(windows)]
impl Signal {
    fn interrupt() -> std::io::Result<Self> {
        tokio::signal::windows::ctrl_c().map(Self::Interrupt)
    }

    fn terminate() -> std::io::Result<Self> {
        tokio::signal::windows::ctrl_close().map(Self::Terminate)
    }

    async fn arrives(&mut self) {
        let arrived = match self {
            Self::Interrupt(signal) => signal.recv().await,
            Self::Terminate(signal) => signal.recv().await,
        };
        if arrived.is_none() {
            std::future::pending::<()>().await;
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
