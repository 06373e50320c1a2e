//! Which vector instructions this process uses, decided once.

use std::fmt;
use std::sync::OnceLock;

/// A family of vector instructions that the kernels are written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum InstructionSet {
    /// Portable code: the oracle that every other set is compared with.
    Scalar,
    /// x86-64 with AVX2, FMA and F16C.
    Avx2,
    /// x86-64 with AVX-512 F, BW, DQ and VL.
    Avx512,
    /// 64-bit Arm.
    Neon,
}

impl InstructionSet {
    /// Whether this process can run the set's instructions.
    pub(crate) fn is_available(self) -> bool {
        match self {
            InstructionSet::Scalar => true,
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx2 => avx2(),
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx512 => avx512(),
            #[cfg(target_arch = "aarch64")]
            InstructionSet::Neon => std::arch::is_aarch64_feature_detected!("neon"),
            #[allow(
                unreachable_patterns,
                reason = "which sets remain depends on the architecture"
            )]
            _ => false,
        }
    }

    fn name(self) -> &'static str {
        match self {
            InstructionSet::Scalar => "scalar",
            InstructionSet::Avx2 => "avx2",
            InstructionSet::Avx512 => "avx512",
            InstructionSet::Neon => "neon",
        }
    }
}

impl fmt::Display for InstructionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(target_arch = "x86_64")]
fn avx2() -> bool {
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("fma")
        && is_x86_feature_detected!("f16c")
}

#[cfg(target_arch = "x86_64")]
fn avx512() -> bool {
    avx2()
        && is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
}

/// Every set that this machine can run, slowest first; never empty.
pub fn available_instruction_sets() -> Vec<InstructionSet> {
    [
        InstructionSet::Scalar,
        InstructionSet::Neon,
        InstructionSet::Avx2,
        InstructionSet::Avx512,
    ]
    .into_iter()
    .filter(|set| set.is_available())
    .collect()
}

/// The set in use: the best available one, unless the environment variable `OGIVE_SIMD` names another available one
/// (`scalar`, `avx2`, `avx512`, `neon`). Decided on the first call and kept; a name that is unknown or not available
/// is ignored.
pub fn active_instruction_set() -> InstructionSet {
    static ACTIVE: OnceLock<InstructionSet> = OnceLock::new();
    *ACTIVE.get_or_init(|| {
        let available = available_instruction_sets();
        let wanted = std::env::var("OGIVE_SIMD").ok();
        wanted
            .and_then(|name| {
                available
                    .iter()
                    .find(|set| set.name().eq_ignore_ascii_case(name.trim()))
            })
            .or(available.last())
            .copied()
            .unwrap_or(InstructionSet::Scalar)
    })
}

/// The processor features that matter to the kernels and are present, by the names `rustc` gives them.
pub fn cpu_features() -> Vec<&'static str> {
    // The detection macros take literals only, so the list cannot be a loop over names.
    #[cfg(target_arch = "x86_64")]
    let detected = [
        ("sse4.2", is_x86_feature_detected!("sse4.2")),
        ("avx", is_x86_feature_detected!("avx")),
        ("avx2", is_x86_feature_detected!("avx2")),
        ("fma", is_x86_feature_detected!("fma")),
        ("f16c", is_x86_feature_detected!("f16c")),
        ("avxvnni", is_x86_feature_detected!("avxvnni")),
        ("avx512f", is_x86_feature_detected!("avx512f")),
        ("avx512bw", is_x86_feature_detected!("avx512bw")),
        ("avx512dq", is_x86_feature_detected!("avx512dq")),
        ("avx512vl", is_x86_feature_detected!("avx512vl")),
        ("avx512vnni", is_x86_feature_detected!("avx512vnni")),
        ("avx512fp16", is_x86_feature_detected!("avx512fp16")),
    ];
    #[cfg(target_arch = "aarch64")]
    let detected = [
        ("neon", std::arch::is_aarch64_feature_detected!("neon")),
        ("fp16", std::arch::is_aarch64_feature_detected!("fp16")),
        (
            "dotprod",
            std::arch::is_aarch64_feature_detected!("dotprod"),
        ),
        ("sve", std::arch::is_aarch64_feature_detected!("sve")),
    ];
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let detected: [(&'static str, bool); 0] = [];
    detected
        .into_iter()
        .filter_map(|(name, present)| present.then_some(name))
        .collect()
}
