//! Bytes over time, as a metric: partitions' bytes and times are added up, and divided at the end.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use datafusion::physical_plan::metrics::CustomMetricValue;

/// Bytes that were worked on, and for how long. A partition's time is that of its thread and of those that helped it.
#[derive(Debug, Default)]
pub(super) struct Rate {
    bytes: AtomicU64,
    nanoseconds: AtomicU64,
}

impl Rate {
    pub(super) fn add(&self, bytes: usize, time: Duration) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    fn both(&self) -> (u64, u64) {
        let read = |number: &AtomicU64| number.load(Ordering::Relaxed);
        (read(&self.bytes), read(&self.nanoseconds))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Bytes a nanosecond are gigabytes a second.
        match self.both() {
            (_, 0) => f.write_str("0 GB/s"),
            (bytes, nanoseconds) => write!(f, "{:.2} GB/s", bytes as f64 / nanoseconds as f64),
        }
    }
}

impl CustomMetricValue for Rate {
    fn new_empty(&self) -> Arc<dyn CustomMetricValue> {
        Arc::new(Self::default())
    }

    fn aggregate(&self, other: Arc<dyn CustomMetricValue>) {
        if let Some(other) = other.as_any().downcast_ref::<Self>() {
            let (bytes, nanoseconds) = other.both();
            self.bytes.fetch_add(bytes, Ordering::Relaxed);
            self.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
        }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn is_eq(&self, other: &Arc<dyn CustomMetricValue>) -> bool {
        let other = other.as_any().downcast_ref::<Self>();
        other.is_some_and(|other| self.both() == other.both())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_of_partitions_are_of_all_bytes_over_all_time() {
        let sum = Rate::default();
        assert_eq!(sum.to_string(), "0 GB/s");
        for (bytes, milliseconds) in [(3_000_000, 1), (1_000_000, 3)] {
            let part = Rate::default();
            part.add(bytes, Duration::from_millis(milliseconds));
            sum.aggregate(Arc::new(part));
        }
        assert_eq!(sum.to_string(), "1.00 GB/s");
    }
}
