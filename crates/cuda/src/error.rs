//! What can stand between a program and a device.

/// Why a device did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The library of NVIDIA's driver is not there.
    #[error(
        "no CUDA driver: none of {} is in the library path. Install NVIDIA's driver (550 or later), or leave the work to the processor",
        looked_for.join(", ")
    )]
    NoDriver {
        /// Names that were looked for.
        looked_for: Vec<String>,
    },
    /// The driver is there and has no device to offer.
    #[error(
        "the CUDA driver has no device (CUDA_VISIBLE_DEVICES is {visible}). See what `nvidia-smi` lists"
    )]
    NoDevice {
        /// What the environment variable says.
        visible: String,
    },
    /// A device that the kernels are not made for.
    #[error("{device} has compute capability {major}.{minor}, at least 7.5 (Turing) is needed")]
    TooOld {
        /// Its name.
        device: String,
        /// Its compute capability.
        major: i32,
        /// Its compute capability.
        minor: i32,
    },
    /// A call of the driver failed.
    #[error("the CUDA driver: {call} says {code}: {message}")]
    Driver {
        /// The call.
        call: &'static str,
        /// The name of the driver's error.
        code: String,
        /// What the driver says about it.
        message: String,
    },
    /// The memory of the device, or page-locked memory of the host, is used up.
    #[error("no room for {bytes} bytes in {place}")]
    Memory {
        /// Bytes that were asked for.
        bytes: u64,
        /// Where.
        place: &'static str,
    },
    /// A question that devices are not asked.
    #[error("the device does not take {what}")]
    Unsupported {
        /// What it was given.
        what: String,
    },
    /// The bytes are wrong.
    #[error(transparent)]
    Bytes(#[from] ogive_codecs::Error),
}

/// The result of asking a device.
pub type Result<T, E = Error> = std::result::Result<T, E>;
