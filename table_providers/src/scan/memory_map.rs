//! Whether local files are mapped: `SET ogive.memory_map = auto | on | off`.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use datafusion_common::{DataFusionError, config_datafusion_err, config_field};

/// When a local file is mapped. What is not mapped is read by ranges, as an object of a store is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum MemoryMap {
    /// Unless it lies on a network file system, where a server that goes away would end the process.
    #[default]
    Auto,
    /// Always.
    On,
    /// Never.
    Off,
}

impl MemoryMap {
    /// Whether the file at `path` is mapped.
    pub fn maps(self, path: &Path) -> bool {
        match self {
            Self::On => true,
            Self::Off => false,
            Self::Auto => !is_on_network(path),
        }
    }
}

/// Numbers of file systems whose bytes come from elsewhere: NFS, SMB, CIFS, Ceph, Lustre, AFS, 9P and FUSE.
#[cfg(target_os = "linux")]
fn is_on_network(path: &Path) -> bool {
    const NETWORK: [u64; 9] = [
        0x6969,
        0x517B,
        0xFE53_4D42,
        0xFF53_4D42,
        0x00C3_6400,
        0x0BD0_0BD0,
        0x5346_414F,
        0x0102_1997,
        0x6573_5546,
    ];
    // Of 32 bits, however wide the system's type is.
    rustix::fs::statfs(path).is_ok_and(|found| NETWORK.contains(&u64::from(found.f_type as u32)))
}

#[cfg(not(target_os = "linux"))]
fn is_on_network(_path: &Path) -> bool {
    false
}

impl FromStr for MemoryMap {
    type Err = DataFusionError;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        match word.to_ascii_lowercase().as_str() {
            "auto" => Ok(Self::Auto),
            "on" | "true" | "1" => Ok(Self::On),
            "off" | "false" | "0" => Ok(Self::Off),
            _ => Err(config_datafusion_err!(
                "ogive.memory_map: expected auto, on or off, found '{word}'"
            )),
        }
    }
}

impl fmt::Display for MemoryMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::On => "on",
            Self::Off => "off",
        })
    }
}

config_field!(MemoryMap);
