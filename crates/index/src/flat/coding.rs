//! What turns rows into codes and queries into tables: learnt from a sample, kept in the file.

use ogive_kernels::{LOOKUP_COLUMNS_MAX, LookupShape, Matrix};

use super::allocation::{GROUP, allocate};
use super::bound::{DIRECTIONS_MAX, LENGTH_MAX, Rotation};
use super::levels::lost;
use super::measure::Measure;
use super::principal::{Basis, defect, principal_directions};

/// The learnt part of an index.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Coding {
    /// What distances are proven.
    pub(super) measure: Measure,
    /// Whether rows are `f64`.
    pub(super) double: bool,
    /// Elements of a row; not 0.
    pub(super) dimension: usize,
    /// `f` is 2 to this power.
    pub(super) exponent: i32,
    /// `μ`, of `dimension` elements.
    pub(super) mean: Vec<f32>,
    /// `R`, row-major, `directions` × `dimension`.
    pub(super) rotation: Vec<f32>,
    /// Standard deviations along the directions, filled up with 0 to whole groups.
    pub(super) deviations: Vec<f32>,
    /// Bits of each group of directions.
    pub(super) bits: Vec<u8>,
}

impl Coding {
    /// Directions that are coded.
    pub(super) fn directions(&self) -> usize {
        self.rotation.len() / self.dimension.max(1)
    }

    /// What a block of 64 rows holds.
    pub(super) fn shape(&self) -> LookupShape {
        LookupShape {
            columns: self.bits.iter().map(|bits| usize::from(*bits)).sum(),
            norms: self.measure == Measure::L2,
        }
    }

    /// Bits of a row's code.
    pub(super) fn code_bits(&self) -> usize {
        self.shape().columns * GROUP
    }

    /// `v`, of each direction.
    pub(super) fn weights(&self) -> Vec<f64> {
        let bits = self.bits.iter();
        bits.flat_map(|bits| [lost(*bits).sqrt(); GROUP]).collect()
    }

    /// What the proof knows about the rotation.
    pub(super) fn proof(&self, defect: f64) -> Rotation {
        Rotation {
            defect,
            partial: self.directions() < self.dimension,
            dimension: self.dimension,
            directions: self.directions(),
            roundings: Matrix::roundings(self.dimension),
            least_weight: self.weights().into_iter().fold(1.0, f64::min),
        }
    }

    /// `η`.
    pub(super) fn defect(&self) -> f64 {
        defect(&self.rotation, self.dimension)
    }

    /// The mean's length.
    pub(super) fn mean_length(&self) -> f64 {
        let squares = self.mean.iter().map(|x| f64::from(*x) * f64::from(*x));
        squares.sum::<f64>().sqrt()
    }
}

/// Directions and variances of a sample, from which codings of different sizes are made.
#[derive(Debug)]
pub(super) struct Learnt {
    measure: Measure,
    double: bool,
    dimension: usize,
    exponent: i32,
    mean: Vec<f32>,
    basis: Basis,
}

impl Learnt {
    /// Learns from `sample`: rows times `f` less `mean`, row-major.
    pub(super) fn from_sample(
        measure: Measure,
        double: bool,
        exponent: i32,
        mean: Vec<f32>,
        sample: &[f32],
    ) -> Learnt {
        let dimension = mean.len();
        let basis = principal_directions(sample, dimension, dimension.min(DIRECTIONS_MAX));
        Learnt {
            measure,
            double,
            dimension,
            exponent,
            mean,
            basis,
        }
    }

    /// Elements of a row.
    pub(super) fn dimension(&self) -> usize {
        self.dimension
    }

    /// The same for the sample itself, whose size is near 1 and whose mean is 0: its rows are `f64`.
    pub(super) fn of_sample(&self, bits: usize) -> Coding {
        Coding {
            measure: Measure::InnerProduct,
            double: true,
            exponent: 0,
            mean: vec![0.0; self.dimension],
            ..self.coding(bits)
        }
    }

    /// A coding of at most so many bits.
    pub(super) fn coding(&self, bits: usize) -> Coding {
        let budget = bits.min(LOOKUP_COLUMNS_MAX * GROUP);
        let mut variances = self.basis.variances.clone();
        variances.resize(variances.len().next_multiple_of(GROUP), 0.0);
        Coding {
            measure: self.measure,
            double: self.double,
            dimension: self.dimension,
            exponent: self.exponent,
            mean: self.mean.clone(),
            rotation: self.basis.directions.clone(),
            bits: allocate(&variances, self.basis.total, self.dimension, budget),
            // Any numbers will do: of a sample that varies more, codes say little.
            deviations: variances
                .into_iter()
                .map(|v| v.sqrt().min(LENGTH_MAX) as f32)
                .collect(),
        }
    }
}
