//! Distances between sparse vectors, summed in `f32` in the order of the indices, as pgvector sums them.

use crate::{SparseVec, VectorError, VectorType};

impl SparseVec {
    /// The square root, in `f64`, of [`l2_squared_distance`](Self::l2_squared_distance).
    ///
    /// # Errors
    /// 22000 for different dimensions.
    pub fn l2_distance(&self, other: &SparseVec) -> Result<f64, VectorError> {
        Ok(self.l2_squared_distance(other)?.sqrt())
    }

    /// The sum of the squares of the differences.
    ///
    /// # Errors
    /// 22000 for different dimensions.
    pub fn l2_squared_distance(&self, other: &SparseVec) -> Result<f64, VectorError> {
        let sum = self.sum(other, |a, b| {
            let difference = a - b;
            difference * difference
        })?;
        Ok(sum.into())
    }

    /// The sum of the absolute differences.
    ///
    /// # Errors
    /// 22000 for different dimensions.
    pub fn l1_distance(&self, other: &SparseVec) -> Result<f64, VectorError> {
        Ok(self.sum(other, |a, b| (a - b).abs())?.into())
    }

    /// The sum of the products.
    ///
    /// # Errors
    /// 22000 for different dimensions.
    pub fn inner_product(&self, other: &SparseVec) -> Result<f64, VectorError> {
        Ok(self.dot(other)?.into())
    }

    /// The sum of the products with its sign turned, the `<#>` operator; that of nothing in common is `-0`.
    ///
    /// # Errors
    /// 22000 for different dimensions.
    pub fn negative_inner_product(&self, other: &SparseVec) -> Result<f64, VectorError> {
        Ok((-self.dot(other)?).into())
    }

    /// One minus the cosine of the angle, which is kept within -1 and 1; NaN when a vector is zero or a sum overflows.
    ///
    /// # Errors
    /// 22000 for different dimensions.
    pub fn cosine_distance(&self, other: &SparseVec) -> Result<f64, VectorError> {
        let product = f64::from(self.dot(other)?);
        let norms = f64::from(self.squares()) * f64::from(other.squares());
        // `clamp` leaves a NaN as it is.
        Ok(1.0 - (product / norms.sqrt()).clamp(-1.0, 1.0))
    }

    fn dot(&self, other: &SparseVec) -> Result<f32, VectorError> {
        // A zero's product adds nothing to a sum that starts at +0: elements are finite.
        self.sum(other, |a, b| a * b)
    }

    fn squares(&self) -> f32 {
        self.values.iter().fold(0.0, |sum, x| sum + x * x)
    }

    /// Adds up `term` over the places where either vector stores an element, in their order.
    fn sum(&self, other: &SparseVec, term: impl Fn(f32, f32) -> f32) -> Result<f32, VectorError> {
        let dimensions = |v: &SparseVec| usize::try_from(v.dimensions).unwrap_or(0);
        VectorType::Sparsevec.check_same(dimensions(self), dimensions(other))?;
        let mut left = self.elements().peekable();
        let mut right = other.elements().peekable();
        let mut sum = 0.0f32;
        loop {
            let place = match (left.peek(), right.peek()) {
                (Some((i, _)), Some((j, _))) => *i.min(j),
                (Some((i, _)), None) | (None, Some((i, _))) => *i,
                (None, None) => return Ok(sum),
            };
            let a = left.next_if(|(i, _)| *i == place);
            let b = right.next_if(|(i, _)| *i == place);
            let value = |element: Option<(i32, f32)>| element.map_or(0.0, |(_, value)| value);
            sum += term(value(a), value(b));
        }
    }
}
