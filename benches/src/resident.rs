//! Memory of this process, as the kernel counts it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::figure::Result;

/// How long the watcher sleeps between two looks; a look takes some tens of microseconds.
const INTERVAL: Duration = Duration::from_millis(1);

/// Resident bytes at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Resident {
    /// Memory of the process's own.
    pub anonymous: u64,
    /// Pages of mapped files; the kernel takes them back when it needs them.
    pub file: u64,
    /// The most that both together have been since the process began.
    pub high_water: u64,
}

/// The most seen while something ran.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Peak {
    /// Of the process's own memory, in bytes.
    pub anonymous: u64,
    /// Of own memory and mapped pages together, in bytes.
    pub total: u64,
    /// How often the watcher looked.
    pub looks: u64,
}

impl Resident {
    /// Memory now.
    pub fn now() -> Result<Self> {
        Ok(Self::parse(&std::fs::read_to_string("/proc/self/status")?))
    }

    fn parse(status: &str) -> Self {
        let kilobytes = |name: &str| {
            status
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
                .and_then(|rest| rest.trim().strip_suffix("kB")?.trim().parse::<u64>().ok())
                .unwrap_or(0)
        };
        Self {
            anonymous: kilobytes("RssAnon") * 1024,
            file: kilobytes("RssFile") * 1024,
            high_water: kilobytes("VmHWM") * 1024,
        }
    }
}

/// Runs something while a second thread looks at memory.
pub fn while_watched<T>(run: impl FnOnce() -> Result<T>) -> Result<(T, Peak)> {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut peak = Peak::default();
            loop {
                let last = done.load(Ordering::Acquire);
                let now = Resident::now()?;
                peak.anonymous = peak.anonymous.max(now.anonymous);
                peak.total = peak.total.max(now.anonymous + now.file);
                peak.looks += 1;
                if last {
                    return Ok(peak);
                }
                std::thread::sleep(INTERVAL);
            }
        });
        let answer = run();
        done.store(true, Ordering::Release);
        let peak: Result<Peak> = watcher.join().map_err(|_| "the watcher failed")?;
        Ok((answer?, peak?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_lines_that_matter() {
        let status = "Name:\tx\nVmHWM:\t  30 kB\nRssAnon:\t  10 kB\nRssFile:\t 5 kB\n";
        let expected = Resident {
            anonymous: 10_240,
            file: 5_120,
            high_water: 30_720,
        };
        assert_eq!(Resident::parse(status), expected);
    }

    #[test]
    fn sees_memory_that_is_taken_and_given_back() {
        let before = Resident::now().unwrap().anonymous;
        let ((), peak) = while_watched(|| {
            let taken = std::hint::black_box(vec![1_u8; 64 << 20]);
            std::thread::sleep(Duration::from_millis(50));
            drop(taken);
            Ok(())
        })
        .unwrap();
        assert!(peak.anonymous >= before + (60 << 20), "{before} {peak:?}");
        assert!(peak.looks > 2);
    }
}
