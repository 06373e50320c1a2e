//! Ctrl-C and other wishes to end: noticed at once, acted upon where it is safe.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::sync::Notify;

use crate::cli::error::{Failure, Result};

/// How long work at a prompt may take to end by itself.
const LAST_WORDS: Duration = Duration::from_millis(600);

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
}

impl Interrupt {
    /// Listens for SIGINT from now on, and for SIGTERM and SIGHUP, which end a prompt.
    ///
    /// It has a thread to itself: the threads that compute deliver no signals while they are busy.
    pub fn listen(&self, at_prompt: bool) -> Result<()> {
        let listener = self.clone();
        let runtime = Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()?;
        let entered = runtime.enter();
        // Made here and not on the thread, so that no signal is lost before that runs.
        let mut pressed = Signal::interrupt()?;
        let mut terminated = Signal::terminate()?;
        let mut hung_up = Signal::hang_up()?;
        drop(entered);
        std::thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    loop {
                        let ends = tokio::select! {
                            () = pressed.arrives() => false,
                            () = terminated.arrives() => true,
                            () = hung_up.arrives() => true,
                        };
                        listener.raise();
                        if ends && at_prompt {
                            // Nobody but the terminal can end a prompt that waits for a line.
                            tokio::time::sleep(LAST_WORDS).await;
                            ogive_cvc::end_temporaries();
                            std::process::exit(1);
                        }
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

    fn hang_up() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        signal(SignalKind::hangup()).map(Self)
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
    HangUp(tokio::signal::windows::CtrlShutdown),
}

#[cfg(windows)]
impl Signal {
    fn interrupt() -> std::io::Result<Self> {
        tokio::signal::windows::ctrl_c().map(Self::Interrupt)
    }

    fn terminate() -> std::io::Result<Self> {
        tokio::signal::windows::ctrl_close().map(Self::Terminate)
    }

    fn hang_up() -> std::io::Result<Self> {
        tokio::signal::windows::ctrl_shutdown().map(Self::HangUp)
    }

    async fn arrives(&mut self) {
        let arrived = match self {
            Self::Interrupt(signal) => signal.recv().await,
            Self::Terminate(signal) => signal.recv().await,
            Self::HangUp(signal) => signal.recv().await,
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
