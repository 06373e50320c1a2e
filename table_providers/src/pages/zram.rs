//! `zram_devices()`: the statistics that the kernel keeps of its compressed memory devices.
//!
//! Source: `Documentation/admin-guide/blockdev/zram.rst` of Linux. A device is a folder `block/zramN` of sysfs:
//!
//! ```text
//! disksize        bytes that the device claims to have
//! initstate       1 where it is set up
//! comp_algorithm  the algorithms that there are, the chosen one in brackets
//! mm_stat         orig_data_size compr_data_size mem_used_total mem_limit mem_used_max same_pages pages_compacted
//!                 huge_pages huge_pages_since
//! io_stat         failed_reads failed_writes invalid_io notify_free
//! ```
//!
//! Older kernels have fewer numbers; those that are missing are NULL.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use datafusion_common::{Result, exec_datafusion_err};

/// Columns of `mm_stat`, in the kernel's order.
const MEMORY: [&str; 9] = [
    "original_bytes",
    "compressed_bytes",
    "memory_bytes",
    "memory_limit_bytes",
    "memory_max_bytes",
    "same_pages",
    "compacted_pages",
    "huge_pages",
    "huge_pages_since",
];
/// Columns of `io_stat`, in the kernel's order.
const REQUESTS: [&str; 4] = [
    "failed_reads",
    "failed_writes",
    "invalid_requests",
    "freed_notifications",
];

pub(super) fn schema() -> SchemaRef {
    let text = |name: &str| Field::new(name, DataType::Utf8, true);
    let int = |name: &str| Field::new(name, DataType::Int64, true);
    let mut fields = vec![
        text("device"),
        Field::new("is_set_up", DataType::Boolean, true),
        text("algorithm"),
        text("algorithms"),
        int("disk_bytes"),
        Field::new("ratio", DataType::Float64, true),
    ];
    fields.extend(MEMORY.iter().chain(&REQUESTS).map(|name| int(name)));
    Arc::new(Schema::new(fields))
}

#[derive(Debug, Default)]
struct Device {
    name: String,
    is_set_up: Option<bool>,
    algorithm: Option<String>,
    algorithms: Option<String>,
    disk_bytes: Option<i64>,
    memory: Vec<i64>,
    requests: Vec<i64>,
}

impl Device {
    /// Bytes before compression over bytes of memory for them.
    fn ratio(&self) -> Option<f64> {
        let original = *self.memory.first()?;
        let used = *self.memory.get(2)?;
        (used > 0).then(|| original as f64 / used as f64)
    }
}

/// The devices under a folder like `/sys`; none where there is no such folder.
pub(super) fn devices(sys: &Path) -> Result<RecordBatch> {
    let block = sys.join("block");
    let mut names = match fs::read_dir(&block) {
        Ok(entries) => entries
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter_map(|name| Some((name.strip_prefix("zram")?.parse::<u64>().ok()?, name)))
            .collect(),
        Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
        Err(error) => {
            return Err(exec_datafusion_err!(
                "zram_devices: cannot list {}: {error}",
                block.display()
            ));
        }
    };
    names.sort();
    let devices = names
        .into_iter()
        .map(|(_, name)| device(&block.join(&name), name))
        .collect::<Result<Vec<_>>>()?;
    batch(&devices)
}

fn batch(devices: &[Device]) -> Result<RecordBatch> {
    let text = |of: fn(&Device) -> Option<&str>| -> ArrayRef {
        Arc::new(devices.iter().map(of).collect::<StringArray>())
    };
    let int = |of: &dyn Fn(&Device) -> Option<i64>| -> ArrayRef {
        Arc::new(devices.iter().map(of).collect::<Int64Array>())
    };
    let set_up: BooleanArray = devices.iter().map(|device| device.is_set_up).collect();
    let ratios: Float64Array = devices.iter().map(Device::ratio).collect();
    let mut columns = vec![
        text(|device| Some(&device.name)),
        Arc::new(set_up) as ArrayRef,
        text(|device| device.algorithm.as_deref()),
        text(|device| device.algorithms.as_deref()),
        int(&|device| device.disk_bytes),
        Arc::new(ratios),
    ];
    for index in 0..MEMORY.len() {
        columns.push(int(&|device| device.memory.get(index).copied()));
    }
    for index in 0..REQUESTS.len() {
        columns.push(int(&|device| device.requests.get(index).copied()));
    }
    Ok(RecordBatch::try_new(schema(), columns)?)
}

fn device(folder: &Path, name: String) -> Result<Device> {
    let algorithms = read(&folder.join("comp_algorithm"))?;
    let chosen = algorithms.as_deref().and_then(|words| {
        words
            .split_whitespace()
            .find_map(|word| word.strip_prefix('[')?.strip_suffix(']'))
    });
    let first = |file: &str| {
        Ok::<_, datafusion_common::DataFusionError>(numbers(&folder.join(file))?.first().copied())
    };
    Ok(Device {
        name,
        is_set_up: first("initstate")?.map(|state| state != 0),
        algorithm: chosen.map(String::from),
        algorithms: algorithms
            .as_deref()
            .map(|words| words.replace(['[', ']'], "")),
        disk_bytes: first("disksize")?,
        memory: numbers(&folder.join("mm_stat"))?,
        requests: numbers(&folder.join("io_stat"))?,
    })
}

/// The text of a file, without the line's end; `None` where there is no file.
fn read(path: &Path) -> Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text.trim().to_string())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(exec_datafusion_err!(
            "zram_devices: cannot read {}: {error}",
            path.display()
        )),
    }
}

fn numbers(path: &Path) -> Result<Vec<i64>> {
    let text = read(path)?.unwrap_or_default();
    text.split_whitespace()
        .map(|word| {
            word.parse().map_err(|_| {
                exec_datafusion_err!(
                    "zram_devices: {} says '{word}', expected a number",
                    path.display()
                )
            })
        })
        .collect()
}
