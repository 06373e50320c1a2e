//! Compressors that are kept between batches.

use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use datafusion_common::Result;
use ogive_codecs::pages::{CompressorBuilder, Dictionary, PageBatch};

use super::codec_error;
use crate::Execution;

/// Settings that are kept, those used last.
const KEPT: usize = 8;

/// The compressors of a function. Two of them are equal: what is kept changes no answer.
#[derive(Debug, Clone, Default)]
pub(super) struct Batches {
    kept: Arc<Mutex<Vec<Kept>>>,
}

#[derive(Debug)]
struct Kept {
    settings: CompressorBuilder,
    dictionary: Option<Dictionary>,
    execution: Execution,
    batch: Arc<PageBatch>,
}

impl Batches {
    /// The compressors for some settings and a dictionary, as the bytes that it was saved as.
    pub(super) fn get(
        &self,
        name: &str,
        execution: Execution,
        settings: CompressorBuilder,
        dictionary: Option<&[u8]>,
    ) -> Result<(Arc<PageBatch>, Option<Dictionary>)> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.iter().position(|one| {
            one.settings == settings
                && one.execution == execution
                && one.dictionary.as_ref().map(Dictionary::as_bytes) == dictionary
        });
        if let Some(found) = found {
            let one = kept.remove(found);
            let answer = (Arc::clone(&one.batch), one.dictionary.clone());
            kept.push(one);
            return Ok(answer);
        }
        let error = |error| codec_error(name, &error);
        let dictionary = dictionary
            .map(Dictionary::load)
            .transpose()
            .map_err(error)?;
        let whole = match &dictionary {
            Some(dictionary) => settings.clone().dictionary(dictionary.clone()),
            None => settings.clone(),
        };
        let whole = whole.backend(execution.pages());
        let mut batch = PageBatch::new(whole).map_err(error)?;
        if let Some(device) = execution.page_device() {
            batch = batch.with_device(device);
        }
        let batch = Arc::new(batch);
        if kept.len() == KEPT {
            kept.remove(0);
        }
        kept.push(Kept {
            settings,
            dictionary: dictionary.clone(),
            execution,
            batch: Arc::clone(&batch),
        });
        Ok((batch, dictionary))
    }
}

impl PartialEq for Batches {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

impl Eq for Batches {}

impl Hash for Batches {
    fn hash<H: Hasher>(&self, _state: &mut H) {}
}
