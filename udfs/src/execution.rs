//! What a statement's vectors and pages are worked on: `ogive.backend`, the instructions of the processor, and `ogive.device`.
//!
//! The settings are those of the session, which is read where functions run; no answer depends on them.

use std::sync::{Arc, OnceLock};

use datafusion_common::config::ConfigOptions;
use ogive_codecs::pages::{Backend, PageDevice, available_backends};
use ogive_cuda::{Device, DevicePages};
use ogive_kernels::{InstructionSet, active_instruction_set, available_instruction_sets};

/// What `ogive.backend` may be.
pub const BACKENDS: [&str; 5] = ["auto", "scalar", "avx2", "avx512", "neon"];
/// What `ogive.device` may be.
pub const DEVICES: [&str; 3] = ["auto", "cpu", "cuda"];

/// Where ogive's settings are.
const PREFIX: &str = "ogive";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum DeviceChoice {
    /// The device where it pays, if there is one.
    Auto,
    #[default]
    Cpu,
    /// The device for everything that it takes.
    Cuda,
}

/// The instructions and the device of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Execution {
    instructions: InstructionSet,
    pages: Backend,
    device: DeviceChoice,
}

impl Default for Execution {
    fn default() -> Self {
        Self {
            instructions: active_instruction_set(),
            pages: Backend::best(),
            device: DeviceChoice::default(),
        }
    }
}

impl Execution {
    /// As the session says; the best of this machine where it says nothing, or names what the machine lacks.
    pub fn of(options: &ConfigOptions) -> Self {
        let mut execution = Self::default();
        // The type of the settings is that of a room above.
        let ours = options
            .extensions
            .iter()
            .find(|(prefix, _)| *prefix == PREFIX);
        let Some((_, ours)) = ours else {
            return execution;
        };
        for entry in ours.entries() {
            let Some(value) = entry.value else { continue };
            match entry.key.rsplit('.').next() {
                Some("backend") => {
                    if let Some(set) = instructions(&value) {
                        execution.instructions = set;
                    }
                    if let Some(backend) = page_backend_of(&value) {
                        execution.pages = backend;
                    }
                }
                Some("device") => {
                    execution.device = match value.as_str() {
                        "auto" => DeviceChoice::Auto,
                        "cuda" => DeviceChoice::Cuda,
                        _ => DeviceChoice::Cpu,
                    };
                }
                _ => {}
            }
        }
        execution
    }

    /// The instructions that kernels use.
    pub fn instructions(&self) -> InstructionSet {
        self.instructions
    }

    /// The instructions that page codecs use.
    pub(crate) fn pages(&self) -> Backend {
        self.pages
    }

    /// The device that batches of pages are offered to.
    pub(crate) fn page_device(&self) -> Option<Arc<dyn PageDevice>> {
        static EVERYTHING: OnceLock<Option<Arc<DevicePages>>> = OnceLock::new();
        static WHERE_IT_PAYS: OnceLock<Option<Arc<DevicePages>>> = OnceLock::new();
        let found = match self.device {
            DeviceChoice::Cpu => return None,
            DeviceChoice::Cuda => EVERYTHING.get_or_init(|| {
                let device = Device::discover().ok()?;
                Some(Arc::new(DevicePages::new(device)))
            }),
            DeviceChoice::Auto => WHERE_IT_PAYS.get_or_init(|| {
                let threads = std::thread::available_parallelism().map_or(1, usize::from);
                if !DevicePages::can_pay(threads) {
                    return None;
                }
                let device = Device::discover().ok()?;
                Some(Arc::new(DevicePages::where_it_pays(device, threads)))
            }),
        };
        let device = found.clone()?;
        Some(device)
    }

    /// What page functions run on, for plans: the instructions, and the device that batches are offered to.
    pub fn shown(&self) -> String {
        match self.page_device() {
            Some(device) => format!("{}, device={}", self.pages, device.name()),
            None => self.pages.to_string(),
        }
    }
}

fn instructions(name: &str) -> Option<InstructionSet> {
    available_instruction_sets()
        .into_iter()
        .find(|set| set.to_string() == name)
}

fn page_backend_of(name: &str) -> Option<Backend> {
    available_backends()
        .into_iter()
        .find(|backend| backend.name() == name)
}

/// Whether a session may ask for these instructions.
///
/// # Errors
/// What the machine lacks, in words.
pub fn check_backend(name: &str) -> Result<(), String> {
    if name == "auto" || instructions(name).is_some() {
        return Ok(());
    }
    let sets: Vec<String> = available_instruction_sets()
        .iter()
        .map(ToString::to_string)
        .collect();
    Err(format!("this machine has {}", sets.join(", ")))
}

/// Whether a session may ask for this device.
///
/// # Errors
/// Why there is none, in words.
pub fn check_device(name: &str) -> Result<(), String> {
    match name {
        "cuda" => Device::discover()
            .map(|_| ())
            .map_err(|error| error.to_string()),
        _ => Ok(()),
    }
}

/// Something that work can be done on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackendRow {
    /// As the settings name it.
    pub name: &'static str,
    /// `cpu` or `gpu`.
    pub kind: &'static str,
    /// Whether this machine has it.
    pub available: bool,
    /// Whether the session uses it.
    pub chosen: bool,
    /// Why not.
    pub why_not: Option<String>,
    /// The device's name.
    pub device: Option<String>,
    /// Bytes of its memory.
    pub memory_bytes: Option<u64>,
    /// The version of CUDA that its driver offers.
    pub driver: Option<String>,
}

/// Everything that ogive knows to work on, and what a session uses of it.
pub fn backends(execution: &Execution) -> Vec<BackendRow> {
    let mut rows: Vec<BackendRow> = Backend::ALL
        .into_iter()
        .map(|backend| processor(backend, execution.pages))
        .collect();
    rows.push(cuda(execution.device));
    rows
}

fn processor(backend: Backend, chosen: Backend) -> BackendRow {
    let available = backend.is_available();
    let is_of_this_machine = match backend {
        Backend::Scalar => true,
        Backend::Neon => cfg!(target_arch = "aarch64"),
        Backend::Avx2 | Backend::Avx512 => cfg!(target_arch = "x86_64"),
    };
    let why_not = match (is_of_this_machine, available) {
        (false, _) => Some(format!(
            "not of this architecture, {}",
            std::env::consts::ARCH
        )),
        (true, false) => Some("not in this processor".to_string()),
        (true, true) if backend == chosen => None,
        (true, true) => Some(format!(
            "{chosen} is chosen; SET ogive.backend chooses another"
        )),
    };
    BackendRow {
        name: backend.name(),
        kind: "cpu",
        available,
        chosen: available && backend == chosen,
        why_not,
        device: None,
        memory_bytes: None,
        driver: None,
    }
}

fn cuda(choice: DeviceChoice) -> BackendRow {
    let found = Device::discover();
    let info = found.as_ref().ok().map(Device::info);
    let why_not = match (&found, choice) {
        (Err(error), _) => Some(error.to_string()),
        (Ok(_), DeviceChoice::Cpu) => Some("ogive.device is cpu".to_string()),
        (Ok(_), _) => None,
    };
    BackendRow {
        name: "cuda",
        kind: "gpu",
        available: found.is_ok(),
        chosen: why_not.is_none(),
        why_not,
        device: info.map(|info| info.name.clone()),
        memory_bytes: info.map(|info| info.memory_bytes),
        driver: info.map(|info| info.driver.clone()),
    }
}
