//! How far the scan of a checkout is, on stderr, while one waits.

use std::io::{self, IsTerminal, Write};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ogive_codebase::{Progress, ScanStats};

/// How often a line is written: on a terminal over the one before.
const TERMINAL_STEP: Duration = Duration::from_millis(200);
const FILE_STEP: Duration = Duration::from_secs(1);

/// Says how far a scan is until it is dropped.
pub struct ScanProgress {
    ended: Option<(Sender<()>, JoinHandle<()>)>,
}

impl ScanProgress {
    /// Begins, if stderr is a terminal and nobody wants quiet, or if it is asked for.
    pub fn start(progress: &Progress, quiet: bool, asked: bool) -> Self {
        let is_terminal = io::stderr().is_terminal();
        if !asked && (quiet || !is_terminal) {
            return Self { ended: None };
        }
        let progress = progress.clone();
        let (sender, receiver) = channel();
        let step = if is_terminal {
            TERMINAL_STEP
        } else {
            FILE_STEP
        };
        let thread = std::thread::spawn(move || {
            let started = Instant::now();
            let write = |is_last: bool| {
                let line = line(&progress.stats(), started.elapsed());
                let mut out = io::stderr().lock();
                // What cannot be shown is not worth failing for.
                let _ = match (is_terminal, is_last) {
                    (true, false) => write!(out, "\r{line}\x1b[K").and_then(|()| out.flush()),
                    (true, true) => write!(out, "\r\x1b[K").and_then(|()| out.flush()),
                    (false, _) => writeln!(out, "{line}"),
                };
            };
            while receiver.recv_timeout(step) == Err(RecvTimeoutError::Timeout) {
                write(false);
            }
            write(true);
        });
        Self {
            ended: Some((sender, thread)),
        }
    }
}

impl Drop for ScanProgress {
    fn drop(&mut self) {
        if let Some((sender, thread)) = self.ended.take() {
            drop(sender);
            let _ = thread.join();
        }
    }
}

/// Files, rates, errors, and the time left if the rest goes as what is done.
fn line(stats: &ScanStats, elapsed: Duration) -> String {
    let done = stats.files + stats.pruned + stats.binary;
    let seconds = elapsed.as_secs_f64().max(1e-9);
    let left = match done {
        0 => String::new(),
        _ => {
            let left = stats.found.saturating_sub(done) as f64 * seconds / done as f64;
            format!(", {left:.0} s left")
        }
    };
    format!(
        "{} of {} files, {:.0} files/s, {:.1} MB/s, {} error(s){left}",
        done,
        stats.found,
        done as f64 / seconds,
        stats.bytes as f64 / seconds / 1e6,
        stats.errors,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_has_rates_and_the_time_left() {
        let stats = ScanStats {
            found: 100,
            files: 20,
            binary: 5,
            bytes: 3_000_000,
            errors: 2,
            ..ScanStats::default()
        };
        assert_eq!(
            line(&stats, Duration::from_secs(2)),
            "25 of 100 files, 12 files/s, 1.5 MB/s, 2 error(s), 6 s left"
        );
        assert_eq!(
            line(&ScanStats::default(), Duration::ZERO),
            "0 of 0 files, 0 files/s, 0.0 MB/s, 0 error(s)"
        );
    }
}
