//! Distances of whole columns, handed to the kernels in the largest blocks that the columns allow.
//!
//! Rows lie one behind the other in a list column, so any stretch of rows with the same number of elements is a block.
//! A `FixedSizeList` is one stretch. A NULL row of the right length is computed along and masked afterwards; one of
//! another length, usually 0, ends the stretch.

use arrow::array::Float64Array;
use arrow::buffer::NullBuffer;
use datafusion_common::{Result, exec_err};
use ogive_kernels::{InstructionSet, Metric, Precision, Query};
use ogive_vectors::VectorType;

use crate::answers::Answers;
use crate::pgvector::external;
use crate::vector_types::SqlVectorType;
use crate::vectors::Vectors;

/// Which argument of the function the constant is: errors give dimensions in the order of the arguments.
#[derive(Clone, Copy)]
pub(crate) enum ConstantSide {
    Left,
    Right,
}

/// The distance of every row from one constant vector.
///
/// # Errors
/// An execution error when a row that is not NULL has another dimension than the constant.
pub(crate) fn against_constant(
    answering: &Answering,
    column: &Vectors<'_>,
    query: &Query,
    side: ConstantSide,
) -> Result<Float64Array> {
    let dimension = query.dimension();
    let mut answers = Answers::new(column.len());
    let mut row = 0;
    while row < column.len() {
        let end = column.run_end(row);
        if column.dimension_of(row) == dimension {
            let block = column.block(row..end, dimension)?;
            for undefined in query.distances(&block, answers.of_rows(row..end)) {
                answers.set_null(row + undefined);
            }
        } else {
            all_null(answering, column, row..end, dimension, side)?;
        }
        row = end;
    }
    for hole in column.rows_with_null_elements() {
        answers.set_null(hole);
    }
    Ok(answers.finish(column.nulls().cloned()))
}

/// Checks that every row could be compared with a constant of `dimension` elements.
///
/// # Errors
/// An execution error when a row that is not NULL has another dimension.
pub(crate) fn check_dimensions(
    answering: &Answering,
    column: &Vectors<'_>,
    dimension: usize,
    side: ConstantSide,
) -> Result<()> {
    let mut row = 0;
    while row < column.len() {
        let end = column.run_end(row);
        if column.dimension_of(row) != dimension {
            all_null(answering, column, row..end, dimension, side)?;
        }
        row = end;
    }
    Ok(())
}

/// Rows of a wrong dimension are an error unless they are NULL.
fn all_null(
    answering: &Answering,
    column: &Vectors<'_>,
    mut rows: std::ops::Range<usize>,
    dimension: usize,
    side: ConstantSide,
) -> Result<()> {
    match rows.find(|&row| !column.is_null(row)) {
        None => Ok(()),
        Some(row) => match side {
            ConstantSide::Left => different(answering, dimension, column.dimension_of(row)),
            ConstantSide::Right => different(answering, column.dimension_of(row), dimension),
        },
    }
}

/// The distance of row i of one column from row i of another of the same length.
///
/// # Errors
/// An execution error when two rows, neither NULL, have different dimensions.
pub(crate) fn row_by_row(
    answering: &Answering,
    metric: Metric,
    left: &Vectors<'_>,
    right: &Vectors<'_>,
) -> Result<Float64Array> {
    let rows = left.len();
    if right.len() != rows {
        let function = answering.function;
        return exec_err!(
            "{function}: columns of {rows} and {} rows cannot be compared",
            right.len()
        );
    }
    let both_fixed = left.is_fixed() && right.is_fixed();
    let mut answers = Answers::new(rows);
    let mut row = 0;
    while row < rows {
        let dimension = left.dimension_of(row);
        if right.dimension_of(row) != dimension {
            if !left.is_null(row) && !right.is_null(row) {
                return different(answering, dimension, right.dimension_of(row));
            }
            row += 1;
            continue;
        }
        // The two columns are walked together: asking each for its own run would walk a long run of one again for
        // every short run of the other.
        let end = if both_fixed {
            rows
        } else {
            (row + 1..rows)
                .find(|&next| {
                    left.dimension_of(next) != dimension || right.dimension_of(next) != dimension
                })
                .unwrap_or(rows)
        };
        let undefined = ogive_kernels::pairwise_with(
            answering.instructions(),
            answering.precision(),
            metric,
            &left.block(row..end, dimension)?,
            &right.block(row..end, dimension)?,
            answers.of_rows(row..end),
        );
        for index in undefined {
            answers.set_null(row + index);
        }
        row = end;
    }
    for hole in left
        .rows_with_null_elements()
        .chain(right.rows_with_null_elements())
    {
        answers.set_null(hole);
    }
    Ok(answers.finish(NullBuffer::union(left.nulls(), right.nulls())))
}

/// The Euclidean norm of every row.
///
/// # Errors
/// An internal error when the column is damaged.
pub(crate) fn norms(column: &Vectors<'_>) -> Result<Float64Array> {
    let mut answers = Answers::new(column.len());
    let mut row = 0;
    while row < column.len() {
        let end = column.run_end(row);
        let block = column.block(row..end, column.dimension_of(row))?;
        ogive_kernels::norms(&block, answers.of_rows(row..end));
        row = end;
    }
    for hole in column.rows_with_null_elements() {
        answers.set_null(hole);
    }
    Ok(answers.finish(column.nulls().cloned()))
}

fn different<T>(answering: &Answering, left: usize, right: usize) -> Result<T> {
    if let Some(kind) = answering.kind {
        check_same(kind, left, right)?;
    }
    let function = answering.function;
    exec_err!("{function}: different vector dimensions {left} and {right}")
}

/// Checks the dimensions of two values of one of pgvector's types.
///
/// # Errors
/// pgvector's error, 22000.
pub(crate) fn check_same(kind: SqlVectorType, left: usize, right: usize) -> Result<()> {
    let kind = match kind {
        SqlVectorType::Vector => VectorType::Vector,
        SqlVectorType::Halfvec => VectorType::Halfvec,
        SqlVectorType::Sparsevec => VectorType::Sparsevec,
        SqlVectorType::Bit => {
            return ogive_vectors::check_same_length(left, right).map_err(external);
        }
    };
    kind.check_same(left, right).map_err(external)
}

/// Whose answers and errors a call gives.
pub(crate) struct Answering {
    function: &'static str,
    /// pgvector's, for this type; `None` for lists.
    kind: Option<SqlVectorType>,
    instructions: InstructionSet,
}

impl Answering {
    pub(crate) fn new(
        function: &'static str,
        kind: Option<SqlVectorType>,
        instructions: InstructionSet,
    ) -> Self {
        Self {
            function,
            kind,
            instructions,
        }
    }

    pub(crate) fn instructions(&self) -> InstructionSet {
        self.instructions
    }

    pub(crate) fn precision(&self) -> Precision {
        match self.kind {
            Some(_) => Precision::Single,
            None => Precision::Double,
        }
    }
}
