//! One moment of the file for all scans of a statement.
//!
//! The scans of a statement share its [`TaskContext`]. Each says when it is executed that it will want a connection, and the
//! first one that runs opens connections for all of them at one moment, and a few more for scans that are executed later
//! (scalar subqueries). A connection that has been read through stays at that moment and serves the next scan that comes.
//!
//! A database in WAL mode is held at the moment until the statement's context is gone, which a task looks for. In any other mode a
//! reader keeps writers from committing, the statement's own as well: there the moment ends with the last scan that
//! is running.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use datafusion_common::{Result, exec_datafusion_err};
use datafusion_common_runtime::SpawnedTask;
use datafusion_execution::TaskContext;
use ogive_vault::{Reader, Snapshot, Vault};
use parking_lot::{Condvar, Mutex};

use crate::error::vault_error;

/// Connections for scans that are executed after the first one has begun. More of them than these wait for one.
const SPARE_READERS: usize = 3;

/// How often statements that are over are looked for.
const SWEEP_INTERVAL: Duration = Duration::from_millis(10);

/// The statements that are running over a file.
#[derive(Debug, Default)]
pub struct Statements {
    running: Mutex<Vec<Running>>,
    sweeper: Mutex<Option<SpawnedTask<()>>>,
}

#[derive(Debug)]
struct Running {
    context: Weak<TaskContext>,
    statement: Weak<Statement>,
    /// In WAL mode, so that the moment outlasts scans.
    _held: Option<Arc<Statement>>,
}

/// The connections of a statement.
#[derive(Debug)]
pub struct Statement {
    vault: Vault,
    state: Mutex<State>,
    given_back: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Scans that have been executed and have not yet asked.
    expected: usize,
    ready: Vec<Reader>,
    snapshot: Option<Snapshot>,
}

impl Statements {
    /// The statement of a context, which expects one connection more.
    pub fn join(self: &Arc<Self>, vault: &Vault, context: &Arc<TaskContext>) -> Arc<Statement> {
        self.sweep();
        let mut running = self.running.lock();
        let known = running
            .iter()
            .find(|running| std::ptr::eq(running.context.as_ptr(), Arc::as_ptr(context)))
            .and_then(|running| running.statement.upgrade());
        let statement = known.unwrap_or_else(|| {
            let statement = Arc::new(Statement {
                vault: vault.clone(),
                state: Mutex::default(),
                given_back: Condvar::new(),
            });
            let held = vault.is_wal() && self.sweep_later();
            running.push(Running {
                context: Arc::downgrade(context),
                statement: Arc::downgrade(&statement),
                _held: held.then(|| Arc::clone(&statement)),
            });
            statement
        });
        statement.state.lock().expected += 1;
        statement
    }

    /// Lets go of statements that are over; whether any are left.
    fn sweep(&self) -> bool {
        let mut running = self.running.lock();
        let (left, over): (Vec<_>, Vec<_>) = running.drain(..).partition(|running| {
            running.context.strong_count() > 0 && running.statement.strong_count() > 0
        });
        *running = left;
        let any = !running.is_empty();
        drop(running);
        // Transactions end outside of the lock.
        drop(over);
        any
    }

    /// Starts the task that sweeps until nothing is left; `false` where there is no runtime for it.
    fn sweep_later(self: &Arc<Self>) -> bool {
        if tokio::runtime::Handle::try_current().is_err() {
            return false;
        }
        let mut sweeper = self.sweeper.lock();
        let statements = Arc::downgrade(self);
        // One that has ended, or whose runtime has, is replaced.
        *sweeper = Some(SpawnedTask::spawn(async move {
            loop {
                tokio::time::sleep(SWEEP_INTERVAL).await;
                match statements.upgrade() {
                    Some(statements) if statements.sweep() => {}
                    _ => return,
                }
            }
        }));
        true
    }
}

impl Statement {
    /// A connection at the statement's moment. Blocks.
    pub fn reader(self: &Arc<Self>) -> Result<StatementReader> {
        let mut state = self.state.lock();
        let deadline = Instant::now() + Duration::from_millis(self.vault.options().busy_timeout_ms);
        let reader = loop {
            if let Some(reader) = state.ready.pop() {
                break reader;
            }
            let first = state.snapshot.is_none();
            let wanted = state.expected.max(1) + if first { SPARE_READERS } else { 0 };
            if first {
                state.snapshot = Some(self.vault.snapshot().map_err(vault_error)?);
            }
            let taken = match &mut state.snapshot {
                Some(snapshot) => snapshot.take(wanted),
                None => Ok(Vec::new()),
            };
            match taken {
                Ok(readers) => state.ready.extend(readers),
                // The file has changed since: a connection of that moment has to come back from another scan.
                Err(error) => {
                    let timed_out = self.given_back.wait_until(&mut state, deadline).timed_out();
                    if timed_out && state.ready.is_empty() {
                        return Err(vault_error(error));
                    }
                }
            }
        };
        state.expected = state.expected.saturating_sub(1);
        drop(state);
        Ok(StatementReader {
            reader: Some(reader),
            statement: Arc::clone(self),
        })
    }
}

/// A connection of a statement, which goes back to it.
#[derive(Debug)]
pub struct StatementReader {
    reader: Option<Reader>,
    statement: Arc<Statement>,
}

impl StatementReader {
    /// The connection.
    pub fn get(&self) -> Result<&Reader> {
        self.reader
            .as_ref()
            .ok_or_else(|| exec_datafusion_err!("a statement's connection was given back"))
    }
}

impl Drop for StatementReader {
    fn drop(&mut self) {
        if let Some(reader) = self.reader.take() {
            self.statement.state.lock().ready.push(reader);
            self.statement.given_back.notify_one();
        }
    }
}
