//! Answers, written as the lists that the arguments were.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, FixedSizeListArray, GenericListArray, NullBufferBuilder, OffsetSizeTrait,
    PrimitiveArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Float16Type, Float32Type, Float64Type};
use datafusion_common::{Result, exec_datafusion_err, internal_err};
use half::f16;

use super::{Definition, Sums};

/// The answers of a call, group after group.
pub(super) struct ListAnswers<'a> {
    definition: &'a Definition,
    elements: Elements,
    /// Where each answer ends.
    ends: Vec<usize>,
    nulls: NullBufferBuilder,
    /// An answer in double precision, before it is rounded.
    scratch: Vec<f64>,
}

enum Elements {
    Half(Vec<f16>),
    Single(Vec<f32>),
    Double(Vec<f64>),
}

impl<'a> ListAnswers<'a> {
    /// The answers of all groups.
    ///
    /// # Errors
    /// Those of [`Definition::finish`], and more elements than the offsets of a list can count.
    pub(super) fn of(definition: &'a Definition, sums: &Sums) -> Result<ArrayRef> {
        let mut answers = Self::new(definition, sums.len())?;
        for group in 0..sums.len() {
            answers.push(sums.get(group))?;
        }
        answers.finish()
    }

    fn new(definition: &'a Definition, groups: usize) -> Result<Self> {
        let (DataType::List(field)
        | DataType::LargeList(field)
        | DataType::FixedSizeList(field, _)) = definition.answer_type()
        else {
            return internal_err!("{} is no list", definition.answer_type());
        };
        let elements = match field.data_type() {
            DataType::Float16 => Elements::Half(Vec::new()),
            DataType::Float32 => Elements::Single(Vec::new()),
            DataType::Float64 => Elements::Double(Vec::new()),
            other => return internal_err!("answers of {other} elements"),
        };
        Ok(Self {
            definition,
            elements,
            ends: Vec::with_capacity(groups),
            nulls: NullBufferBuilder::new(groups),
            scratch: Vec::new(),
        })
    }

    fn push(&mut self, group: Option<(&[f64], u64)>) -> Result<()> {
        self.scratch.clear();
        if let Some((sums, count)) = group {
            self.scratch.extend_from_slice(sums);
            self.definition.finish(&mut self.scratch, count)?;
        }
        if let DataType::FixedSizeList(_, dimension) = self.definition.answer_type() {
            let dimension = usize::try_from(*dimension).unwrap_or_default();
            match group {
                None => self.scratch.resize(dimension, 0.0),
                Some((sums, _)) if sums.len() == dimension => {}
                Some((sums, _)) => {
                    return internal_err!("{} sums for {dimension} dimensions", sums.len());
                }
            }
        }
        let scratch = self.scratch.iter();
        let end = match &mut self.elements {
            Elements::Half(elements) => {
                elements.extend(scratch.map(|&element| f16::from_f64(element)));
                elements.len()
            }
            Elements::Single(elements) => {
                elements.extend(scratch.map(|&element| element as f32));
                elements.len()
            }
            Elements::Double(elements) => {
                elements.extend(scratch);
                elements.len()
            }
        };
        self.ends.push(end);
        self.nulls.append(group.is_some());
        Ok(())
    }

    fn finish(mut self) -> Result<ArrayRef> {
        let elements: ArrayRef = match self.elements {
            Elements::Half(elements) => {
                Arc::new(PrimitiveArray::<Float16Type>::new(elements.into(), None))
            }
            Elements::Single(elements) => {
                Arc::new(PrimitiveArray::<Float32Type>::new(elements.into(), None))
            }
            Elements::Double(elements) => {
                Arc::new(PrimitiveArray::<Float64Type>::new(elements.into(), None))
            }
        };
        let nulls = self.nulls.finish();
        match self.definition.answer_type() {
            DataType::FixedSizeList(field, dimension) => {
                Ok(Arc::new(FixedSizeListArray::try_new_with_length(
                    Arc::clone(field),
                    *dimension,
                    elements,
                    nulls,
                    self.ends.len(),
                )?))
            }
            DataType::List(field) => Ok(Arc::new(GenericListArray::<i32>::try_new(
                Arc::clone(field),
                offsets(&self.ends)?,
                elements,
                nulls,
            )?)),
            DataType::LargeList(field) => Ok(Arc::new(GenericListArray::<i64>::try_new(
                Arc::clone(field),
                offsets(&self.ends)?,
                elements,
                nulls,
            )?)),
            other => internal_err!("{other} is no list"),
        }
    }
}

/// The offsets of lists that end at `ends`, the first of which begins at 0.
///
/// # Errors
/// An execution error when the type of the offsets cannot count so far.
pub(super) fn offsets<O: OffsetSizeTrait>(ends: &[usize]) -> Result<OffsetBuffer<O>> {
    let offsets: Option<Vec<O>> = std::iter::once(&0)
        .chain(ends)
        .map(|&end| O::from_usize(end))
        .collect();
    match offsets {
        Some(offsets) => Ok(OffsetBuffer::new(offsets.into())),
        None => Err(exec_datafusion_err!(
            "{} lists hold {} numbers, more than the offsets of their type can count",
            ends.len(),
            ends.last().copied().unwrap_or_default()
        )),
    }
}
