//! Which instructions the page codecs use.

use std::fmt;
use std::sync::OnceLock;

/// A family of instructions that code here is written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Backend {
    /// Portable code: the oracle that every other is compared with.
    Scalar,
    /// 64-bit Arm.
    Neon,
    /// x86-64 with AVX2.
    Avx2,
    /// x86-64 with AVX-512 F and BW.
    Avx512,
}

impl Backend {
    /// Every back end, slowest first.
    pub const ALL: [Self; 4] = [Self::Scalar, Self::Neon, Self::Avx2, Self::Avx512];

    /// Whether this process can run its instructions. The answer is kept by the standard library.
    pub fn is_available(self) -> bool {
        match self {
            Self::Scalar => true,
            #[cfg(target_arch = "aarch64")]
            Self::Neon => std::arch::is_aarch64_feature_detected!("neon"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => is_x86_feature_detected!("avx2"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => {
                is_x86_feature_detected!("avx2")
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
            }
            #[allow(
                unreachable_patterns,
                reason = "which remain depends on the architecture"
            )]
            _ => false,
        }
    }

    /// The best that this machine has, unless the environment variable `OGIVE_SIMD` names another one that it has.
    /// Decided on the first call and kept.
    pub fn best() -> Self {
        static BEST: OnceLock<Backend> = OnceLock::new();
        *BEST.get_or_init(|| {
            let available = available_backends();
            let wanted = std::env::var("OGIVE_SIMD").unwrap_or_default();
            available
                .iter()
                .find(|backend| backend.name().eq_ignore_ascii_case(wanted.trim()))
                .or(available.last())
                .copied()
                .unwrap_or(Self::Scalar)
        })
    }

    /// The name in SQL and in `OGIVE_SIMD`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Neon => "neon",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Every back end that this machine can run, slowest first; never empty.
pub fn available_backends() -> Vec<Backend> {
    Backend::ALL
        .into_iter()
        .filter(|backend| backend.is_available())
        .collect()
}
